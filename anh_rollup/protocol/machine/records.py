"""The steps that read transactions: each a part of a packed record, and a few numbers of the table."""

from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any, Final

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.packed_records import Parts, join, read_parts
from anh_rollup.primitives import Digest
from anh_rollup.protocol.derivation import Posting
from anh_rollup.protocol.machine.drafts import MOST_NUMBERS, PART_SIZE, Draft, Drafted
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.frontier import Frontier
from anh_rollup.protocol.machine.payload import RecordPlace, find_record, read_table
from anh_rollup.protocol.machine.reading import entry_of, opened
from anh_rollup.protocol.machine.state import Look, State, void

MOST_TAKEN_APART: Final = 16
"""Packed records whose parts are kept: each step that unpacks one asks again (choice: some folds)."""


def read_transaction(state: State, look: Look) -> State:
    """Read: the block's next transaction, of the queue or of the payload; of a long one the first part."""
    return _read_forced(state, look) if state.machine.forced_left else _read_own(state, look)


def gather(state: State, look: Look) -> State:
    """Gather: the next part of a packed record is read."""
    machine, drafted = state.machine, state.drafted
    reader = opened(look.view.posting(machine.batch), look)
    start, end = machine.record_at, drafted.draft.end
    part = reader.take(start, min(PART_SIZE, end - start))
    return _draft(state, drafted.with_part(part), start + len(part))


def unpack(state: State, look: Look) -> State:
    """Unpack: the next numbers that a packed record names are read; once it has all, the record is there."""
    machine, drafted = state.machine, state.drafted
    posting = look.view.posting(machine.batch)
    parts = _taken_apart(drafted.packed)
    if parts is None:
        return void(entry_of(state), posting)
    wanted = parts.places[drafted.draft.count :][:MOST_NUMBERS]
    if not wanted:
        return _unpacked(state, posting, parts, drafted.numbers, drafted.draft.end)
    numbers = read_table(opened(posting, look), _place(machine, posting), wanted)
    if numbers is None:
        return void(entry_of(state), posting)
    return _draft(state, drafted.with_numbers(numbers), machine.record_at)


def _read_forced(state: State, look: Look) -> State:
    machine = state.machine
    record = look.view.entry(machine.forced)
    changes = {
        "forced": machine.forced + 1,
        "forced_left": machine.forced_left - 1,
        "pending_forced": True,
    }
    return _pending(state, record, keccak256(record), state.batch_frontier, changes)


def _read_own(state: State, look: Look) -> State:
    machine = state.machine
    posting = look.view.posting(machine.batch)
    reader, place = opened(posting, look), _place(machine, posting)
    found = find_record(reader, place)
    if found is None:
        return void(entry_of(state), posting)
    start, end = found
    part = reader.take(start, min(PART_SIZE, end - start))
    if start + len(part) < end:
        return _draft(state, Drafted(Draft(end)).with_part(part), start + len(part))
    parts = _parts(part)
    if parts is None:
        return void(entry_of(state), posting)
    wanted = parts.places
    if len(wanted) > MOST_NUMBERS:
        return _draft(state, Drafted(Draft(end)).with_part(part), end)
    numbers = read_table(reader, place, wanted)
    if numbers is None:
        return void(entry_of(state), posting)
    return _unpacked(state, posting, parts, numbers, end)


def _place(machine: Machine, posting: Posting) -> RecordPlace:
    count = posting.header.count
    index = count - machine.records_left
    return RecordPlace(index, count, machine.bodies_at, machine.record_at, machine.records_end)


def _draft(state: State, drafted: Drafted, at: int) -> State:
    """The state in which a packed record was read up to some byte."""
    phase = Phase.GATHER if at < drafted.draft.end else Phase.UNPACK
    machine = replace(state.machine, phase=phase, record_at=at, pending=drafted.draft.digest)
    return replace(state, machine=machine, drafted=drafted)


def _unpacked(state: State, posting: Posting, parts: Parts, numbers: Sequence[int], record_at: int) -> State:
    """The state in which an own transaction waits, or the batch is void as its numbers do not fit."""
    machine = state.machine
    try:
        record = join(parts.filled(numbers))
    except EncodingError:
        return void(entry_of(state), posting)
    digest = keccak256(record)
    frontier = state.batch_frontier.append(digest)
    changes = {
        "records_left": machine.records_left - 1,
        "own_left": machine.own_left - 1,
        "record_at": record_at,
        "batch_frontier": frontier.digest,
    }
    return _pending(state, record, digest, frontier, changes)


def _pending(
    state: State, record: bytes, digest: Digest, batch_frontier: Frontier, changes: dict[str, Any]
) -> State:
    """The state in which a transaction that was read waits to be applied."""
    frontier = state.block_frontier.append(digest)
    machine = replace(
        state.machine,
        phase=Phase.APPLY,
        block_frontier=frontier.digest,
        block_count=frontier.count,
        pending=digest,
        **changes,
    )
    return State(machine, state.tree, state.entered, batch_frontier, frontier, record)


def _parts(packed: bytes) -> Parts | None:
    """A packed record, taken apart; None where it is none."""
    try:
        return read_parts(packed)
    except EncodingError:
        return None


_taken_apart = lru_cache(maxsize=MOST_TAKEN_APART)(_parts)
