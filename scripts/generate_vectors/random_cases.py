"""Random programs of one instruction with extreme elements, for comparing two readings of it."""

from collections.abc import Callable
from dataclasses import dataclass
from math import prod

import numpy as np

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.errors import RangeRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Tensor, Value
from anh_rollup.tensor.shapes import infer_shape

Rng = np.random.Generator
Range = tuple[int, int]

FULL: Range = (INT32_LEAST, INT32_MOST)


@dataclass(frozen=True)
class Case:
    """A program whose inputs are fields and whose last value is the only instruction, with one sample."""

    program: Program
    sources: Sources

    @property
    def value(self) -> int:
        """The instruction's place among the values."""
        return len(self.program.values) - 1

    @property
    def record(self) -> bytes:
        """The instruction's record."""
        return self.program.records[-1]

    def trace(self) -> list[Tensor]:
        """Every value of the sample, as the reference evaluates it."""
        return ReferenceEvaluator().trace(self.program, self.sources, 0)


@dataclass(frozen=True)
class Draft:
    """What an opcode's generator draws. Ranges name what each input may hold; None leaves it to chance."""

    shapes: list[Shape]
    attributes: tuple[int, ...]
    ranges: dict[int, Range]
    output: Shape | None = None


def random_case(opcode: Opcode, rng: Rng, wanted: Callable[[Draft], bool] = lambda _: True) -> Case:
    """A random legal case of this opcode: small shapes, extreme elements, odd attributes.

    Drafts that are not wanted are drawn again before anything is made of them.
    """
    bits = 32
    while True:
        draft = DRAFTS[opcode](rng)
        if not wanted(draft):
            continue
        ranges = [draft.ranges.get(each) or random_range(rng, bits) for each in range(len(draft.shapes))]
        try:
            return _case(opcode, draft, ranges, random_bounds(rng), rng)
        except RangeRefusedError:
            bits = max(1, bits - 1)
        except ShapeRefusedError:
            continue


def _case(opcode: Opcode, draft: Draft, ranges: list[Range], bounds: Range, rng: Rng) -> Case:
    output = infer_shape(opcode, draft.shapes, draft.attributes, draft.output)
    fields = [
        Value(Kind.FIELD, shape, low, high, index=index)
        for index, (shape, (low, high)) in enumerate(zip(draft.shapes, ranges, strict=True))
    ]
    instruction = Value(
        Kind.INSTRUCTION,
        output,
        *bounds,
        opcode=opcode,
        inputs=tuple(range(len(fields))),
        attributes=draft.attributes,
    )
    program = Program((*fields, instruction))
    tensors = tuple(random_tensor(value.shape, (value.low, value.high), rng)[np.newaxis] for value in fields)
    return Case(program, Sources(fields=tensors))


def random_range(rng: Rng, bits: int) -> Range:
    """A range of at most so many bits: all of them, one side, one number, or something between."""
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    shape = rng.integers(6)
    if shape == 0:
        return (low, 0)
    if shape == 1:
        return (0, high)
    if shape == 2:
        first, second = sorted(int(each) for each in rng.integers(low, high, 2, endpoint=True))
        return (first, second)
    return (low, high)


def random_bounds(rng: Rng) -> Range:
    """Bounds of an instruction: mostly wide open, else such that they bite."""
    shape = rng.integers(5)
    if shape == 0:
        return random_range(rng, int(rng.integers(1, 33)))
    if shape == 1:
        edge = int(rng.integers(INT32_LEAST, INT32_MOST, endpoint=True))
        return (edge, edge)
    return FULL


def random_tensor(shape: Shape, within: Range, rng: Rng) -> Tensor:
    """Elements of a range: its ends, numbers around zero, and anything between."""
    low, high = within
    size = prod(shape)
    anything = rng.integers(low, high, size, endpoint=True)
    special = np.clip(rng.choice([low, high, low + 1, high - 1, 0, 1, -1, 2, -2], size), low, high)
    small = np.clip(rng.integers(-300, 301, size), low, high)
    choice = rng.integers(3, size=size)
    return np.choose(choice, [anything, special, small]).astype(np.int32).reshape(shape)


