"""The readable form of programs."""

from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.text import format_program, format_value


def test_a_program_reads_one_value_a_line() -> None:
    b = ProgramBuilder()
    x = b.field((8, 8, 1), scale=8, low=0, high=255)
    y = b.conv2d(x, b.parameter((2, 3, 3, 1), scale=12, low=-4, high=4), padding=1, low=0)
    padded = b.pad(b.max(y, (0, 1)), ((1, 0),))
    program = b.build(b.view(abs(padded), (2,), strides=(1,)) + b.constant([1, 2], scale=8))
    attributes = (
        "shift=12, guard=0, flags=0, stride_h=1, stride_w=1, pad_top=1, pad_left=1, pad_bottom=1, "
        "pad_right=1, dilation_h=1, dilation_w=1, groups=1"
    )
    constant = program.values[7].constant.hex()[:8]
    assert format_program(program).splitlines() == [
        f"program 0x{program.root.hex()}",
        "%0 = field 0 : i32[8,8,1] scale 8 in [0, 255]",
        "%1 = parameter 0 : i32[2,3,3,1] scale 12 in [-4, 4]",
        f"%2 = conv %0, %1 {{{attributes}}} : i32[8,8,2] scale 8 in [0, 2]",
        "%3 = reduce %2 {kind=1, shift=0, first_axis=0, axis_count=2} : i32[2] scale 8 in [0, 2]",
        "%4 = pad %3 {value=0, before_0=1} : i32[3] scale 8 in [0, 2]",
        "%5 = abs %4 : i32[3] scale 8 in [0, 2]",
        "%6 = view %5 {offset=0, n=1, dim_1=2, stride_1=1} : i32[2] scale 8 in [0, 2]",
        f"%7 = constant 0x{constant} : i32[2] scale 8 in [1, 2]",
        "%8 = add %6, %7 {p=0, q=0, shift=0} : i32[2] scale 8 in [1, 4]",
        "output %8",
    ]


def test_a_number_has_no_dimensions() -> None:
    b = ProgramBuilder()
    program = b.build(b.answer((), low=-1, high=1))
    assert format_value(program, 0) == "%0 = answer 0 : i32[] scale 0 in [-1, 1]"
