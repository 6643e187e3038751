"""Sums of products on compiled code: the reference's bytes for any shape, vectors and threads."""

from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from anh_rollup.evaluation import compiled_dense
from anh_rollup.evaluation.compiled_dense import Exact, narrowest, packed
from anh_rollup.evaluation.dense_kernel import VECTORS
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.tape import Tape
from anh_rollup.kernels.machine_code import NARROW, WIDE, this_processor
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import RangeRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import window
from tests.doubles.evaluators import BUILDS, processor_of, same, small_parts
from tests.unit.evaluation.test_compiled_depthwise import extreme

SMALL = st.integers(1, 3)
#: Channels around one vector and one block.
CHANNELS = (1, 2, NARROW, WIDE, WIDE + 1, VECTORS * NARROW + 1, VECTORS * WIDE, 2 * VECTORS * WIDE + 5)


@contextmanager
def in_pieces(threads: int, chunk: int) -> Iterator[None]:
    """So many threads with parts as small as can be, and so many places at once."""
    with pytest.MonkeyPatch.context() as patch, small_parts(compiled_dense, threads):
        patch.setattr(compiled_dense, "CHUNK", chunk)
        yield


def program_of(
    opcode: Opcode, shapes: list[tuple[int, ...]], bits: tuple[int, int], flags: int, shift: int,
    geometry: tuple[int, ...], *, kinds: tuple[Kind, Kind] = (Kind.FIELD, Kind.PARAMETER),
) -> Program:  # fmt: skip
    """A MATMUL or CONV of a result's, an input's and the weights' shapes."""
    result, *operands = shapes
    values = []
    for place, (shape, kind, own) in enumerate(zip(operands, kinds, bits, strict=True)):
        index = place if kinds[0] is kinds[1] else 0
        values.append(Value(kind, shape, -(2**own), 2**own - 1, index=index))
    extras = [(-(2**20), 2**20)] * (flags & 1) + [(0, 40)] * (flags >> 1)
    for place, bounds in enumerate(extras):
        values.append(Value(Kind.PARAMETER, (result[-1],), *bounds, index=1 + place))
    attributes = (0 if flags & 2 else shift, 0, flags, *geometry)
    output = Value(
        Kind.INSTRUCTION, result, -(2**30), 2**29,
        opcode=opcode, inputs=tuple(range(len(values))), attributes=attributes,
    )  # fmt: skip
    return Program((*values, output))


