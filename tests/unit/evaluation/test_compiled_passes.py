"""Element-wise instructions in one pass: the reference's bytes, whatever they read and however it lies."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.evaluation import compiled_passes
from anh_rollup.evaluation.compiled_passes import NARROW_ROW, Fused, copy_into, folded, laid_out
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.pass_kernel import DIMS, STRETCH, VECTORS, Order
from anh_rollup.evaluation.passes import MOST_ORDERS, Group, order_of
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.steps import step_of
from anh_rollup.evaluation.tape import Tape
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import ProgramError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from tests.doubles.evaluators import BUILDS, processor_of, same, small_parts
from tests.unit.evaluation.test_compiled_depthwise import extreme

OPCODES = (
    Opcode.ADD, Opcode.SUB, Opcode.MUL, Opcode.SHIFT, Opcode.MIN, Opcode.MAX, Opcode.ABS, Opcode.COMPARE,
    Opcode.SELECT, Opcode.TABLE, Opcode.DIV, Opcode.SQRT,
)  # fmt: skip


def compiled(program: Program) -> CompiledProgram:
    """A program without parameters on this processor's kernels."""
    loaded = FastEvaluator().load(program, ())
    assert isinstance(loaded, CompiledProgram)
    return loaded


def tape_of(build: str) -> Tape:
    """A tape that notes nothing."""
    processor = processor_of(build)
    assert processor is not None
    return Tape(processor)


def attributes_of(opcode: Opcode, rng: np.random.Generator) -> tuple[int, ...]:
    """Attributes at random: small ones mostly, so that ranges allow them."""
    p, q, shift = (int(each) for each in rng.integers(0, 4, 3))
    wide = int(rng.integers(-8, 34))
    return {
        Opcode.ADD: (p, q, wide), Opcode.SUB: (p, q, wide), Opcode.MUL: (wide,), Opcode.SHIFT: (wide,),
        Opcode.COMPARE: (int(rng.integers(0, 6)),), Opcode.DIV: (4 * shift,), Opcode.SQRT: (6 * shift,),
        Opcode.TABLE: (int(rng.integers(-(2**20), 2**20)), int(rng.integers(0, 22))),
    }.get(opcode, ())  # fmt: skip


def instruction(values: list[Value], shape: tuple[int, ...], rng: np.random.Generator) -> Value:
    """An element-wise instruction that reads earlier values, and the last one as likely as not."""
    opcode = OPCODES[int(rng.integers(0, len(OPCODES)))]
    wide = [each for each, value in enumerate(values) if value.kind is not Kind.PARAMETER]
    count = {Opcode.SHIFT: 1, Opcode.ABS: 1, Opcode.SQRT: 1, Opcode.TABLE: 1, Opcode.SELECT: 3}.get(opcode, 2)
    inputs = [int(rng.choice(wide[-2:] if rng.random() < 0.5 else wide)) for _ in range(count)]
    own = np.broadcast_shapes(*(values[each].shape for each in inputs))
    if opcode is Opcode.TABLE:
        inputs.append(0)
    bits = int(rng.integers(1, 32))
    return Value(
        Kind.INSTRUCTION, own, max(-(2**bits), INT32_LEAST), min(2**bits - 1, INT32_MOST),
        opcode=opcode, inputs=tuple(inputs), attributes=attributes_of(opcode, rng),
    )  # fmt: skip


