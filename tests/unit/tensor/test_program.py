"""A program that exists is valid: whatever breaks a rule is refused when it is put together."""

import numpy as np
import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import root_from_proof
from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import (
    AttributesRefusedError,
    ProgramRefusedError,
    RangeRefusedError,
    ShapeRefusedError,
)
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Interval, Kind, Program, Tensor, Value

FIELD = Value(Kind.FIELD, (2,), -5, 5)
PARAMETER = Value(Kind.PARAMETER, (2,), -7, 7)
TENSOR: Tensor = np.array([3, 4], dtype=np.int32)
ROOT = TensorTree(TENSOR).root
CONSTANT = Value(Kind.CONSTANT, (2,), 0, 9, constant=ROOT)


def add(*inputs: int, shape: tuple[int, ...] = (2,)) -> Value:
    return Value(Kind.INSTRUCTION, shape, -99, 99, opcode=Opcode.ADD, inputs=inputs, attributes=(0, 0, 0))


def refusal(*values: Value, constants: dict[bytes, Tensor] | None = None) -> str:
    with pytest.raises(ProgramRefusedError) as refused:
        Program(values, constants or {})
    return refused.value.reason


def test_a_program_knows_its_sources_by_index_wherever_they_stand() -> None:
    late = Value(Kind.FIELD, (2,), index=0)
    program = Program((PARAMETER, Value(Kind.FIELD, (2,), index=1), late, add(1, 2)))
    assert program.fields == (late, program.values[1])
    assert program.source_ids(Kind.FIELD) == (2, 1)
    assert program.parameters == (PARAMETER,)
    assert program.answers == ()
    assert program.output == add(1, 2)


def test_a_program_knows_where_its_values_lie() -> None:
    program = Program((FIELD, CONSTANT, add(0, 1)), {ROOT: TENSOR})
    assert program.intervals == (Interval(-5, 5), Interval(3, 4), Interval(-2, 9))


def test_a_program_knows_how_many_terms_an_element_folds() -> None:
    b = ProgramBuilder()
    x = b.field((3, 5), low=-9, high=9)
    product = b.matmul(x, b.field((5, 4), low=-9, high=9))
    program = b.build(b.sum(product, 0) + 1)
    terms = {value.opcode: program.terms(place) for place, value in enumerate(program.values)}
    folding = {Opcode.MATMUL: 5, Opcode.REDUCE: 3}
    assert terms == dict.fromkeys(terms, 1) | folding
    assert {None, Opcode.ADD} < terms.keys()


def test_the_root_commits_to_the_header_and_every_record() -> None:
    program = Program((FIELD, PARAMETER, add(0, 1)))
    assert program.root == keccak256(b"\x05" + bytes([0, 0, 0, 3, 1, 0, 0, 0, 0, 1]) + program.tree.root)
    leaf = keccak256(program.records[2])
    assert root_from_proof(leaf, 2, program.tree.proof(2), 2) == program.tree.root


def test_programs_are_equal_where_their_roots_are() -> None:
    first, second = Program((FIELD, add(0, 0))), Program((FIELD, add(0, 0)))
    assert first == second
    assert hash(first) == hash(second)
    assert first != Program((FIELD,))
    assert first != "a program"


def test_constants_are_read_only_copies() -> None:
    mine = TENSOR.copy()
    program = Program((CONSTANT,), {ROOT: mine})
    mine[0] = 100
    assert program.constants[ROOT].tolist() == [3, 4]
    with pytest.raises(ValueError, match="read-only"):
        program.constants[ROOT][0] = 1


def test_a_program_without_values_is_refused() -> None:
    assert refusal() == "0 values, expected 1 to 65536"


def test_a_value_reads_only_earlier_ones() -> None:
    assert refusal(FIELD, add(0, 1)) == "value 1 has inputs (0, 1), expected ids below 1"


def test_a_missing_index_is_refused() -> None:
    assert refusal(Value(Kind.FIELD, (2,), index=1)) == "field indices [1] are not 0 to 0, each once"