@st.composite
def convolutions(draw: st.DrawFn) -> Program:
    """A convolution of any geometry, bias and shifts, as wide as its ranges may be."""
    groups = draw(SMALL)
    channels = groups * draw(st.sampled_from([1, 2, 5]))
    outputs = groups * draw(st.sampled_from(CHANNELS))
    x = (draw(st.integers(1, 9)), draw(st.integers(1, 12)), channels)
    w = (outputs, draw(st.integers(1, 4)), draw(st.integers(1, 4)), channels // groups)
    pairs, margins = [draw(SMALL) for _ in range(4)], [draw(st.integers(0, 3)) for _ in range(4)]
    geometry = (*pairs[:2], *margins, *pairs[2:], groups)
    try:
        g = window(x, w, (0, 0, 0, *geometry))
        bits = (draw(st.integers(1, 31)), draw(st.integers(1, 31)))
        shapes = [(g.out_h, g.out_w, outputs), x, w]
        return program_of(
            Opcode.CONV, shapes, bits, draw(st.integers(0, 3)), draw(st.integers(0, 40)), geometry
        )
    except (ShapeRefusedError, RangeRefusedError):
        assume(False)
        raise


@st.composite
def products(draw: st.DrawFn) -> Program:
    """A matrix product with weights of the model, or of two operands of the sample, with axes in front."""
    terms, rows, outputs = draw(st.integers(1, 40)), draw(st.integers(1, 30)), draw(st.sampled_from(CHANNELS))
    is_both = draw(st.booleans())
    lead = tuple(draw(st.lists(st.integers(1, 3), min_size=is_both, max_size=2)))
    w = (*(lead if is_both else ()), outputs, terms)
    kinds = (Kind.FIELD, Kind.FIELD if is_both else Kind.PARAMETER)
    flags = 0 if is_both else draw(st.integers(0, 3))
    bits = (draw(st.integers(1, 31)), draw(st.integers(1, 31)))
    shapes = [(*lead, rows, outputs), (*lead, rows, terms), w]
    try:
        return program_of(Opcode.MATMUL, shapes, bits, flags, draw(st.integers(0, 40)), (), kinds=kinds)
    except RangeRefusedError:
        assume(False)
        raise


@pytest.mark.parametrize("build", BUILDS)
@given(
    program=convolutions() | products(),
    samples=st.integers(1, 4),
    threads=st.integers(1, 3),
    chunk=st.sampled_from([1, 8, 96]),
    seed=st.integers(0, 999),
)
def test_any_sums_of_products_on_any_vectors_and_threads_give_the_reference_bytes(
    build: str, program: Program, samples: int, threads: int, chunk: int, seed: int
) -> None:
    with in_pieces(threads, chunk):
        same(program, extreme(program, samples, seed), FastEvaluator(processor=processor_of(build)))


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize(("x_bits", "w_bits"), [(31, 17), (31, 18), (31, 19), (18, 30), (24, 24), (24, 25)])
def test_the_largest_sums_are_exact_up_to_the_width_of_a_float64_and_beyond(
    build: str, x_bits: int, w_bits: int
) -> None:
    bits = (x_bits, w_bits)
    for kinds in ((Kind.FIELD, Kind.PARAMETER), (Kind.FIELD, Kind.FIELD)):
        lead = (2,) if kinds[1] is Kind.FIELD else ()
        shapes = [(*lead, 11, 26), (*lead, 11, 16), (*lead, 26, 16)]
        program = program_of(Opcode.MATMUL, shapes, bits, 0, 22, (), kinds=kinds)
        x, w = (np.full(each.shape, each.low, dtype=np.int32) for each in program.values[:2])
        w[..., 1::2, :] = program.values[1].high
        for one in (x, x + 1, -(x + 1)):
            given = (one[np.newaxis], w[np.newaxis]) if lead else (one[np.newaxis],)
            sources = Sources(given, (), () if lead else (w,))
            with in_pieces(2, 8):
                same(program, sources, FastEvaluator(processor=processor_of(build)))


@pytest.mark.parametrize("is_wide_first", [False, True])
def test_weights_that_two_inputs_share_are_exact_for_the_wider_one_too(is_wide_first: bool) -> None:
    b = ProgramBuilder()
    wide, narrow = b.field((3, 64), low=-(2**31), high=2**31 - 1), b.field((3, 64), low=-1, high=1)
    w = b.parameter((5, 64), low=-(2**24), high=2**24)
    bounds = {"low": -(2**31), "high": 2**31 - 1}
    both = (wide, narrow) if is_wide_first else (narrow, wide)
    products = [b.emit(Opcode.MATMUL, [each, w], (0, 0, 0), **bounds) for each in both]
    program = b.build(b.emit(Opcode.CONCAT, products, (0,), **bounds))
    rng = np.random.default_rng(1)
    # Sums that pass 2^53 in between and end small, where each lost bit shows.
    weights = rng.integers(2**24 - 64, 2**24, (5, 64), dtype=np.int32)
    weights[:, 1::2] = -weights[:, ::2]
    fields = (
        rng.integers(2**31 - 4, 2**31, (4, 3, 64)).astype(np.int32),
        rng.integers(-1, 2, (4, 3, 64), dtype=np.int32),
    )
    same(program, Sources(fields, (), (weights,)))


#: The largest weight, by the bytes that weights then take.
WIDTHS = {1: 2**7 - 1, 2: 2**15 - 1, 4: 2**24 - 1}


@pytest.mark.parametrize(("size", "most"), [*WIDTHS.items(), (2, 2**7), (4, 2**15)])
@pytest.mark.parametrize("zeros", [0, 5])
def test_weights_take_as_few_bytes_as_hold_them_and_whole_vectors(size: int, most: int, zeros: int) -> None:
    here = this_processor()
    assert here is not None
    weights = np.full((2, 5, 7), most << zeros, dtype=np.int32)
    weights[0, 0, 0] = (-most - 1) << zeros
    units = np.full((2, 5), 0.5)
    ready = packed(Tape(here), Exact(weights, units, 3 * units), narrows=True)
    assert (ready.weights.itemsize, ready.weights.shape) == (size, (2, 7 * here.lanes))
    assert ready.weights.sum(dtype=np.int64) == weights.sum(dtype=np.int64) >> zeros
    assert (ready.unit.max(), ready.addend.max()) == (0.5 * 2**zeros, 1.5 / 2**zeros)


def test_weights_that_change_with_the_sample_take_four_bytes() -> None:
    here = this_processor()
    assert here is not None
    ones = np.ones((2, 5, 7))
    ready = packed(Tape(here), Exact(ones, ones[:, :, 0], ones[:, :, 0]), narrows=False)
    assert (ready.weights.dtype, ready.weights.sum()) == (np.int32, 2 * 5 * 7)


def test_what_is_the_same_for_all_channels_takes_the_memory_of_a_block() -> None:
    here = this_processor()
    assert here is not None
    alike = np.full((1, 1), 3.0)
    ready = packed(Tape(here), Exact(np.ones((1000, 1, 1)), alike, 2 * alike), narrows=False)
    assert (ready.unit.tolist(), ready.addend.tolist()) == (
        [[3.0] * VECTORS * here.lanes],
        [[6.0] * VECTORS * here.lanes],
    )


@pytest.mark.parametrize("opcode", [Opcode.MATMUL, Opcode.CONV])
def test_places_of_large_results_are_not_kept_without_their_program(
    monkeypatch: pytest.MonkeyPatch, opcode: Opcode
) -> None:
    monkeypatch.setattr(compiled_dense, "MOST_KEPT", 4)
    is_conv = opcode is Opcode.CONV
    shapes = [(61, 1, 2), (61, 1, 3), (2, 1, 1, 3)] if is_conv else [(61, 2), (61, 3), (2, 3)]
    program = program_of(opcode, shapes, (4, 4), 0, 1, (1, 1, 0, 0, 0, 0, 1, 1, 1) if is_conv else ())
    loaded = FastEvaluator().load(program, (np.ones(shapes[2], np.int32),))
    caches = (compiled_dense._kept_steps, compiled_dense._kept_tables)
    for each in caches:
        each.cache_clear()
    loaded.evaluate([np.ones((1, *shapes[1]), np.int32)])
    assert caches[0].cache_info().currsize <= 1  # The one run of a product.
    assert caches[1].cache_info().currsize == 0


def test_weights_of_nothing_but_zeros_take_a_byte() -> None:
    assert narrowest(np.zeros((1, 3, 2), dtype=np.int32)) == (np.int8, 0)


@pytest.mark.parametrize("build", BUILDS)
@pytest.mark.parametrize("most", WIDTHS.values())
@pytest.mark.parametrize(("zeros", "flags"), [(0, 3), (3, 0), (6, 1), (6, 3)])
def test_weights_that_end_in_zeros_give_the_reference_bytes(
    build: str, most: int, zeros: int, flags: int
) -> None:
    shapes = [(9, 26), (9, 31), (26, 31)]
    program = program_of(Opcode.MATMUL, shapes, (16, 30), flags, 9, ())
    rng = np.random.default_rng(zeros)
    weights = (rng.integers(-most - 1, most + 1, (26, 31)) << zeros).astype(np.int32)
    bias, shifts = rng.integers(-(2**20), 2**20, 26, np.int32), rng.integers(0, 20, 26, np.int32)
    x = rng.integers(-(2**16), 2**16, (2, 9, 31), np.int32)
    extras = {0: (), 1: (bias,), 3: (bias, shifts)}[flags]
    same(program, Sources((x,), (), (weights, *extras)), FastEvaluator(processor=processor_of(build)))