def random_chain(seed: int, length: int) -> Program:
    """Instructions on values of one shape, and on such as are broadcast to it; views here and there."""
    rng = np.random.default_rng(seed)
    shape = tuple(int(each) for each in rng.choice([1, 2, 3, 5, 17], int(rng.integers(0, 4))))
    values = [Value(Kind.PARAMETER, (int(rng.integers(2, 9)),), -(2**24), 2**24, index=0)]
    for index in range(3):
        bits = int(rng.integers(1, 32))
        own = tuple(int(rng.choice([1, each])) for each in shape)[int(rng.integers(0, 2)) if index else 0 :]
        size = own if index else shape
        values.append(Value(Kind.FIELD, size, -(2**bits), 2**bits - 1, index=index))
    while len(values) < length + 4:
        source = int(rng.integers(1, len(values)))
        one = values[source]
        if rng.random() < 0.2 and one.shape:
            step = int(np.prod(one.shape[1:]))
            turned = (step * (one.shape[0] - 1), len(one.shape), *one.shape)
            steps = [int(np.prod(one.shape[place + 1 :])) for place in range(len(one.shape))]
            own = Value(
                Kind.INSTRUCTION, one.shape, one.low, one.high,
                opcode=Opcode.VIEW, inputs=(source,), attributes=(*turned, -steps[0], *steps[1:]),
            )  # fmt: skip
        else:
            own = instruction(values, shape, rng)
        try:
            Program((*values, own))
        except ProgramError:
            continue
        values.append(own)
    return Program(tuple(values))


@pytest.mark.parametrize("build", BUILDS)
@given(
    seed=st.integers(0, 2**32 - 1),
    length=st.integers(1, 14),
    samples=st.integers(1, 4),
    threads=st.integers(1, 3),
)
def test_any_chain_on_any_vectors_and_threads_gives_the_reference_bytes(
    build: str, seed: int, length: int, samples: int, threads: int
) -> None:
    program = random_chain(seed, length)
    with small_parts(compiled_passes, threads):
        same(program, extreme(program, samples, seed), FastEvaluator(processor=processor_of(build)))


@pytest.mark.parametrize("width", [1, STRETCH - 1, STRETCH, 2 * STRETCH + 3])
def test_rows_of_any_width_are_cut_into_stretches(width: int) -> None:
    b = ProgramBuilder()
    x, row = b.field((3, width), low=-(2**20), high=2**20), b.field((width,), low=-9, high=9)
    column = b.field((3, 1), low=-99, high=99)
    program = b.build(b.emit(Opcode.MAX, [b.emit(Opcode.ADD, [x, row], (0, 3, 1)), column], ()))
    same(program, extreme(program, 2, 5))


@pytest.mark.parametrize("channels", [1, 3, NARROW_ROW - 1, NARROW_ROW])
def test_narrow_rows_give_the_reference_bytes_however_they_lie(channels: int) -> None:
    b = ProgramBuilder()
    x, row = b.field((channels, 5, 90), low=-(2**20), high=2**20), b.field((channels,), low=-9, high=9)
    turned = b.transpose(x, (1, 2, 0))
    program = b.build(b.emit(Opcode.MUL, [b.emit(Opcode.ADD, [turned, row], (0, 3, 1)), turned], (20,)))
    same(program, extreme(program, 3, 5))


def chain_of(count: int) -> Program:
    """Sums that are all read again at the end, so that each stays in a vector of its own."""
    b = ProgramBuilder()
    x = b.field((7,), low=-9, high=9)
    sums = [b.emit(Opcode.ADD, [x, b.constant(np.int32(each))], (0, 0, 0)) for each in range(count)]
    whole = sums[0]
    for each in sums[1:]:
        whole = b.emit(Opcode.MAX, [whole, each], ())
    return b.build(whole)


@pytest.mark.parametrize("count", [2, VECTORS - 4, VECTORS + 6])
def test_a_pass_that_takes_too_many_vectors_runs_instruction_by_instruction(count: int) -> None:
    program = chain_of(count)
    loaded = compiled(program)
    assert any(isinstance(each, Fused) for each in loaded.order) is (count < VECTORS)
    same(program, extreme(program, 3, 1))


def test_a_pass_has_so_many_orders_at_most() -> None:
    program = chain_of(2 * MOST_ORDERS)
    same(program, extreme(program, 3, 1))
    for each in compiled(program).order:
        assert not isinstance(each, Fused) or len(each.group.members) <= MOST_ORDERS