def test_an_index_that_stands_twice_is_refused() -> None:
    assert refusal(PARAMETER, PARAMETER) == "parameter indices [0, 0] are not 0 to 1, each once"


def test_more_answers_than_a_byte_counts_are_refused() -> None:
    answers = [Value(Kind.ANSWER, (), index=index) for index in range(256)]
    assert refusal(*answers) == "256 answers, at most 255 are allowed"


def test_a_constant_without_its_tensor_is_refused() -> None:
    assert refusal(CONSTANT) == "0 constant tensors, 1 different ones are named"


def test_a_spare_tensor_is_refused() -> None:
    assert refusal(FIELD, constants={ROOT: TENSOR}) == "1 constant tensors, 0 different ones are named"


def test_a_tensor_with_another_root_is_refused() -> None:
    assert refusal(CONSTANT, constants={ROOT: TENSOR + 1}) == "a constant's elements do not have its root"


def test_a_tensor_of_another_type_is_refused() -> None:
    wide = TENSOR.astype(np.int64)
    assert refusal(CONSTANT, constants={ROOT: wide}) == "a constant of type int64, expected int32"  # type: ignore[dict-item]


def test_a_constant_of_another_shape_is_refused() -> None:
    flat = Value(Kind.CONSTANT, (1, 2), 0, 9, constant=ROOT)
    assert refusal(flat, constants={ROOT: TENSOR}) == "a constant of shape (2,), declared (1, 2)"


def test_a_constant_outside_its_range_is_refused() -> None:
    narrow = Value(Kind.CONSTANT, (2,), 0, 3, constant=ROOT)
    reason = "a constant's elements in [3, 4], declared [0, 3]"
    assert refusal(narrow, constants={ROOT: TENSOR}) == reason


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"low": 3, "high": 2}, "range [3, 2] of a value is no range of int32"),
        ({"high": 2**31}, "range [-2147483648, 2147483648] of a value is no range of int32"),
        ({"scale": 128}, "scale 128 is no int8"),
        ({"index": 65_536}, "index 65536 of a field"),
        ({"constant": bytes(32)}, "a field with 32 bytes of root"),
        ({"opcode": Opcode.ABS}, "a field with opcode 9"),
        ({"inputs": (0,)}, "a field with inputs or attributes"),
        ({"kind": Kind.INSTRUCTION}, "a instruction with opcode None"),
        ({"kind": Kind.CONSTANT}, "a constant with 0 bytes of root"),
        ({"kind": Kind.CONSTANT, "constant": bytes(32), "index": 1}, "index 1 of a constant"),
    ],
)
def test_a_value_with_a_field_out_of_bounds_is_refused(change: dict[str, object], reason: str) -> None:
    arguments: dict[str, object] = {"kind": Kind.FIELD, "shape": (2,), **change}
    with pytest.raises(ProgramRefusedError) as refused:
        Value(**arguments)  # type: ignore[arg-type]
    assert refused.value.reason == reason


@pytest.mark.parametrize("shape", [(0,), (1,) * 9, (2**16, 2**15)])
def test_a_value_of_an_impossible_shape_is_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(ShapeRefusedError, match="needs at most 8 dimensions of at least 1"):
        Value(Kind.FIELD, shape)


def test_an_output_shape_that_the_inputs_do_not_give_is_refused() -> None:
    with pytest.raises(ShapeRefusedError, match=r"^ADD: output shape \(3,\), expected \(2,\)$"):
        Program((FIELD, add(0, 0, shape=(3,))))


def test_a_wrong_number_of_inputs_is_refused() -> None:
    with pytest.raises(AttributesRefusedError, match=r"^ADD: 1 inputs, expected 2$"):
        Program((FIELD, add(0)))


def test_a_program_that_could_overflow_is_refused() -> None:
    wide = Value(Kind.FIELD, (2,))
    scaled = Value(Kind.INSTRUCTION, (2,), opcode=Opcode.ADD, inputs=(0, 0), attributes=(31, 31, 0))
    with pytest.raises(RangeRefusedError) as refused:
        Program((wide, scaled))
    assert refused.value.reason == f"an intermediate result may reach {2**63}, which is not below 2^63"
