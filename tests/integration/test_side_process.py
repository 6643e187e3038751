"""The process beside a sequencer's: the same values, whatever becomes of it."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from anh_rollup.encoding.blobs import BLOB_CAPACITY, BLOB_SIZE, pack
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.blobs import BlobMalformedError, make_sidecar, versioned_hash
from anh_rollup.l1.side_process import SideProcess, SideProcessError
from anh_rollup.l1.sidecars import SidecarMaker

BLOBS = pack(b"\1" * (BLOB_CAPACITY + 1))

#: An owner that starts the process, says its number, and waits to be killed.
OWNER = """
import time
from anh_rollup.l1.side_process import _start

print((process := _start()).pid, flush=True)
time.sleep(600)
"""


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> BlobStore:
    return BlobStore(tmp_path_factory.mktemp("blobs"))


@pytest.fixture(scope="module")
def sidecars(store: BlobStore) -> Iterator[SidecarMaker]:
    made = SidecarMaker(SideProcess(), store)
    yield made
    made.side.close()


def test_it_makes_what_this_process_would_make_and_keeps_it(sidecars: SidecarMaker, store: BlobStore) -> None:
    assert len(BLOBS) == 2
    assert sidecars.make(BLOBS) == make_sidecar(BLOBS)
    first = sidecars.side.pid
    assert sidecars.make(BLOBS[:1]) == make_sidecar(BLOBS[:1])
    assert sidecars.side.pid == first
    assert [store.get(versioned_hash(blob)) for blob in BLOBS] == list(BLOBS)


def test_one_that_was_killed_is_replaced(sidecars: SidecarMaker) -> None:
    sidecars.make(BLOBS[:1])
    assert sidecars.side.pid is not None
    os.kill(sidecars.side.pid, signal.SIGKILL)
    with pytest.raises(SideProcessError, match="blob proofs failed: it ended with code -9"):
        sidecars.make(BLOBS[:1])
    assert sidecars.make(BLOBS[:1]) == make_sidecar(BLOBS[:1])


def test_one_that_does_not_answer_is_ended_and_replaced() -> None:
    side = SideProcess(longest=8.0)
    assert side.run(divmod, 7, 2) == (3, 1)
    assert side.pid is not None
    os.kill(side.pid, signal.SIGSTOP)
    with pytest.raises(SideProcessError, match="it ended with code -9"):
        side.run(divmod, 7, 2)
    assert side.run(divmod, 9, 2) == (4, 1)
    side.close()


@pytest.mark.parametrize("blobs", [[], [bytes(BLOB_SIZE)] * 7, [b"short"]])
def test_what_is_no_blob_never_reaches_it(blobs: list[bytes], store: BlobStore) -> None:
    fresh = SidecarMaker(SideProcess(), store)
    with pytest.raises(BlobMalformedError):
        fresh.make(blobs)
    assert fresh.side.pid is None


def test_what_is_printed_there_is_no_answer(sidecars: SidecarMaker) -> None:
    assert sidecars.side.run(os.write, 1, b"said by a library\n") == 18
    assert sidecars.side.run(divmod, 7, 2) == (3, 1)


def test_it_ends_when_its_owner_is_killed() -> None:
    with subprocess.Popen([sys.executable, "-c", OWNER], stdout=subprocess.PIPE) as owner:
        assert owner.stdout is not None
        number = int(owner.stdout.readline())
        owner.kill()
    until = time.monotonic() + 20
    while is_running(number):
        assert time.monotonic() < until, "it outlives its owner"
        time.sleep(0.05)


def is_running(number: int) -> bool:
    """Whether a process runs that nobody has to wait for."""
    try:
        status = Path(f"/proc/{number}/stat").read_text(encoding="utf-8")
    except FileNotFoundError:
        return False
    return status.rpartition(")")[2].split()[0] != "Z"
