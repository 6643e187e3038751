"""The torch backend's element-wise instructions on compiled code, several in one pass: see `pass_kernel`."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from math import prod
from typing import Any, Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anh_rollup.evaluation.pass_kernel import DIMS, ORDER, STRETCH, Order, Pass, kernel
from anh_rollup.evaluation.passes import Group, orders_of
from anh_rollup.evaluation.torch_step import Step
from anh_rollup.kernels.machine_code import Kernel
from anh_rollup.kernels.threads import in_parts
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Program

#: Elements, times orders, that are worth a part of their own (choice: about 0.1 milliseconds).
PART_WORK: Final = 1 << 19

#: How many ways in which its arrays may lie a pass remembers (choice: batches have one or two sizes).
MOST_LAYOUTS: Final = 8

#: Lengths of sums and maxima whose orders are kept (choice).
KEPT_FOLDS: Final = 64

Steps = tuple[int, ...]
_Key = tuple[tuple[int, Steps], ...]


@dataclass(frozen=True, slots=True)
class _Layout:
    """How the arrays of a pass lie.

    Attributes:
        samples: How many.
        arrays: For each array its address, to be written in, and its steps.
        sizes: Of the dimensions, the first ones 1 where there are fewer.
    """

    samples: int
    arrays: NDArray[np.int64]
    sizes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class _Orders:
    """Orders and where they lie: numpy takes long to say so."""

    table: NDArray[np.void]
    address: int

    @classmethod
    def of(cls, table: NDArray[np.void]) -> "_Orders":
        return cls(table, table.ctypes.data)


@dataclass(slots=True)
class Fused:
    """A pass of a program.

    Attributes:
        group: Its instructions.
        orders: What the kernel does.
        shape: Of every instruction's result.
        tables: Which of its sources are tables.
    """

    group: Group
    orders: _Orders
    shape: tuple[int, ...]
    tables: frozenset[int]
    _layouts: dict[_Key, _Layout | None] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program, group: Group, steps: Mapping[int, Step]) -> "Fused | None":
        """None where a pass cannot do it."""
        orders = orders_of(program, group, steps)
        if orders is None or kernel() is None:
            return None
        tables = frozenset(
            program.values[each].inputs[1]
            for each in group.members
            if program.values[each].opcode is Opcode.TABLE
        )
        read = {
            source
            for each in group.members
            for source in program.values[each].inputs[
                : 1 if program.values[each].opcode is Opcode.TABLE else 3
            ]
        }
        if tables & read:
            return None
        return cls(group, _Orders.of(orders), program.values[group.members[0]].shape, tables)

    def run(self, alive: Mapping[int, Tensor]) -> list[Tensor] | None:
        """The results; None where its sources lie in too many ways at once."""
        compiled = kernel()
        sources = [alive[each] for each in self.group.sources]
        key = tuple((each.shape[0], each.stride()) for each in sources)
        if key not in self._layouts:
            if len(self._layouts) >= MOST_LAYOUTS:
                self._layouts.clear()
            self._layouts[key] = self._layout(sources)
        layout = self._layouts[key]
        if layout is None or compiled is None:
            return None
        size = (layout.samples, *self.shape)
        results = [torch.empty(size, dtype=torch.float64) for _ in self.group.results]
        _pass_over(compiled, self.orders, layout, [each.data_ptr() for each in (*sources, *results)])
        return results

    def _layout(self, sources: Sequence[Tensor]) -> _Layout | None:
        if any(
            not each.is_contiguous() or each.shape[0] > 1
            for place, each in zip(self.group.sources, sources, strict=True)
            if place in self.tables
        ):
            return None
        samples = max(
            each.shape[0]
            for place, each in zip(self.group.sources, sources, strict=True)
            if place not in self.tables
        )
        sizes = (samples, *self.shape)
        steps = [
            (0,) * len(sizes) if place in self.tables else _broadcast(each, sizes)
            for place, each in zip(self.group.sources, sources, strict=True)
        ]
        return _layout(sizes, [*steps, *[_contiguous(sizes)] * len(self.group.results)])


def laid_out(x: Tensor) -> Tensor:
    """The same elements, neighbours in memory as they are in the tensor."""
    if x.is_contiguous():
        return x
    result = torch.empty(x.shape, dtype=x.dtype)
    copy_into(result, x)
    return result


def copy_into(result: Tensor, x: Tensor) -> None:
    """Copies elements into a tensor of the same shape, which may be a part of another one."""
    compiled = kernel() if x.dtype == torch.float64 else None
    layout = None if compiled is None else _layout(x.shape, [x.stride(), result.stride()])
    if compiled is None or layout is None:
        result.copy_(x)
    elif x.numel():
        _pass_over(compiled, _COPY, layout, [x.data_ptr(), result.data_ptr()])


def folded(x: Tensor, axes: range, order: Order, last: Mapping[str, float]) -> Tensor | None:
    """Elements along some axes put together, first to last, in one pass over all others.

    Args:
        x: Of float64.
        axes: Neighbouring axes.
        order: SUM, of elements whose sums are exact, or GREATER.
        last: What the last order is told, beside places.

    Returns:
        x without these axes; None where no pass does it.
    """
    compiled = kernel()
    away = np.zeros(1, dtype=np.int64)
    for axis in axes:
        away = np.add.outer(away, np.arange(x.shape[axis]) * x.stride(axis)).ravel()
    kept = [each for each in range(x.ndim) if each not in axes]
    sizes = [x.shape[each] for each in kept]
    steps = [x.stride(each) for each in kept]
    layout = _layout(sizes, [*[steps] * len(away), _contiguous(sizes)])
    if compiled is None or layout is None or len(away) < 2:
        return None
    result = torch.empty(sizes, dtype=torch.float64)
    orders = _fold_orders(len(away), order, tuple(last.items()))
    _pass_over(compiled, orders, layout, [*(x.data_ptr() + 8 * away).tolist(), result.data_ptr()])
    return result


@lru_cache(maxsize=KEPT_FOLDS)
def _fold_orders(count: int, order: Order, last: Sequence[tuple[str, float]]) -> _Orders:
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
    return _Orders.of(table)


def _copy_orders() -> _Orders:
    table = np.zeros(2, dtype=ORDER)
    table["order"], table["array"] = (Order.LOAD, Order.STORE), (0, 1)
    return _Orders.of(table)


_COPY: Final = _copy_orders()


def address_of(array: NDArray[Any]) -> int:
    """Of its elements; a third of the time that `ctypes` takes for it."""
    address: int = array.__array_interface__["data"][0]
    return address


def _pass_over(compiled: Kernel, orders: _Orders, layout: _Layout, addresses: Sequence[int]) -> None:
    arrays = layout.arrays.copy()
    arrays[:, 0] = addresses
    *outer, width = layout.sizes
    stretches = -(-width // STRETCH)
    told = Pass(orders.address, len(orders.table), address_of(arrays), width, stretches, *outer)
    count, most = prod(outer) * stretches, prod(layout.sizes) * len(orders.table) // PART_WORK
    in_parts(lambda start, stop: compiled(told, start, stop), count, most, torch.get_num_threads())


def _broadcast(x: Tensor, sizes: Sequence[int]) -> Steps:
    """The steps of a tensor (N or 1, *shape) that is broadcast from the right, behind the samples."""
    behind = [0] * (len(sizes) - x.ndim) + [
        0 if size == 1 else step for size, step in zip(x.shape[1:], x.stride()[1:], strict=True)
    ]
    return (0 if x.shape[0] == 1 else x.stride(0), *behind)


def _contiguous(sizes: Sequence[int]) -> Steps:
    return tuple(prod(sizes[place + 1 :]) for place in range(len(sizes)))


def _layout(sizes: Sequence[int], steps: Sequence[Sequence[int]]) -> _Layout | None:
    """As few dimensions as can be; None where that is too many."""
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
    kept = [(1, (0,) * len(steps))] * (DIMS - len(kept)) + kept
    arrays = np.zeros((len(steps), 1 + DIMS), dtype=np.int64)
    arrays[:, 1:] = np.array([own for _, own in kept], dtype=np.int64).T
    return _Layout(sizes[0], arrays, tuple(size for size, _ in kept))