def random_shape(rng: Rng, low: int = 0, high: int = 4, wide: int = 5) -> Shape:
    """A shape of `low` to `high` axes, each of 1 to `wide`."""
    return tuple(int(each) for each in rng.integers(1, wide + 1, int(rng.integers(low, high + 1))))


def _number(rng: Rng, low: int, high: int) -> int:
    """A number of a range, its ends often."""
    return int(rng.choice([low, high, int(rng.integers(low, high, endpoint=True))]))


def _broadcastable(rng: Rng, count: int) -> list[Shape]:
    full = random_shape(rng)
    shapes: list[Shape] = []
    for _ in range(count):
        kept = full[int(rng.integers(len(full) + 1)) if rng.random() < 0.4 else 0 :]
        shapes.append(tuple(1 if rng.random() < 0.25 else size for size in kept))
    return shapes


def _linear_head(rng: Rng) -> tuple[int, int, int]:
    """shift, guard, flags."""
    flags = int(rng.integers(4))
    shift = 0 if flags & 2 else _number(rng, 0, 40)
    guard = 0
    if flags & 1:
        guard = int(rng.integers(0, 6)) if flags & 2 else int(rng.integers(0, shift + 1))
    return shift, guard, flags


def _linear_extras(
    rng: Rng, head: tuple[int, int, int], channels: int
) -> tuple[list[Shape], dict[int, Range]]:
    _, guard, flags = head
    extras: list[Shape] = [(channels,)] * flags.bit_count()
    if not flags & 2:
        return extras, {}
    low = int(rng.integers(guard, guard + 10))
    return extras, {1 + len(extras): (low, low + int(rng.integers(0, 12)))}


def _matmul(rng: Rng) -> Draft:
    head = _linear_head(rng)
    terms = int(rng.choice([1, 3, 31, 32, 33, 100, 600, 1100]))
    rows, channels = random_shape(rng, 0, 2, 3), int(rng.integers(1, 4))
    if rng.random() < 0.35:
        lead = random_shape(rng, 1, 2, 2)
        x, w = (*lead, int(rng.integers(1, 4)), terms), (*lead, channels, terms)
    else:
        x, w = (*rows, terms), (channels, terms)
    extras, ranges = _linear_extras(rng, head, channels)
    return Draft([x, w, *extras], head, ranges)


def _conv(rng: Rng) -> Draft:
    head = _linear_head(rng)
    groups = int(rng.integers(1, 4))
    group_channels, group_outputs = int(rng.choice([1, 2, 5, 33, 60])), int(rng.integers(1, 3))
    flat = rng.random() < 0.4
    height, width = int(rng.integers(1, 8)), int(rng.integers(1, 8))
    kernel = [int(each) for each in rng.integers(1, 4, 2)]
    stride = [int(each) for each in rng.integers(1, 4, 2)]
    pads = [int(each) for each in rng.integers(0, 4, 4)]
    dilation = [int(each) for each in rng.integers(1, 4, 2)]
    if flat:
        stride[0], dilation[0], pads[0], pads[2] = 1, 1, 0, 0
    channels, outputs = groups * group_channels, groups * group_outputs
    x: Shape = (width, channels) if flat else (height, width, channels)
    w: Shape = (outputs, *(kernel[1:] if flat else kernel), group_channels)
    extras, ranges = _linear_extras(rng, head, outputs)
    return Draft([x, w, *extras], (*head, *stride, *pads, *dilation, groups), ranges)


def _weighted(rng: Rng) -> Draft:
    attributes = (_number(rng, 0, 31), _number(rng, 0, 31), _number(rng, -31, 62))
    return Draft(_broadcastable(rng, 2), attributes, {})


def _shifted(count: int) -> Callable[[Rng], Draft]:
    return lambda rng: Draft(_broadcastable(rng, count), (_number(rng, -31, 62),), {})


