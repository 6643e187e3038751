"""Convolutions of any geometry, cut into parts of any size, give the reference's bytes."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anh_rollup.evaluation import torch_patches
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_backend import TorchEvaluator
from anh_rollup.evaluation.torch_convolution import MOST_BAND, NARROW, bands
from anh_rollup.tensor.errors import ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import window
from tests.doubles.small_program import random_fields, random_parameters

SMALL = st.integers(1, 3)


@st.composite
def programs(draw: st.DrawFn) -> Program:
    """A convolution with any kernel, stride, dilation, margins and groups."""
    groups = draw(SMALL)
    channels, outputs = groups * draw(SMALL), groups * draw(st.sampled_from([1, 2, NARROW + 1]))
    x = (draw(st.integers(1, 12)), draw(st.integers(1, 12)), channels)
    w = (outputs, draw(st.integers(1, 7)), draw(st.integers(1, 4)), channels // groups)
    pairs = [draw(SMALL) for _ in range(4)]
    margins = [draw(st.integers(0, 3)) for _ in range(4)]
    attributes = (6, 0, 0, *pairs[:2], *margins, *pairs[2:], groups)
    try:
        g = window(x, w, attributes)
    except ShapeRefusedError:
        assume(False)
    return Program(
        (
            Value(Kind.FIELD, x, -(2**10), 2**10, index=0),
            Value(Kind.PARAMETER, w, -(2**10), 2**10, index=0),
            Value(
                Kind.INSTRUCTION,
                (g.out_h, g.out_w, outputs),
                opcode=Opcode.CONV,
                inputs=(0, 1),
                attributes=attributes,
            ),
        )
    )


@given(
    program=programs(),
    samples=st.integers(1, 5),
    patch_bytes=st.sampled_from([1, 100, 1_000, 10_000, 1 << 21]),
    patch_rows=st.sampled_from([1, 5, 64]),
    seed=st.integers(0, 999),
)
def test_any_geometry_in_any_parts_gives_the_reference_bytes(
    program: Program, samples: int, patch_bytes: int, patch_rows: int, seed: int
) -> None:
    fields, parameters = random_fields(program, samples, seed), random_parameters(program, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_patches, "PATCH_BYTES", patch_bytes)
        patch.setattr(torch_patches, "PATCH_ROWS", patch_rows)
        ours = TorchEvaluator().evaluate(program, Sources(fields, (), parameters))
    assert ours.tobytes() == ReferenceEvaluator().evaluate(program, Sources(fields, (), parameters)).tobytes()


@given(program=programs(), rows=st.integers(1, 12))
def test_every_kernel_row_is_in_one_band_and_no_band_is_long(program: Program, rows: int) -> None:
    g = window(program.values[0].shape, program.values[1].shape, program.values[2].attributes)
    found = bands(g, rows)
    assert sorted(each for band in found for each in band) == list(range(g.kernel_h))
    for band in found:
        ahead = [divmod((each - band[0]) * g.dilation[0], g.stride[0]) for each in band]
        # The rows that they read lie a whole number of strides apart, so they are rows of one matrix.
        assert {rest for _, rest in ahead} == {0}
        assert ahead[-1][0] + rows <= MOST_BAND * rows
