from pathlib import Path
from typing import Any

import pytest

from anh_rollup.follower.errors import MemoryCorruptError, WrongDataError
from anh_rollup.follower.memory import Confirmation, FollowerMemory
from anh_rollup.primitives import Digest


@pytest.fixture
def memory(tmp_path: Path) -> FollowerMemory:
    return FollowerMemory(tmp_path / "follower.sqlite3")


def mark(number: int) -> Digest:
    return Digest(bytes([number]) * 32)


def confirmation(number: int, payload: bytes | None = b"block") -> Confirmation:
    return Confirmation(number, mark(number), b"\7" * 65, payload)


def test_it_is_of_the_chain_that_it_was_first_asked_for(memory: FollowerMemory) -> None:
    memory.require_chain(mark(1))
    memory.require_chain(mark(1))
    with pytest.raises(WrongDataError) as refused:
        memory.require_chain(mark(2))
    assert refused.value.message.endswith("follower.sqlite3 belongs to another chain")


def test_marks_replace_all_that_were_there(memory: FollowerMemory) -> None:
    memory.note(1, [mark(1), mark(2), mark(3)])
    memory.note(2, [mark(9)])
    assert memory.marks() == [mark(1), mark(9)]
    memory.note(1, [])
    assert memory.marks() == []


def test_signatures_stay_and_bytes_go_when_they_are_final(memory: FollowerMemory) -> None:
    assert (memory.last_signed(), memory.confirmation(1)) == (0, None)
    for number in (1, 2, 4):
        memory.keep(confirmation(number))
    memory.finalize(2)
    assert memory.last_signed() == 4
    assert memory.confirmation(1) == confirmation(1, None)
    assert memory.confirmations_after(1) == [confirmation(2, None), confirmation(4)]


@pytest.mark.parametrize(
    "damage",
    [
        "INSERT INTO given VALUES (2, x'00')",
        "INSERT INTO given VALUES (1, x'00')",
        "INSERT INTO given VALUES (1, 'text')",
    ],
)
def test_rows_that_were_not_written_are_told(memory: FollowerMemory, damage: str) -> None:
    memory._database.execute(damage)
    with pytest.raises(MemoryCorruptError) as corrupt:
        memory.marks()
    assert corrupt.value.remedy.startswith("Remove the data folder")


def test_a_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    path = tmp_path / "follower.sqlite3"
    path.write_bytes(b"no database" * 1_000)
    with pytest.raises(MemoryCorruptError):
        FollowerMemory(path)


def test_what_was_kept_is_there_after_a_restart(memory: FollowerMemory, tmp_path: Path) -> None:
    memory.note(1, [mark(1)])
    memory.keep(confirmation(1))
    memory.close()
    again: Any = FollowerMemory(tmp_path / "follower.sqlite3")
    assert (again.marks(), again.confirmation(1)) == ([mark(1)], confirmation(1))