def _plain(count: int) -> Callable[[Rng], Draft]:
    return lambda rng: Draft(_broadcastable(rng, count), (), {})


def _compare(rng: Rng) -> Draft:
    return Draft(_broadcastable(rng, 2), (int(rng.integers(6)),), {})


def _table(rng: Rng) -> Draft:
    step = _number(rng, 0, 31)
    origin = int(rng.choice([INT32_LEAST, INT32_MOST, 0, -(2**step), -300, int(rng.integers(-1000, 1000))]))
    entries = int(rng.choice([2, 3, 17, 40, 257]))
    middle = max(INT32_LEAST, origin - 5), min(INT32_MOST, origin + (entries << step) + 5)
    around = {0: middle} if rng.random() < 0.7 else {}
    return Draft([random_shape(rng), (entries,)], (max(origin, INT32_LEAST), step), around)


def _scaled(count: int) -> Callable[[Rng], Draft]:
    return lambda rng: Draft(_broadcastable(rng, count), (_number(rng, 0, 31),), {})


def _reduce(rng: Rng) -> Draft:
    shape = random_shape(rng, 1, 4, 6)
    if rng.random() < 0.3:
        shape = (int(rng.choice([513, 700, 1537])), *shape[:1])
    first = int(rng.integers(len(shape)))
    count = int(rng.integers(1, len(shape) - first + 1))
    kind = int(rng.integers(3))
    return Draft([shape], (kind, _number(rng, 0, 62) if kind == 0 else 0, first, count), {})


def _view(rng: Rng) -> Draft:
    shape = random_shape(rng, 1, 4)
    dims = random_shape(rng, 0, 4)
    strides = tuple(int(each) for each in rng.integers(-4, 9, len(dims)))
    lowest = sum(min(0, (size - 1) * stride) for size, stride in zip(dims, strides, strict=True))
    offset = -lowest + int(rng.integers(0, 3))
    output = rng.permutation(np.array(dims)).tolist() if dims else []
    return Draft([shape], (offset, len(dims), *dims, *strides), {}, tuple(int(each) for each in output))


def _pad(rng: Rng) -> Draft:
    shape = random_shape(rng)
    before = tuple(int(each) for each in rng.integers(-2, 4, len(shape)))
    output = tuple(int(each) for each in rng.integers(1, 8, len(shape)))
    return Draft([shape], (_number(rng, *FULL), *before), {}, output)


def _concat(rng: Rng) -> Draft:
    shape = random_shape(rng, 1, 3, 4)
    axis = int(rng.integers(len(shape)))
    sizes = rng.integers(1, 5, int(rng.integers(1, 5)))
    return Draft([(*shape[:axis], int(size), *shape[axis + 1 :]) for size in sizes], (axis,), {})


def _gather(rng: Rng) -> Draft:
    shape = random_shape(rng, 1, 3)
    axis = int(rng.integers(len(shape)))
    reach = (-3, shape[axis] + 3) if rng.random() < 0.7 else FULL
    return Draft([shape, random_shape(rng, 0, 3, 3)], (axis,), {1: reach})


DRAFTS: dict[Opcode, Callable[[Rng], Draft]] = {
    Opcode.MATMUL: _matmul,
    Opcode.CONV: _conv,
    Opcode.ADD: _weighted,
    Opcode.SUB: _weighted,
    Opcode.MUL: _shifted(2),
    Opcode.SHIFT: _shifted(1),
    Opcode.MIN: _plain(2),
    Opcode.MAX: _plain(2),
    Opcode.ABS: _plain(1),
    Opcode.COMPARE: _compare,
    Opcode.SELECT: _plain(3),
    Opcode.TABLE: _table,
    Opcode.DIV: _scaled(2),
    Opcode.SQRT: _scaled(1),
    Opcode.REDUCE: _reduce,
    Opcode.VIEW: _view,
    Opcode.PAD: _pad,
    Opcode.CONCAT: _concat,
    Opcode.GATHER: _gather,
}
