"""What strangers make a role fetch takes a bounded part of the disk, and never the place of what it needs."""

import os
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.storage import artifacts, remote
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore, name_of
from anh_rollup.storage.cache import MARKS
from anh_rollup.storage.errors import StoreUnreachableError
from anh_rollup.storage.remote import RemotePolicy

COUNT = 6
#: Fetched artifacts that the store of these tests has room for.
ROOM = 3


class Neighbour:
    """Somebody else's store with data sets of one size."""

    def __init__(self, folder: Path) -> None:
        self.store = ArtifactStore(folder)
        self.uri = folder.as_uri()
        self.datasets = [Dataset([np.full(100, number, np.int32)]) for number in range(COUNT)]
        self.roots = [self.store.put_dataset(each) for each in self.datasets]
        self.size = (folder / name_of(ArtifactKind.DATASET, self.roots[0])).stat().st_size


@pytest.fixture
def neighbour(tmp_path: Path) -> Neighbour:
    return Neighbour(tmp_path / "theirs")


@pytest.fixture
def opened(tmp_path: Path, neighbour: Neighbour) -> Callable[[], ArtifactStore]:
    """Opens our store, as after a (re)start."""
    policy = RemotePolicy(file_roots=(tmp_path,))
    return lambda: ArtifactStore(tmp_path / "ours", policy, most_cache=ROOM * neighbour.size)


def kept(store: ArtifactStore, neighbour: Neighbour) -> list[int]:
    return [at for at, root in enumerate(neighbour.roots) if store.has(ArtifactKind.DATASET, root)]


def fetch(store: ArtifactStore, neighbour: Neighbour, *numbers: int) -> None:
    for number in numbers:
        fetched = store.get_dataset(neighbour.roots[number], neighbour.uri)
        assert fetched.root == neighbour.roots[number]


def job_on(dataset: bytes) -> Job:
    return Job(JobKind.TRAINING, b"\1" * 32, bytes(32), (Property(b"\2" * 32, dataset, 1),), 1, "")


Opened = Callable[[], ArtifactStore]


def test_what_was_not_used_for_longest_makes_room(opened: Opened, neighbour: Neighbour) -> None:
    store = opened()
    fetch(store, neighbour, 0, 1, 2)
    assert kept(store, neighbour) == [0, 1, 2]
    fetch(store, neighbour, 0, 3)
    assert kept(store, neighbour) == [0, 2, 3]
    fetch(store, neighbour, 4, 5)
    assert kept(store, neighbour) == [3, 4, 5]


def test_own_artifacts_stay_and_count_nothing(opened: Opened, neighbour: Neighbour) -> None:
    store = opened()
    store.put_dataset(neighbour.datasets[0])
    fetch(store, neighbour, 1)
    store.put_dataset(neighbour.datasets[1])  # fetched first, and then our own
    fetch(store, neighbour, 2, 3, 4, 5)
    assert kept(store, neighbour) == [0, 1, 3, 4, 5]
    again = opened()
    fetch(again, neighbour, 2)
    assert kept(again, neighbour) == [0, 1, 2, 4, 5]


def test_what_somebody_puts_by_hand_into_a_roles_folder_stays(
    opened: Opened, neighbour: Neighbour, tmp_path: Path
) -> None:
    store, by_hand = opened(), ArtifactStore(tmp_path / "ours")
    fetch(store, neighbour, 0, 1)
    by_hand.put_dataset(neighbour.datasets[0])  # fetched first
    fetch(store, neighbour, 2, 3, 4, 5)
    assert kept(store, neighbour) == [0, 3, 4, 5]
    again = opened()
    fetch(again, neighbour, 1, 2)
    assert kept(again, neighbour) == [0, 1, 2, 5]


def test_what_is_put_by_hand_while_a_role_fetches_it_stays(
    opened: Opened, neighbour: Neighbour, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store, by_hand = opened(), ArtifactStore(tmp_path / "ours")

    def fetch_late(uri: str, name: str, policy: RemotePolicy) -> bytes | None:
        content = remote.fetch(uri, name, policy)
        by_hand.put_dataset(neighbour.datasets[0])
        return content

    with monkeypatch.context() as patched:
        patched.setattr(artifacts, "fetch", fetch_late)
        fetch(store, neighbour, 0)
    fetch(store, neighbour, 1, 2, 3, 4)
    assert kept(store, neighbour) == [0, 2, 3, 4]


def test_a_mark_that_cannot_be_taken_away_is_told(
    opened: Opened, neighbour: Neighbour, tmp_path: Path
) -> None:
    mark = tmp_path / "ours" / MARKS / name_of(ArtifactKind.DATASET, neighbour.roots[0])
    mark.mkdir(parents=True)
    with pytest.raises(StoreUnreachableError):
        ArtifactStore(tmp_path / "ours").put_dataset(neighbour.datasets[0])


def test_what_a_claim_needs_stays(opened: Opened, neighbour: Neighbour) -> None:
    store = opened()
    fetch(store, neighbour, 0, 1, 2)
    store.need_only([(job_on(neighbour.roots[0]), neighbour.roots[1])])
    fetch(store, neighbour, 3, 4, 5)
    assert kept(store, neighbour) == [0, 1, 5]
    store.need_only([])
    fetch(store, neighbour, 2, 3)
    assert kept(store, neighbour) == [2, 3, 5]


def test_what_does_not_fit_beside_what_is_needed_is_read_and_not_kept(
    opened: Opened, neighbour: Neighbour
) -> None:
    store = opened()
    needed = [(job_on(root), bytes(32)) for root in neighbour.roots[:4]]
    store.need_only(needed)
    fetch(store, neighbour, 0, 1, 2, 3)
    fetch(store, neighbour, 4)
    assert kept(store, neighbour) == [0, 1, 2, 3]


def test_a_restart_forgets_neither_the_quota_nor_the_order(opened: Opened, neighbour: Neighbour) -> None:
    store = opened()
    fetch(store, neighbour, 0, 1, 2)
    assert store.folder is not None
    for age, number in enumerate((1, 0, 2)):
        mark = store.folder / MARKS / name_of(ArtifactKind.DATASET, neighbour.roots[number])
        os.utime(mark, (age, age))
    again = opened()
    fetch(again, neighbour, 3)
    assert kept(again, neighbour) == [0, 2, 3]


def test_a_store_with_a_time_limit_has_the_same_quota(opened: Opened, neighbour: Neighbour) -> None:
    store = opened()
    for number in range(COUNT):
        fetch(store.within(60.0), neighbour, number)
    assert kept(store, neighbour) == [3, 4, 5]


def test_what_a_crash_left_half_fetched_is_fetched_again(opened: Opened, neighbour: Neighbour) -> None:
    store = opened()
    fetch(store, neighbour, 0)
    assert store.folder is not None
    (store.folder / name_of(ArtifactKind.DATASET, neighbour.roots[0])).unlink()
    again = opened()
    fetch(again, neighbour, 0, 1, 2)
    assert kept(again, neighbour) == [0, 1, 2]


def test_without_a_quota_everything_stays(tmp_path: Path, neighbour: Neighbour) -> None:
    store = ArtifactStore(tmp_path / "users", RemotePolicy(file_roots=(tmp_path,)))
    fetch(store, neighbour, *range(COUNT))
    assert kept(store, neighbour) == list(range(COUNT))
    assert store.folder is not None
    assert not (store.folder / MARKS).exists()
