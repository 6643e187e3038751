"""Depthwise convolutions give the reference's bytes, whatever their geometry, vectors and threads are."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st
from llvmlite import binding

from anh_rollup.evaluation import compiled_depthwise
from anh_rollup.evaluation.compiled_dense import Packed
from anh_rollup.evaluation.compiled_depthwise import Scaled
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.depthwise_kernel import TILES
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.kernels.machine_code import NARROW, WIDE, kernel_of, this_processor
from anh_rollup.tensor.errors import RangeRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import Window, window
from tests.doubles.evaluators import BUILDS, processor_of, same, small_parts

SMALL = st.integers(1, 3)
MARGIN = st.sampled_from([0, 1, 2, 9])


@st.composite
def layers(draw: st.DrawFn) -> Program:
    """A depthwise convolution of any geometry, with any bias and shifts, as wide as its ranges may be."""
    channels = draw(st.sampled_from([2, 3, NARROW, WIDE, WIDE + 1, 2 * WIDE + NARROW + 3]))
    flat = draw(st.booleans())
    height, kernel_h = (1, 1) if flat else (draw(st.integers(1, 9)), draw(st.integers(1, 5)))
    width, kernel_w = draw(st.integers(1, 30)), draw(st.integers(1, 5))
    stride, dilation = ([1 if flat else draw(SMALL), draw(SMALL)] for _ in range(2))
    top, bottom = (0, 0) if flat else (draw(MARGIN), draw(MARGIN))
    flags = draw(st.integers(0, 3))
    shift, guard = (0, draw(st.integers(0, 5))) if flags & 2 else (draw(st.integers(0, 40)), 0)
    margins = (top, draw(MARGIN), bottom, draw(MARGIN))
    attributes = (shift, guard if flags & 1 else 0, flags, *stride, *margins, *dilation, channels)
    x = (width, channels) if flat else (height, width, channels)
    w = (channels, kernel_w, 1) if flat else (channels, kernel_h, kernel_w, 1)
    try:
        return _program(x, w, attributes, draw(st.integers(1, 31)), draw(st.integers(1, 31)))
    except (ShapeRefusedError, RangeRefusedError):
        assume(False)
        raise


def _program(
    x: tuple[int, ...], w: tuple[int, ...], attributes: tuple[int, ...], x_bits: int, w_bits: int
) -> Program:
    g = window(x, w, attributes)
    flags, most = attributes[2], 2**20
    extras = [(-most, most)] * (flags & 1) + [(attributes[1], attributes[1] + 9)] * (flags >> 1)
    shape = (g.out_h, g.out_w, g.outputs)[-len(x) :]
    return Program(
        (
            Value(Kind.FIELD, x, -(2**x_bits), 2**x_bits - 1, index=0),
            Value(Kind.PARAMETER, w, -(2**w_bits), 2**w_bits - 1, index=0),
            *(
                Value(Kind.PARAMETER, (g.outputs,), *bounds, index=1 + place)
                for place, bounds in enumerate(extras)
            ),
            Value(
                Kind.INSTRUCTION, shape, -(2**30), 2**29,
                opcode=Opcode.CONV, inputs=tuple(range(2 + len(extras))), attributes=attributes,
            ),
        )
    )  # fmt: skip


def extreme(program: Program, samples: int, seed: int) -> Sources:
    """Elements of which half are a bound of their range."""
    chance = np.random.default_rng(seed)

    def elements(value: Value, shape: tuple[int, ...]) -> np.ndarray:
        drawn = chance.integers(value.low, value.high + 1, shape, dtype=np.int64)
        bounds = chance.choice(np.array([value.low, value.high]), shape)
        return np.where(chance.random(shape) < 0.5, drawn, bounds).astype(np.int32)

    fields = tuple(elements(each, (samples, *each.shape)) for each in program.fields)
    return Sources(fields, (), tuple(elements(each, each.shape) for each in program.parameters))


@pytest.mark.parametrize("build", BUILDS)
@given(program=layers(), samples=st.integers(1, 3), threads=st.integers(1, 3), seed=st.integers(0, 999))
def test_any_geometry_on_any_vectors_and_threads_gives_the_reference_bytes(
    build: str, program: Program, samples: int, threads: int, seed: int
) -> None:
    with small_parts(compiled_depthwise, threads):
        same(program, extreme(program, samples, seed), FastEvaluator(processor=processor_of(build)))


@pytest.mark.parametrize(("x_bits", "w_bits"), [(31, 18), (31, 19), (31, 20), (18, 31), (25, 25), (24, 15)])
def test_the_largest_sums_are_exact_up_to_the_width_of_a_float64_and_beyond(x_bits: int, w_bits: int) -> None:
    attributes = (20, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 11)
    program = _program((9, 9, 11), (11, 3, 3, 1), attributes, x_bits, w_bits)
    x, w = (np.full(each.shape, each.low, dtype=np.int32) for each in program.values[:2])
    w[1::2] = program.values[1].high
    for image in (x, x + 1, -(x + 1)):
        same(program, Sources((image[np.newaxis],), (), (w,)))


@pytest.mark.parametrize(("outputs", "kind"), [(4, Scaled), (8, Packed)])
def test_a_layer_of_one_output_a_channel_has_a_kernel_of_its_own(outputs: int, kind: type) -> None:
    program = _program((5, 5, 4), (outputs, 2, 2, 1), (3, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 4), 8, 8)
    sources = extreme(program, 3, 0)
    loaded = FastEvaluator().load(program, sources.parameters)
    assert isinstance(loaded, CompiledProgram)
    loaded.evaluate(sources.fields)
    assert [type(each) for each in loaded.weights.values()] == [kind]


@given(program=layers())
@example(program=_program((9, 2000, 8), (8, 3, 3, 1), (3, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 8), 8, 8))
def test_tiles_cover_every_column_once_and_read_the_taps_that_are_inside(program: Program) -> None:
    g = _window(program)
    column = 0
    for size, result, source, weight, count in compiled_depthwise._tiles(g).tolist():
        assert (size in TILES, result) == (True, column * g.channels)
        for each in range(column, column + size):
            left = each * g.stride[1] - g.top_left[1]
            inside = [dx for dx in range(g.kernel_w) if 0 <= left + dx * g.dilation[1] < g.width]
            assert count == len(inside)
            if inside:
                first = (left + inside[0] * g.dilation[1]) * g.channels
                assert first == source + (each - column) * g.stride[1] * g.channels
                assert weight == inside[0] * g.channels
        column += size
    assert column == g.out_w


def _window(program: Program) -> Window:
    return window(program.values[0].shape, program.values[1].shape, program.output.attributes)


def test_only_short_tables_are_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    program = _program((5000, 3), (3, 3, 1), (3, 0, 0, 1, 2, 0, 1, 0, 1, 1, 1, 3), 8, 8)
    compiled_depthwise._kept_tables.cache_clear()
    for most, kept in ((2500, 0), (2501, 1)):
        monkeypatch.setattr(compiled_depthwise, "MOST_KEPT", most)
        same(program, extreme(program, 1, 0))
        assert compiled_depthwise._kept_tables.cache_info().currsize == kept


def test_several_evaluations_at_once_may_be_the_first() -> None:
    program = _program((9, 9, 11), (11, 3, 3, 1), (20, 0, 0, 1, 1, 1, 1, 1, 1, 1, 1, 11), 24, 15)
    sources = extreme(program, 3, 0)
    expected = ReferenceEvaluator().evaluate(program, sources).tobytes()
    kernel_of.cache_clear()
    with ThreadPoolExecutor(8) as evaluations:
        found = [evaluations.submit(FastEvaluator().evaluate, program, sources) for _ in range(16)]
        assert {each.result().tobytes() for each in found} == {expected}


def test_without_memory_that_may_run_there_is_no_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused() -> None:
        raise OSError(13, "cannot allocate executable memory")

    monkeypatch.setattr(binding, "check_jit_execution", refused)
    this_processor.cache_clear()
    try:
        assert this_processor() is None
    finally:
        this_processor.cache_clear()
