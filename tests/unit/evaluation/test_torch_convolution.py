"""Convolutions of any geometry, cut into parts of any size, give the reference's bytes."""

import tracemalloc
from collections.abc import Sequence

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from torch import Tensor

from anh_rollup.evaluation import torch_convolution, torch_products
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_program import TorchEvaluator
from anh_rollup.tensor.builder import ProgramBuilder
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
    channels, outputs = groups * draw(SMALL), groups * draw(st.sampled_from([1, 2, 65]))
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
    unfolded=st.sampled_from([1, 12, 125, 1_250, 1 << 18]),
    least=st.sampled_from([1, 5, 64]),
    seed=st.integers(0, 999),
)
def test_any_geometry_in_any_parts_gives_the_reference_bytes(
    program: Program, samples: int, unfolded: int, least: int, seed: int
) -> None:
    fields, parameters = random_fields(program, samples, seed), random_parameters(program, seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(torch_convolution.UNFOLDED, "cpu", unfolded)
        patch.setattr(torch_convolution, "LEAST_UNFOLDED", least)
        ours = TorchEvaluator().evaluate(program, Sources(fields, (), parameters))
    assert ours.tobytes() == ReferenceEvaluator().evaluate(program, Sources(fields, (), parameters)).tobytes()


def test_a_convolution_that_shows_few_columns_takes_no_more_than_these() -> None:
    """The reference's rule once took all columns of every row: 1 GiB here."""
    height, width = 8_192, 16_384
    b = ProgramBuilder()
    x = b.field((1, width, 1), low=-9, high=9)
    w = b.parameter((1, 1, 1, 1), low=-9, high=9)
    program = b.build(b.conv2d(x, w, padding=(height - 1, 0, 0, 0), stride=(1, 65_535)))
    sources = Sources(random_fields(program, 1, 0), (), random_parameters(program, 1))

    tracemalloc.start()
    ReferenceEvaluator().evaluate(program, sources)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 64 * 8 * (height + width)


@pytest.mark.parametrize("batch", [(), (3,)])
def test_weights_that_all_samples_share_are_not_copied_for_each(
    batch: tuple[int, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    b = ProgramBuilder()
    x = b.field((*batch, 4, 5), low=-(2**31), high=2**31 - 1)
    program = b.build(b.linear(x, b.parameter((*batch, 6, 5), low=-(2**29), high=2**29)))
    sources = Sources(random_fields(program, 7, 0), (), random_parameters(program, 1))
    expected, multiplied = ReferenceEvaluator().evaluate(program, sources), []
    real = torch_products.product_of_limbs

    def seen(x: Tensor, w: Tensor, magnitudes: Sequence[int]) -> Tensor:
        multiplied.append((tuple(x.shape), tuple(w.shape)))
        return real(x, w, magnitudes)

    monkeypatch.setattr(torch_products, "product_of_limbs", seen)
    assert TorchEvaluator().evaluate(program, sources).tobytes() == expected.tobytes()
    assert multiplied == [((*batch, 7 * 4, 5), (*batch, 6, 5))]
