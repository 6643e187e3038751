"""Records become programs: which values are parameters, which scales meet, what is shared and refused."""

from math import inf

import numpy as np
import pytest

from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.importing.emission import Emitted, emit
from anh_rollup.importing.errors import FormatRefusedError
from anh_rollup.importing.formats import Format
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import UNBOUNDED, Field, Function, Operation, RealNode, Record
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind

WIDE = Format(16, -(2**24), 2**24 - 1)
SMALL = Range(-4.0, 4.0)
FIELD = RealNode(Operation.FIELD, (2, 3), attributes=(0,))


def constant(array: object, *, is_whole: bool = False) -> RealNode:
    known = np.array(array)
    return RealNode(Operation.CONSTANT, known.shape, array=known, is_whole=is_whole, source="known")


def emitted(*nodes: RealNode, formats: dict[int, Format] | None = None) -> Emitted:
    """A record of an input (2, 3) and these nodes; formats are wide where nothing else is said."""
    record = Record((FIELD, *nodes), (Field("x", (1, 2, 3), is_whole=False),), "y")
    chosen = [(formats or {}).get(place, WIDE) for place in range(len(record.nodes))]
    return emit(record, [SMALL] * len(record.nodes), chosen, Setting.PRECISE)


def value_of(made: Emitted, x: np.ndarray) -> np.ndarray:
    """The output for one sample, in real numbers."""
    sources = Sources((np.round(x * 2.0**16).astype(np.int32)[None],), (), made.parameters)
    (found,) = ReferenceEvaluator().evaluate(made.program, sources)
    return np.asarray(np.ldexp(found.astype(np.float64), -made.program.output.scale))


X = np.array([[0.5, -1.25, 2.0], [3.0, -0.75, 1.5]])


def test_weights_are_parameters_and_single_numbers_and_integers_are_constants() -> None:
    made = emitted(
        constant(np.float32([[1, 2, 3]])), RealNode(Operation.MUL, (2, 3), (0, 1)),
        constant(np.float32(0.5)), RealNode(Operation.ADD, (2, 3), (2, 3)),
        constant([[4, 5, 6]], is_whole=True), RealNode(Operation.ADD, (2, 3), (4, 5)),
    )  # fmt: skip
    kinds = [each.kind for each in made.program.values if each.opcode is None]
    assert [kinds.count(each) for each in (Kind.FIELD, Kind.PARAMETER, Kind.CONSTANT)] == [1, 1, 2]
    assert [each.shape for each in made.parameters] == [(1, 3)]
    assert np.array_equal(value_of(made, X), X * [1, 2, 3] + 0.5 + [4, 5, 6])


def test_formats_of_different_scales_meet() -> None:
    coarse = Format(4, -(2**20), 2**20)
    made = emitted(
        RealNode(Operation.CLAMP, (2, 3), (0,)), RealNode(Operation.SUB, (2, 3), (1, 0)),
        RealNode(Operation.COMPARE, (2, 3), (2, 0), attributes=(2,)),
        formats={1: coarse, 3: Format(0, 0, 1)},
    )  # fmt: skip
    assert made.program.values[made.values[1]].scale == 4
    exact = np.floor(X * 16 + 0.5) / 16 - X
    assert np.array_equal(value_of(made, X), (exact < X).astype(float))


def test_bounds_of_a_node_end_its_values_range() -> None:
    made = emitted(RealNode(Operation.ABS, (2, 3), (0,), bounds=(0.0, 1.75)))
    assert np.array_equal(value_of(made, X), np.abs(X).clip(0, 1.75))
    assert made.program.output.high == 7 << 14


def test_rounds_with_the_same_weights_share_them() -> None:
    weights = constant(np.float32(np.arange(9).reshape(3, 3)))
    first, second = (RealNode(Operation.MATMUL, (2, 3), (each, 1)) for each in (0, 2))
    assert len(emitted(weights, first, second).parameters) == 1
    other = {2: Format(12, -(2**24), 2**24 - 1)}
    assert len(emitted(weights, first, second, formats=other).parameters) == 2


def test_each_value_of_the_record_is_found_in_the_program() -> None:
    made = emitted(
        RealNode(Operation.ABS, (2, 3), (0,)), RealNode(Operation.SUM, (2,), (1,), attributes=(1, 1))
    )
    assert [made.program.values[made.values[place]].opcode for place in (0, 1, 2)] == [
        None, Opcode.SHIFT, Opcode.REDUCE,
    ]  # fmt: skip
    assert np.array_equal(value_of(made, X), np.abs(X).sum(1))


def test_a_mean_is_a_sum_with_a_factor() -> None:
    made = emitted(RealNode(Operation.SUM, (2,), (0,), attributes=(1, 1), factor=1 / 3))
    assert np.abs(value_of(made, X) - X.mean(1)).max() <= 2.0**-16
    quarter = emitted(RealNode(Operation.SUM, (2,), (0,), attributes=(1, 1), factor=0.25))
    opcodes = [[each.opcode for each in one.program.values[1:] if each.opcode] for one in (made, quarter)]
    assert opcodes == [[Opcode.REDUCE, Opcode.MUL], [Opcode.REDUCE]]


def test_a_function_becomes_a_table_whose_error_is_known() -> None:
    tanh = RealNode(Operation.FUNCTION, (2, 3), (0,), function=Function("tanh", np.tanh))
    made = emitted(tanh)
    assert set(made.table_errors) == {1}
    assert np.abs(value_of(made, X) - np.tanh(X)).max() <= made.table_errors[1] + 2.0**-16


def test_a_function_that_no_table_holds_is_refused() -> None:
    steep = Function("a comb", lambda x: np.sin(x * 1e6))
    node = RealNode(Operation.FUNCTION, (2, 3), (0,), function=steep, bounds=UNBOUNDED, source="the comb")
    with pytest.raises(FormatRefusedError, match="'the comb' is a comb over a range too wide for a table"):
        emitted(node)


@pytest.mark.parametrize(("fill", "expected"), [(1.5, 1.5), (-inf, -256.0)])
def test_margins_have_their_fill_or_the_least_number(fill: float, expected: float) -> None:
    made = emitted(RealNode(Operation.PAD, (2, 4), (0,), attributes=(0, 1), bounds=(fill, fill)))
    assert value_of(made, X)[:, 0].tolist() == [expected] * 2
