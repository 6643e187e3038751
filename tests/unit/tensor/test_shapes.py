"""Which shapes and attributes each instruction takes, and which it gives."""

import pytest

from anh_rollup.encoding.tensors import Shape
from anh_rollup.tensor.errors import AttributesRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode, attribute_names, check_attributes, check_input_count
from anh_rollup.tensor.shapes import infer_shape, term_count

CONV = (0, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1)


def conv(**changed: int) -> tuple[int, ...]:
    names = attribute_names(Opcode.CONV, CONV)
    return tuple(changed.get(name, default) for name, default in zip(names, CONV, strict=True))


@pytest.mark.parametrize(
    ("opcode", "inputs", "attributes", "expected"),
    [
        (Opcode.MATMUL, [(5,), (3, 5)], (0, 0, 0), (3,)),
        (Opcode.MATMUL, [(2, 7, 5), (3, 5)], (0, 0, 0), (2, 7, 3)),
        (Opcode.MATMUL, [(2, 7, 5), (2, 3, 5)], (0, 0, 0), (2, 7, 3)),
        (Opcode.MATMUL, [(4, 5), (3, 5), (3,), (3,)], (0, 0, 3), (4, 3)),
        (Opcode.CONV, [(8, 9, 2), (4, 3, 3, 2)], conv(), (6, 7, 4)),
        (Opcode.CONV, [(8, 9, 4), (6, 3, 3, 2)], conv(groups=2, stride_h=2, pad_top=1), (4, 7, 6)),
        (Opcode.CONV, [(9, 2), (4, 3, 2)], conv(dilation_w=2, pad_right=1), (6, 4)),
        (Opcode.ADD, [(3, 1), (2, 1, 4)], (0, 0, 0), (2, 3, 4)),
        (Opcode.ADD, [(), ()], (0, 0, 0), ()),
        (Opcode.SELECT, [(), (3,), (2, 1)], (), (2, 3)),
        (Opcode.TABLE, [(2, 3), (9,)], (0, 4), (2, 3)),
        (Opcode.REDUCE, [(2, 3, 4)], (0, 0, 1, 1), (2, 4)),
        (Opcode.REDUCE, [(2, 3, 4)], (2, 0, 0, 3), ()),
        (Opcode.CONCAT, [(2, 3), (2, 1), (2, 4)], (1,), (2, 8)),
        (Opcode.GATHER, [(2, 3, 4), (5, 6)], (1,), (2, 5, 6, 4)),
        (Opcode.GATHER, [(2,), ()], (0,), ()),
    ],
)
def test_the_output_shape_follows_from_the_inputs(
    opcode: Opcode, inputs: list[Shape], attributes: tuple[int, ...], expected: Shape
) -> None:
    check_attributes(opcode, attributes)
    check_input_count(opcode, attributes, len(inputs))
    assert infer_shape(opcode, inputs, attributes) == expected


@pytest.mark.parametrize(
    ("opcode", "inputs", "attributes", "declared", "reason"),
    [
        (Opcode.MATMUL, [(5,), (3, 6)], (0, 0, 0), None, "(5,) by (3, 6) are no (P...,K) by (N,K), nor"),
        (Opcode.MATMUL, [(), (3, 5)], (0, 0, 0), None, "() by (3, 5) are no"),
        (Opcode.MATMUL, [(5,), (5,)], (0, 0, 0), None, "(5,) by (5,) are no"),
        (Opcode.MATMUL, [(2, 7, 5), (3, 3, 5)], (0, 0, 0), None, "(2, 7, 5) by (3, 3, 5) are no"),
        (Opcode.MATMUL, [(5,), (3, 5), (4,)], (0, 0, 1), None, "bias or shifts of shape (4,), expected (3,)"),
        (Opcode.MATMUL, [(262_145,), (1, 262_145)], (0, 0, 0), None, "262145 terms in one element"),
        (Opcode.CONV, [(8,), (4, 3)], conv(), None, "input (8,) and kernel (4, 3) are no"),
        (Opcode.CONV, [(8, 8, 3), (4, 3, 3, 2)], conv(), None, "1 groups do not divide"),
        (Opcode.CONV, [(8, 8, 4), (3, 3, 3, 2)], conv(groups=2), None, "2 groups do not divide"),
        (
            Opcode.CONV,
            [(2, 8, 2), (4, 3, 3, 2)],
            conv(),
            None,
            "kernel (4, 3, 3, 2) is larger than the padded",
        ),
        (Opcode.CONV, [(8, 2), (4, 3, 2)], conv(pad_top=1), None, "has vertical attributes"),
        (Opcode.ADD, [(3,), (2,)], (0, 0, 0), None, "shapes (3,), (2,) do not broadcast"),
        (Opcode.TABLE, [(3,), (1,)], (0, 0), None, "table of shape (1,), expected (n,) with n at least 2"),
        (Opcode.TABLE, [(3,), (2, 2)], (0, 0), None, "table of shape (2, 2)"),
        (Opcode.REDUCE, [(2, 3)], (0, 0, 1, 2), None, "axes 1 to 2 of shape (2, 3)"),
        (Opcode.CONCAT, [(2, 3), (3, 3)], (1,), None, "shapes (2, 3) and (3, 3) differ beside axis 1"),
        (Opcode.CONCAT, [(2,)], (1,), None, "axis 1 of shape (2,)"),
        (Opcode.GATHER, [(2,), ()], (1,), None, "axis 1 of shape (2,)"),
        (Opcode.GATHER, [(1,) * 8, (1, 1)], (0,), None, "needs at most 8 dimensions"),
        (Opcode.VIEW, [(4,)], (0, 1, 4, 1), None, "its output shape is not given"),
        (Opcode.VIEW, [(4,)], (0, 1, 4, 1), (2,), "dims (4,) do not have the count of (2,)"),
        (Opcode.VIEW, [(4,)], (1, 1, 4, 1), (4,), "elements 1 to 4 of a tensor of 4"),
        (Opcode.VIEW, [(4,)], (2, 1, 4, -1), (4,), "elements -1 to 2 of a tensor of 4"),
        (Opcode.PAD, [(4,)], (0, 1), (4, 4), "1 margins for shapes (4,) and (4, 4)"),
        (Opcode.PAD, [(4,)], (0, 1, 1), (4,), "2 margins for shapes (4,) and (4,)"),
    ],
)
def test_shapes_that_do_not_fit_are_refused(
    opcode: Opcode, inputs: list[Shape], attributes: tuple[int, ...], declared: Shape | None, reason: str
) -> None:
    with pytest.raises(ShapeRefusedError) as refused:
        infer_shape(opcode, inputs, attributes, declared)
    assert reason in refused.value.reason
    assert refused.value.message == f"{opcode.name}: {refused.value.reason}"


