"""Element-wise instructions, copies and folds on compiled code, several in one pass: see `pass_kernel`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.evaluation import pass_kernel
from anh_rollup.evaluation.arena import address_of
from anh_rollup.evaluation.pass_kernel import DIMS, ORDER, STRETCH, Order, Pass
from anh_rollup.evaluation.passes import Group, orders_of
from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.tape import Tape
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Program

#: Elements, times orders, that are worth a part of their own (choice: about 0.1 milliseconds).
PART_WORK: Final = 1 << 19

#: Rows of fewer elements than this are no stretches: another dimension is (choice: one vector).
NARROW_ROW: Final = 8

#: Lengths of sums and maxima whose orders are kept (choice).
KEPT_FOLDS: Final = 64

Floats = NDArray[np.float64]
Steps = tuple[int, ...]
Orders = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the arrays of a pass lie.

    Attributes:
        arrays: For each array its address, to be written in, and its steps.
        sizes: Of the dimensions, the first ones 1 where there are fewer.
    """

    arrays: NDArray[np.int64]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Sink:
    """Where values go as int32, whatever else is done with them.

    Attributes:
        base: The address of their memory, (1,): what is noted goes to another one when this changes.
        places: For each value that goes there at how many bytes behind it.
    """

    base: NDArray[np.int64]
    places: Mapping[int, int]

    def take(self, tape: Tape, value: int, x: Floats) -> None:
        """Has the elements of a value written, (1, *shape)."""
        if value not in self.places:
            return
        layout = _layout(x.shape, [_steps(x), _contiguous(x.shape)])
        if layout is None:
            self.take(tape, value, laid_out(tape, x))
            return
        _pass_over(tape, _WRITE, layout, [x], [address_of(x), self.places[value]], self)


@dataclass(frozen=True, slots=True)
class Fused:
    """A pass of a program.

    Attributes:
        group: Its instructions.
        orders: What the kernel does.
        shape: Of every instruction's result.
        tables: Which of its sources are tables.
    """

    group: Group
    orders: Orders
    shape: tuple[int, ...]
    tables: frozenset[int]

    @classmethod
    def of(cls, program: Program, group: Group, steps: Mapping[int, Step]) -> "Fused | None":
        """None where a pass cannot do it."""
        orders = orders_of(program, group, steps)
        if orders is None:
            return None
        tables, read = set[int](), set[int]()
        for each in group.members:
            value = program.values[each]
            is_table = value.opcode is Opcode.TABLE
            tables.update(value.inputs[1:] if is_table else ())
            read.update(value.inputs[:1] if is_table else value.inputs)
        if tables & read:
            return None
        return cls(group, orders, program.values[group.members[0]].shape, frozenset(tables))

    def run(self, tape: Tape, sources: Sequence[Floats], sink: Sink | None = None) -> list[Floats] | None:
        """The results, and more into a sink; None where its sources lie in too many ways at once."""
        layout = self._layout(sources)
        if layout is None:
            return None
        samples = self._samples(sources)
        results = [tape.empty((samples, *self.shape)) for _ in self.group.results]
        touched = [*sources, *results]
        addresses = None
        if sink is not None:
            places = [sink.places[each] for each in self.group.written]
            addresses = [*map(address_of, touched), *places]
        _pass_over(tape, self.orders, layout, touched, addresses, sink)
        return results

    def _samples(self, sources: Sequence[Floats]) -> int:
        pairs = zip(self.group.sources, sources, strict=True)
        return max(int(each.shape[0]) for place, each in pairs if place not in self.tables)

    def _layout(self, sources: Sequence[Floats]) -> _Layout | None:
        sizes, steps = (self._samples(sources), *self.shape), list[Sequence[int]]()
        for place, each in zip(self.group.sources, sources, strict=True):
            if place not in self.tables:
                steps.append(_broadcast(each, sizes))
            elif each.shape[0] == 1 and each.flags.c_contiguous:
                steps.append((0,) * len(sizes))
            else:
                return None
        made = len(self.group.results) + len(self.group.written)
        return _layout(sizes, [*steps, *[_contiguous(sizes)] * made])


def laid_out(tape: Tape, x: Floats) -> Floats:
    """The same elements, neighbours in memory as they are in the array."""
    if x.flags.c_contiguous:
        return x
    result: Floats = tape.empty(x.shape)
    copy_into(tape, result, x)
    return result


def copy_into(tape: Tape, result: Floats, x: Floats) -> None:
    """Copies elements into an array of the same shape, which may be a part of another one."""
    layout = _layout(x.shape, [_steps(x), _steps(result)])
    if layout is None:
        tape.do(np.copyto, result, x)
    elif x.size:
        _pass_over(tape, _COPY, layout, [x, result])


def fill(tape: Tape, result: Floats, number: float) -> None:
    """Gives every element of a whole array the same number."""
    limited(tape, np.zeros((1,) * result.ndim), {"low": number, "high": number}, result)


def limited(tape: Tape, x: Floats, numbers: Mapping[str, float], result: Floats | None = None) -> Floats:
    """Elements rounded and clamped.

    Args:
        tape: Where it is done.
        x: The elements, broadcast to the result's shape.
        numbers: What `Order.SUM` is told, beside 1 for `p` and `unit`.
        result: A whole array for them; a new one of the same shape where there is none.
    """
    done: Floats = tape.empty(x.shape) if result is None else result
    layout = _layout(done.shape, [_broadcast(x, done.shape), _contiguous(done.shape)])
    if layout is None:
        return limited(tape, laid_out(tape, x), numbers, result)
    _pass_over(tape, _moves(tuple(numbers.items())), layout, [x, done])
    return done


