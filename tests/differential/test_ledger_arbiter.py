"""LedgerArbiter's shipped bytecode takes every step of random histories as the machine in Python does."""

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from anh_rollup.primitives import ETHER, Address, BatchNumber
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.tree import Found
from anh_rollup.protocol.machine.witnesses import (
    Payload,
    Witness,
    witness_of,
)
from scripts.generate_vectors.ledger_cases import ALICE, CAROL, steps_of
from scripts.generate_vectors.ledger_history import History, Sealed
from tests.differential.ledger_arbiter import Contracts, StepRevertedError, selector
from tests.unit.protocol.machine.test_histories import Story

CONTRACTS = Contracts()

ACTIONS = ("tell", "force", "post", "post", "post_forced")


HISTORIES = given(st.data(), st.lists(st.sampled_from(ACTIONS), min_size=1, max_size=5))


@HISTORIES
@settings(max_examples=3, deadline=None)
def test_each_step_of_a_history_is_the_reference_s(data: st.DataObject, actions: list[str]) -> None:
    check_history(data, actions)


@pytest.mark.slow
@HISTORIES
@settings(max_examples=40, deadline=None)
def test_each_step_of_many_histories_is_the_reference_s(data: st.DataObject, actions: list[str]) -> None:
    check_history(data, actions)


@given(st.data())
@settings(max_examples=30, deadline=None)
def test_another_witness_reverts_or_gives_the_same_machine(data: st.DataObject) -> None:
    story = Story(data)
    story.tell()
    story.force()
    story.post()
    history = story.history
    states = [(state, after) for state, after, _ in steps_of(history)]
    state, after = data.draw(st.sampled_from(states))
    last = BatchNumber(len(history.postings))
    witness = broken(witness_of(state, last, history, history), Random(data.draw(st.integers(0, 2**32))))
    try:
        found = CONTRACTS.step(state.machine, last, witness, history)
    except StepRevertedError:
        return
    assert found == after.machine.encode()


def test_an_element_that_is_not_given_is_missed() -> None:
    history = posted(ALICE.record(nonce=0, to=CAROL))
    state = next(state for state, _, _ in steps_of(history) if state.machine.phase is Phase.READ)
    witness = witness_of(state, BatchNumber(1), history, history)
    less = replace(witness, payload=replace(witness.payload, elements=witness.payload.elements[1:]))
    with pytest.raises(StepRevertedError, match=selector("MissingElement(uint256)").hex()):
        CONTRACTS.step(state.machine, 1, less, history)


def posted(*records: bytes) -> History:
    """A history with a batch of these transactions, in blobs."""
    history = History()
    history.deposit(ALICE.address, 10 * ETHER)
    history.mine()
    history.post(Sealed(records, origins=2), blobs=True)
    return history


def check_history(data: st.DataObject, actions: list[str]) -> None:
    """Takes each step of a history by the contract, too."""
    story = Story(data)
    for action in actions:
        getattr(story, action)()
    history, last = story.history, BatchNumber(len(story.history.postings))
    for state, after, _ in steps_of(history):
        witness = witness_of(state, last, history, history)
        assert CONTRACTS.step(state.machine, last, witness, history) == after.machine.encode(), state.machine


def broken(witness: Witness, random: Random) -> Witness:
    """A witness with something in it that is not so."""
    changes = [
        _other_batch,
        _other_checkpoint,
        _other_payload,
        _other_notice,
        _other_record,
        _other_frontier,
        _other_leaf,
    ]
    return random.choice(changes)(witness, random)


def _other_batch(witness: Witness, random: Random) -> Witness:
    field = random.choice(["number", "count", "forced_end"])
    batch = replace(witness.batch, **{field: getattr(witness.batch, field) + 1})
    return replace(witness, batch=batch)


def _other_checkpoint(witness: Witness, random: Random) -> Witness:
    field = random.choice(["height", "forced", "base_fee", "time"])
    changed = {field: getattr(witness.checkpoint, field) + 1}
    return replace(witness, checkpoint=replace(witness.checkpoint, **changed))


def _other_payload(witness: Witness, random: Random) -> Witness:
    payload = witness.payload
    if payload.data:
        return replace(witness, payload=replace(payload, data=_flipped(payload.data, random)))
    if not payload.elements:
        return replace(witness, payload=Payload(data=b"made up"))
    kept = list(payload.elements)
    at = random.randrange(len(kept))
    element = kept[at]
    kind = random.randrange(4)
    if kind == 0:
        kept.pop(at)
    elif kind == 1:
        kept[at] = replace(element, index=element.index + random.choice((1, -1)) if element.index else 1)
    elif kind == 2:
        kept[at] = replace(element, value=_flipped(element.value, random))
    else:
        kept.insert(at, element)
    return replace(witness, payload=replace(payload, elements=tuple(kept)))


def _other_notice(witness: Witness, random: Random) -> Witness:
    fields: list[dict[str, Any]] = [
        {"amount": 10**24},
        {"account": Address(b"\x66" * 20)},
        {"block_number": 1},
    ]
    return replace(witness, notice=replace(witness.notice, **random.choice(fields)))


def _other_record(witness: Witness, random: Random) -> Witness:
    return replace(witness, record=_flipped(witness.record or b"\0", random))


def _other_frontier(witness: Witness, random: Random) -> Witness:
    name = random.choice(["batch_frontier", "block_frontier"])
    roots = list(getattr(witness, name)) or [bytes(32)]
    at = random.randrange(len(roots))
    roots[at] = _flipped(roots[at], random)
    kept = roots if random.random() < 0.7 else roots[:at]
    return replace(witness, **{name: tuple(kept)})


def _other_leaf(witness: Witness, random: Random) -> Witness:
    leaves = list(witness.leaves)
    if not leaves:
        return _other_frontier(witness, random)
    at = random.randrange(len(leaves))
    leaf = leaves[at]
    kind = random.randrange(6)
    if kind == 0:
        leaves[at] = replace(leaf, found=random.choice([each for each in Found if each != leaf.found]))
    elif kind == 1:
        nonce, cleared, withdrawn = leaf.fields
        leaves[at] = replace(
            leaf,
            fields=random.choice(
                [
                    (nonce, cleared + 1, withdrawn),
                    (nonce + 1, cleared, withdrawn),
                    (nonce, cleared, withdrawn + 1),
                ]
            ),
        )
    elif kind == 2:
        leaves[at] = replace(leaf, siblings=(*leaf.siblings, bytes(32)))
    elif kind == 3:
        leaves[at] = replace(leaf, siblings=leaf.siblings[1:])
    elif kind == 4:
        leaves[at] = replace(leaf, key=_flipped(leaf.key, random), value=_flipped(leaf.value, random))
    else:
        leaves.pop(at)
    return replace(witness, leaves=tuple(leaves))


def _flipped(data: bytes, random: Random) -> bytes:
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << random.randrange(8)]) + data[at + 1 :]
