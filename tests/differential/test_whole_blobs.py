"""The shipped LedgerArbiter takes whole blobs with their contents alone, and steps read chunks of them."""

from dataclasses import replace
from random import Random

import pytest

from anh_rollup.encoding.blobs import BLOB_ELEMENTS
from anh_rollup.l1.blobs import BLS_MODULUS, open_blob
from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.witnesses import openings_of, witness_of
from scripts.generate_vectors.ledger_cases import ALICE, CAROL, steps_of
from tests.differential.ledger_arbiter import MOST_GAS, Contracts, StepRevertedError, selector
from tests.differential.test_ledger_arbiter import posted

KINDS = {
    "random": lambda random: random.randrange(BLS_MODULUS),
    "carrying": lambda random: random.randrange(1 << 248),
    "nearly empty": lambda random: random.randrange(100) // 99 * random.randrange(BLS_MODULUS),
    "small or large": lambda random: random.choice((0, 1, BLS_MODULUS - 1, BLS_MODULUS - 2)),
}


@pytest.mark.parametrize("kind", KINDS)
def test_each_blob_is_taken_with_its_contents_alone(kind: str) -> None:
    contracts, random = Contracts(), Random(kind)
    values = [KINDS[kind](random) for _ in range(BLOB_ELEMENTS)]
    opening = open_blob(b"".join([value.to_bytes(32, "big") for value in values]))
    contents = bytearray(opening.contents)
    contents[random.randrange(len(contents))] ^= 1 << random.randrange(8)
    with pytest.raises(StepRevertedError):
        contracts.prove_blob(replace(opening, contents=bytes(contents)))
    contracts.prove_blob(opening)
    assert contracts.gas < MOST_GAS // 2


def test_an_element_plus_the_order_of_the_field_is_another_element() -> None:
    """Both have the same residue, and would open other bytes."""
    contracts, small = Contracts(), 7
    opening = open_blob(small.to_bytes(32, "big") * BLOB_ELEMENTS)
    large = (small + BLS_MODULUS).to_bytes(32, "big")
    first = f"{large[0]:07b}" + "0" * 7 * (BLOB_ELEMENTS - 1)
    contents = large[1:] + opening.contents[31:] + int(first, 2).to_bytes(len(first) // 8, "big")
    with pytest.raises(StepRevertedError, match=selector("ElementTooLarge(uint256)").hex()):
        contracts.prove_blob(replace(opening, contents=contents))


def test_a_record_across_two_blobs_is_read_from_chunks() -> None:
    random = Random("across")
    # Without zeros, which take two bytes of a record each.
    data = bytes(random.choices(range(1, 256), k=65_150))
    records = [ALICE.record(nonce=nonce, to=CAROL, data=data, gas=4_000_000) for nonce in (0, 1)]
    history, contracts = posted(*records), Contracts()
    reading = [each for each in steps_of(history) if each[0].machine.phase is Phase.READ]
    for state, after, _ in reading:
        witness = witness_of(state, BatchNumber(1), history, history)
        # Some element may lie so alone in its blob that it is opened by itself.
        assert len(witness.payload.chunks) > 60 > len(witness.payload.elements)
        openings = openings_of(witness, history)
        if state is reading[0][0]:
            with pytest.raises(StepRevertedError, match=selector("WrongChunk(uint256)").hex()):
                contracts.step(state.machine, 1, witness, history)
        for opening in openings:
            contracts.prove_blob(opening)
        assert contracts.step(state.machine, 1, witness, history) == after.machine.encode()
        assert contracts.gas < MOST_GAS * 3 // 4


def test_what_chunks_lack_is_missed() -> None:
    data = Random("lacking").randbytes(20_000)
    history, contracts = posted(ALICE.record(nonce=0, to=CAROL, data=data, gas=4_000_000)), Contracts()
    state = next(state for state, _, _ in steps_of(history) if state.machine.phase is Phase.READ)
    witness = witness_of(state, BatchNumber(1), history, history)
    for opening in openings_of(witness, history):
        contracts.prove_blob(opening)
    chunks = witness.payload.chunks
    less = replace(witness, payload=replace(witness.payload, chunks=chunks[:5] + chunks[6:]))
    with pytest.raises(StepRevertedError, match=selector("MissingElement(uint256)").hex()):
        contracts.step(state.machine, 1, less, history)