def folded(tape: Tape, x: Floats, axes: range, order: Order, last: Mapping[str, float]) -> Floats | None:
    """Elements along some axes put together, first to last, in one pass over all others.

    Args:
        tape: Where it is done.
        x: The elements.
        axes: Neighbouring axes.
        order: SUM, of elements whose sums are exact, or GREATER.
        last: What the last order is told, beside places.

    Returns:
        x without these axes; None where no pass does it.
    """
    own, away = _steps(x), np.zeros(1, dtype=np.int64)
    for axis in axes:
        away = np.add.outer(away, np.arange(x.shape[axis]) * own[axis]).ravel()
    kept = [each for each in range(x.ndim) if each not in axes]
    sizes = tuple(x.shape[each] for each in kept)
    steps = [own[each] for each in kept]
    layout = _layout(sizes, [*[steps] * len(away), _contiguous(sizes)])
    if layout is None or len(away) < 2:
        return None
    result: Floats = tape.empty(sizes)
    orders = _fold_orders(len(away), order, tuple(last.items()))
    addresses = [*(address_of(x) + 8 * away).tolist(), address_of(result)]
    _pass_over(tape, orders, layout, [x, result], addresses)
    return result


@lru_cache(maxsize=KEPT_FOLDS)
def _fold_orders(count: int, order: Order, last: Sequence[tuple[str, float]]) -> Orders:
    """Loads and folds one array after the other into one vector, and stores it."""
    table = np.zeros(2 * count, dtype=ORDER)
    table["order"] = Order.LOAD
    loads, folds = table[1:-1:2], table[2:-1:2]
    loads["array"], loads["result"] = np.arange(1, count), 1
    folds["order"], folds["b"], folds["low"], folds["high"] = order, 1, -np.inf, np.inf
    folds["p"] = folds["q"] = folds["unit"] = 1
    for name, number in last:
        folds[name][-1] = number
    table["order"][-1], table["array"][-1] = Order.STORE, count
    return table


@lru_cache(maxsize=KEPT_FOLDS)
def _moves(numbers: Sequence[tuple[str, float]]) -> Orders:
    """Loads an array, adds nothing to it, and stores it."""
    table = np.zeros(3, dtype=ORDER)
    table["order"], table["array"] = (Order.LOAD, Order.SUM, Order.STORE), (0, 0, 1)
    table["p"] = table["unit"] = 1
    for name, number in numbers:
        table[name] = number
    return table


def _copy_orders(last: Order) -> Orders:
    table = np.zeros(2, dtype=ORDER)
    table["order"], table["array"] = (Order.LOAD, last), (0, 1)
    return table


_COPY: Final = _copy_orders(Order.STORE)
_WRITE: Final = _copy_orders(Order.WRITE)


def _pass_over(
    tape: Tape,
    orders: Orders,
    layout: _Layout,
    touched: Sequence[Floats],
    addresses: Sequence[int] | None = None,
    sink: Sink | None = None,
) -> None:
    """One pass.

    Args:
        tape: Where it is done.
        orders: What is done.
        layout: How its arrays lie.
        touched: All memory that it reads and writes.
        addresses: Of its arrays, where those are not `touched`.
        sink: Where its arrays of int32 lie.
    """
    arrays = layout.arrays.copy()
    arrays[:, 0] = [address_of(each) for each in touched] if addresses is None else addresses
    *outer, width = layout.sizes
    stretches = -(-width // STRETCH)
    base = 0 if sink is None else address_of(sink.base)
    told = Pass(orders.ctypes.data, len(orders), address_of(arrays), base, width, stretches, *outer)
    work = prod(layout.sizes) * len(orders)
    kernel = tape.kernel(pass_kernel.compiled_for)
    kept = [*touched, arrays, orders] if sink is None else [*touched, arrays, orders, sink.base]
    tape.call(kernel, told, prod(outer) * stretches, work // PART_WORK, kept)


def _steps(x: NDArray[Any]) -> Steps:
    """From each element to the next one, in elements."""
    return tuple(each // x.itemsize for each in x.strides)


def _broadcast(x: Floats, sizes: Sequence[int]) -> Steps:
    """The steps of an array (N or 1, *shape) that is broadcast from the right, behind the samples."""
    own = [0 if size == 1 else step for size, step in zip(x.shape, _steps(x), strict=True)]
    return (own[0], *[0] * (len(sizes) - x.ndim), *own[1:])


def _contiguous(sizes: Sequence[int]) -> Steps:
    return tuple(prod(sizes[place + 1 :]) for place in range(len(sizes)))


def _layout(sizes: Sequence[int], steps: Sequence[Sequence[int]]) -> _Layout | None:
    """As few dimensions as can be, with a wide one last; None where that is too many."""
    kept: list[tuple[int, tuple[int, ...]]] = []
    for size, own in zip(sizes, zip(*steps, strict=True), strict=True):
        if size == 1:
            continue
        if kept and all(before == size * here for before, here in zip(kept[-1][1], own, strict=True)):
            kept[-1] = (kept[-1][0] * size, own)
        else:
            kept.append((size, own))
    if len(kept) > DIMS:
        return None
    if kept and kept[-1][0] < NARROW_ROW:
        kept.append(kept.pop(max(range(len(kept)), key=lambda place: kept[place][0])))
    kept = [(1, (0,) * len(steps))] * (DIMS - len(kept)) + kept
    arrays = np.zeros((len(steps), 1 + DIMS), dtype=np.int64)
    arrays[:, 1:] = np.array([own for _, own in kept], dtype=np.int64).T
    return _Layout(arrays, tuple(size for size, _ in kept))