@pytest.mark.parametrize(
    ("opcode", "attributes", "reason"),
    [
        (Opcode.ADD, (0, 0), "2 attributes, expected 3"),
        (Opcode.ADD, (32, 0, 0), "p 32 is not in [0, 31]"),
        (Opcode.SUB, (0, -1, 0), "q -1 is not in [0, 31]"),
        (Opcode.SHIFT, (63,), "shift 63 is not in [-31, 62]"),
        (Opcode.MUL, (-32,), "shift -32 is not in [-31, 62]"),
        (Opcode.ABS, (0,), "1 attributes, expected 0"),
        (Opcode.COMPARE, (6,), "relation 6 is not in [0, 5]"),
        (Opcode.TABLE, (0, 32), "step 32 is not in [0, 31]"),
        (Opcode.DIV, (32,), "p 32 is not in [0, 31]"),
        (Opcode.MATMUL, (63, 0, 0), "shift 63 is not in [0, 62]"),
        (Opcode.MATMUL, (3, 4, 1), "guard 4 above shift 3"),
        (Opcode.MATMUL, (3, 2, 0), "guard 2 without a bias"),
        (Opcode.MATMUL, (3, 0, 2), "shift 3 beside shifts per channel"),
        (Opcode.MATMUL, (0, 0, 4), "flags 4 is not in [0, 3]"),
        (Opcode.CONV, conv(stride_h=0), "stride_h 0 is not in [1, 65535]"),
        (Opcode.CONV, conv(pad_left=-1), "pad_left -1 is not in [0, 65535]"),
        (Opcode.CONV, conv(groups=0), "groups 0 is not in [1, 2147483647]"),
        (Opcode.REDUCE, (3, 0, 0, 1), "kind 3 is not in [0, 2]"),
        (Opcode.REDUCE, (1, 1, 0, 1), "shift 1 with a reduction that is no sum"),
        (Opcode.REDUCE, (0, 0, 0, 0), "axis_count 0 is not in [1, 8]"),
        (Opcode.VIEW, (0,), "1 attributes, expected 2 to 34"),
        (Opcode.VIEW, (0, 2, 1, 1), "4 attributes for n = 2"),
        (Opcode.VIEW, (0, -1), "2 attributes for n = -1"),
        (Opcode.VIEW, (0, 1, 0, 1), "dims (0,) are not all at least 1"),
        (Opcode.PAD, (2**31,), "attribute 2147483648 is no int32"),
        (Opcode.PAD, (), "0 attributes, expected 1 to 9"),
    ],
)
def test_attributes_out_of_bounds_are_refused(
    opcode: Opcode, attributes: tuple[int, ...], reason: str
) -> None:
    with pytest.raises(AttributesRefusedError) as refused:
        check_attributes(opcode, attributes)
    assert refused.value.reason == reason


@pytest.mark.parametrize(
    ("opcode", "attributes", "count", "expected"),
    [
        (Opcode.MATMUL, (0, 0, 3), 3, "3 inputs, expected 4"),
        (Opcode.CONCAT, (0,), 0, "0 inputs, expected 1 to 255"),
        (Opcode.CONCAT, (0,), 256, "256 inputs, expected 1 to 255"),
        (Opcode.SELECT, (), 2, "2 inputs, expected 3"),
    ],
)
def test_a_wrong_number_of_inputs_is_refused(
    opcode: Opcode, attributes: tuple[int, ...], count: int, expected: str
) -> None:
    with pytest.raises(AttributesRefusedError) as refused:
        check_input_count(opcode, attributes, count)
    assert refused.value.reason == expected


def test_terms_are_counted_for_what_folds_and_are_one_else() -> None:
    assert term_count(Opcode.MATMUL, [(2, 5), (3, 5)], (0, 0, 0)) == 5
    assert term_count(Opcode.CONV, [(8, 8, 4), (6, 3, 3, 2)], conv(groups=2)) == 18
    assert term_count(Opcode.REDUCE, [(2, 3, 4)], (0, 0, 1, 2)) == 12
    assert term_count(Opcode.ADD, [(2,), (2,)], (0, 0, 0)) == 1
