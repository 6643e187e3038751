"""tests/vectors/instructions.json, which Solidity replays, is what the definition gives."""

import json
from pathlib import Path

import numpy as np
import pytest

from anh_rollup.tensor.opcodes import FOLDABLE, Opcode
from anh_rollup.tensor.records import decode_value
from tests.unit.evaluation import elementwise_definition as definition

FILE = Path(__file__).resolve().parents[2] / "vectors" / "instructions.json"
TABLE = json.loads(FILE.read_text())["elements"]
CASES = range(len(TABLE["record"]))


def bytes_of(column: str, case: int) -> bytes:
    return bytes.fromhex(TABLE[column][case][2:])


@pytest.mark.parametrize("opcode", Opcode)
def test_every_instruction_has_30_cases(opcode: Opcode) -> None:
    assert TABLE["opcode"].count(int(opcode)) == 30


def test_every_case_is_what_the_second_definition_gives() -> None:
    for case in CASES:
        value, shapes = decode_value(bytes_of("record", case))
        elements = np.frombuffer(bytes_of("inputs", case), ">i4").tolist()
        inputs, taken = [], 0
        for shape in shapes:
            inputs.append(elements[taken : taken + definition.count(shape)])
            taken += definition.count(shape)
        assert taken == len(elements)
        assert value.opcode is not None
        index, bounds = TABLE["element"][case], (value.low, value.high)
        rest = (value.opcode, value.attributes)
        assert TABLE["expected"][case] == definition.element(
            *rest, bounds, shapes, inputs, value.shape, index
        )
        partials = np.frombuffer(bytes_of("partials", case), ">i8").tolist()
        if value.opcode in FOLDABLE:
            folded = definition.terms(*rest, shapes, inputs, value.shape, index)
            assert partials == definition.blocks(*rest, folded)
        else:
            assert partials == []


def test_some_sums_have_more_than_one_block() -> None:
    long = {TABLE["opcode"][case] for case in CASES if len(bytes_of("partials", case)) > 8}
    assert long == {int(opcode) for opcode in FOLDABLE}