def test_an_instruction_whose_numbers_float64_does_not_hold_is_in_no_pass() -> None:
    b = ProgramBuilder()
    x, y = (b.field((2,), low=-(2**30), high=2**30) for _ in range(2))
    program = b.build(b.emit(Opcode.MUL, [x, y], (31,)))
    assert order_of(step_of(program, 2)) is None
    same(program, extreme(program, 4, 2))


def test_what_runs_in_a_pass_and_what_is_written() -> None:
    b = ProgramBuilder()
    x = b.field((4, 6), low=-99, high=99)
    doubled = b.emit(Opcode.ADD, [x, x], (0, 0, 0))
    squared = b.emit(Opcode.MUL, [doubled, doubled], (0,))
    total = b.emit(Opcode.REDUCE, [squared], (0, 0, 1, 1), low=0, high=2**30)
    root = b.emit(Opcode.SQRT, [total], (0,))
    low = b.emit(Opcode.MIN, [squared, x], ())
    program = b.build(b.emit(Opcode.SUB, [low, b.reshape(root, (4, 1))], (0, 0, 0)))
    loaded = compiled(program)
    groups = [each.group for each in loaded.order if isinstance(each, Fused)]
    assert groups == [Group([1, 2], [0], [2]), Group([4], [3], [4]), Group([5, 7], [2, 0, 6], [7])]
    same(program, extreme(program, 3, 3))


@given(
    sizes=st.lists(st.integers(1, 5), min_size=1, max_size=DIMS + 2),
    seed=st.integers(0, 999),
    build=st.sampled_from(BUILDS[:-1]),
)
def test_a_copy_has_the_same_elements_however_they_lay(sizes: list[int], seed: int, build: str) -> None:
    rng = np.random.default_rng(seed)
    x = rng.normal(size=sizes).transpose(*rng.permutation(len(sizes)))[..., ::2]
    target = np.zeros([2 * each for each in x.shape])
    part, tape = target[tuple(slice(None, None, 2) for _ in x.shape)], tape_of(build)
    with small_parts(compiled_passes, 2):
        whole = laid_out(tape, x)
        copy_into(tape, part, x)
    assert whole.flags.c_contiguous
    for each in (whole, part):
        np.testing.assert_array_equal(each, x)
    assert np.abs(target).sum() == pytest.approx(np.abs(x).sum())


@given(
    sizes=st.lists(st.integers(1, 4), min_size=4, max_size=4),
    first=st.integers(0, 2),
    count=st.integers(1, 2),
    seed=st.integers(0, 999),
)
def test_windows_are_folded_in_one_pass(sizes: list[int], first: int, count: int, seed: int) -> None:
    rng = np.random.default_rng(seed)
    x = rng.integers(-99, 99, sizes).astype(np.float64).swapaxes(0, 3)
    axes, tape = range(first, first + count), tape_of("here")
    bounds = {"low": -120.0, "high": 90.0, "half": 0.0, "unit": 1.0}
    found = [folded(tape, x, axes, order, bounds) for order in (Order.SUM, Order.GREATER)]
    if np.prod([x.shape[each] for each in axes]) < 2:
        assert found == [None, None]
        return
    expected = [np.clip(join.reduce(x, tuple(axes)), -120, 90) for join in (np.add, np.maximum)]
    np.testing.assert_array_equal(found, expected)


def test_a_table_that_depends_on_the_sample_is_in_no_pass() -> None:
    b = ProgramBuilder()
    x, table = b.field((5,), low=-99, high=99), b.field((4,), low=-(2**30), high=2**30)
    program = b.build(b.emit(Opcode.TABLE, [x, table], (-50, 5)))
    loaded = compiled(program)
    assert loaded.order == [0, 1, 2]
    rng = np.random.default_rng(0)
    fields = tuple(
        rng.integers(each.low, each.high, (3, *each.shape), dtype=np.int32) for each in program.fields
    )
    same(program, Sources(fields))
