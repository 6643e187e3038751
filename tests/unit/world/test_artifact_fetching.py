"""Artifacts of runs: from the own store, or fetched beside the run."""

import threading
from collections import Counter

import pytest

from anh_rollup.protocol.called import ArtifactRequest, decode_request
from anh_rollup.storage.artifacts import ArtifactKind
from anh_rollup.storage.errors import ArtifactMissingError
from anh_rollup.world.artifact_fetching import MOST_FETCHES, ArtifactFetching
from anh_rollup.world.errors import ResultMissingError
from tests.doubles.ordering import Clock

ROOT = b"\1" * 32


class Places:
    """A store, and other places that artifacts are fetched from; slow ones wait."""

    def __init__(self) -> None:
        self.held: set[bytes] = set()
        self.at: dict[str, set[bytes]] = {}
        self.asked: Counter[str] = Counter()
        self.slow = threading.Event()
        self.slow.set()

    def get(self, root: bytes, uri: str) -> str:
        self.asked[uri] += 1
        if uri:
            assert self.slow.wait(10)
        if uri and root in self.at.get(uri, ()):
            self.held.add(root)
        if root not in self.held:
            raise ArtifactMissingError(ArtifactKind.MODEL, root, uri)
        return root.hex()


@pytest.fixture
def places() -> Places:
    return Places()


def missing(fetching: ArtifactFetching, places: Places, uris: tuple[str, ...], root: bytes = ROOT) -> bytes:
    with pytest.raises(ResultMissingError) as raised:
        fetching.have("model", root, uris, places.get)
    return raised.value.request


def test_what_the_store_has_is_fetched_from_nowhere(places: Places) -> None:
    places.held.add(ROOT)
    assert ArtifactFetching().have("model", ROOT, ("http://a",), places.get) == ROOT.hex()
    assert places.asked == {"": 1}


def test_one_place_after_the_other_is_asked(places: Places) -> None:
    places.at["http://b"] = {ROOT}
    uris = ("http://a", "http://b", "http://c")
    assert ArtifactFetching().have("model", ROOT, uris, places.get) == ROOT.hex()
    assert places.asked == {"": 2, "http://a": 1, "http://b": 1}


def test_what_is_nowhere_is_a_request_that_tells_where_it_was_looked_for(places: Places) -> None:
    request = missing(ArtifactFetching(), places, ("http://a",))
    assert decode_request(request) == ArtifactRequest("model", ROOT, ("http://a",))


def test_without_a_place_nothing_is_fetched(places: Places) -> None:
    missing(ArtifactFetching(), places, ())
    assert places.asked == {"": 1}


def test_it_is_looked_for_again_after_a_pause_and_at_another_place_at_once(places: Places) -> None:
    clock = Clock()
    fetching = ArtifactFetching(pause=5.0, clock=lambda: clock.now)
    for _ in range(3):
        missing(fetching, places, ("http://a",))
    assert places.asked["http://a"] == 1
    missing(fetching, places, ("http://b",))
    assert places.asked["http://b"] == 1
    clock.now += 5.0
    missing(fetching, places, ("http://a",))
    assert places.asked["http://a"] == 2


def test_a_run_does_not_wait_for_a_slow_place_and_it_is_asked_once(places: Places) -> None:
    places.slow.clear()
    places.at["http://slow"] = {ROOT}
    fetching = ArtifactFetching(patience=0.01)
    for _ in range(3):
        missing(fetching, places, ("http://slow",))
    assert places.asked["http://slow"] == 1
    places.slow.set()
    fetching._patience = 10.0
    assert fetching.have("model", ROOT, ("http://slow",), places.get) == ROOT.hex()


def test_slow_places_do_not_take_all_threads(places: Places) -> None:
    places.slow.clear()
    fetching = ArtifactFetching(patience=0.01)
    for number in range(MOST_FETCHES + 3):
        missing(fetching, places, ("http://slow",), bytes([number]) * 32)
    assert places.asked["http://slow"] == MOST_FETCHES
    places.slow.set()
