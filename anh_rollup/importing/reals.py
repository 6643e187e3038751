"""Real tensors as the graph sees them, over nodes that may hold their axes in another order.

CONV is channels-last and ONNX is not, and ONNX puts dimensions of 1 wherever it likes. So a `Tensor` says
which of its axes lie where: transposing it, and adding or removing dimensions of 1, moves nothing; an
element-wise operation runs in whatever order its operands have. Elements move, in one VIEW, only where an
operation needs another order than the one they have.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import Any

import numpy as np
from numpy.typing import DTypeLike, NDArray

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.record import Field, Function, Operation
from anh_rollup.importing.recorder import Recorder
from anh_rollup.importing.views import View
from anh_rollup.tensor.building.movement import row_major
from anh_rollup.tensor.opcodes import MOST_INPUTS, Relation
from anh_rollup.tensor.shapes import window_count

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Tensor:
    """A value that depends on the input.

    Attributes:
        place: The node that holds its elements.
        shape: Its dimensions in the graph.
        order: Its axes of more than one element, in the order in which the node holds them.
        dtype: Its type in the graph.
    """

    place: int
    shape: Shape
    order: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def rank(self) -> int:
        """Number of dimensions in the graph."""
        return len(self.shape)

    @property
    def is_whole(self) -> bool:
        """Whether it holds integers or truth values."""
        return self.dtype.kind in "iub"


Operand = Tensor | Array


def axes_of(shape: Shape) -> tuple[int, ...]:
    """The axes of more than one element, in order."""
    return tuple(axis for axis, size in enumerate(shape) if size > 1)


class Layout(Recorder):
    """Tensors in and out of nodes."""

    def input(self, field: Field, dtype: DTypeLike) -> Tensor:
        """Adds the next input of the network."""
        node = self.field(field)
        place = self.reshape(node, tuple(size for size in field.shape if size > 1))
        return Tensor(place, field.shape, axes_of(field.shape), np.dtype(dtype))

    def arranged(self, x: Operand, groups: Sequence[Sequence[int]]) -> int:
        """A node that holds x with these axes as its dimensions; axes of a group become one dimension.

        Args:
            x: The tensor or known array.
            groups: Axes of x, each once; those of one element may be left out.
        """
        shape = tuple(prod(x.shape[axis] for axis in group) for group in groups)
        flat = [axis for group in groups for axis in group]
        if not isinstance(x, Tensor):
            left = [axis for axis in range(x.ndim) if axis not in flat]
            return self.constant(np.transpose(x, [*left, *flat]).reshape(shape))
        wanted = tuple(axis for axis in flat if x.shape[axis] > 1)
        if wanted == x.order:
            return self.reshape(x.place, shape)
        return self.transpose(x.place, [x.order.index(axis) for axis in wanted], shape)

    def placed(self, node: int, groups: Sequence[Sequence[int]], shape: Shape, dtype: DTypeLike) -> Tensor:
        """The tensor of this shape whose axes a node's dimensions are, group by group."""
        order = tuple(axis for group in groups for axis in group if shape[axis] > 1)
        place = self.reshape(node, tuple(shape[axis] for axis in order))
        return Tensor(place, tuple(shape), order, np.dtype(dtype))

    def in_order(self, x: Operand) -> int:
        """A node that holds x as the graph sees it."""
        shape = x.shape
        return self.arranged(x, [[axis] for axis in range(len(shape))])

    def as_tensor(self, x: Operand) -> Tensor:
        """A known array as a tensor."""
        if isinstance(x, Tensor):
            return x
        order = axes_of(x.shape)
        place = self.constant(x.reshape([x.shape[axis] for axis in order]))
        return Tensor(place, x.shape, order, x.dtype)

    def known(self, x: Operand) -> Operand:
        """The array that a tensor is, where its node is a constant."""
        if not isinstance(x, Tensor) or self.node(x.place).array is None:
            return x
        held = np.asarray(self.node(x.place).array).reshape([x.shape[axis] for axis in x.order])
        inverse = sorted(range(len(x.order)), key=lambda place: x.order[place])
        return np.transpose(held, inverse).reshape(x.shape).astype(x.dtype, copy=False)

    def transposed(self, x: Tensor, axes: Sequence[int]) -> Tensor:
        """The axes in another order; nothing moves."""
        new = {old: place for place, old in enumerate(axes)}
        return replace(
            x, shape=tuple(x.shape[axis] for axis in axes), order=tuple(new[axis] for axis in x.order)
        )

    def reshaped(self, x: Tensor, shape: Shape) -> Tensor:
        """The same elements in another shape; nothing moves where only dimensions of 1 come and go."""
        shape = tuple(shape)
        order = _order_after(x, shape)
        if order is None:
            node = self.arranged(x, [[axis] for axis in axes_of(x.shape)])
            order = axes_of(shape)
        else:
            node = x.place
        place = self.reshape(node, tuple(shape[axis] for axis in order))
        return replace(x, place=place, shape=shape, order=order)

    def cast(self, x: Tensor, dtype: DTypeLike) -> Tensor:
        """The same numbers by the name of another type."""
        return replace(x, dtype=np.dtype(dtype))


def _order_after(x: Tensor, shape: Shape) -> tuple[int, ...] | None:
    """The order of x's axes in a new shape, where no element has to move; None where some must.

    Axes are cut into runs that have as many elements before as after; each must lie together, in order.
    """
    order: list[int] = []
    left = list(x.order)
    runs = {before[0]: (before, after) for before, after in _runs(x.shape, shape) if before}
    while left:
        if left[0] not in runs:
            return None
        before, after = runs[left[0]]
        if left[: len(before)] != before:
            return None
        order += after
        left = left[len(before) :]
    return tuple(order)


def _runs(before: Shape, after: Shape) -> list[tuple[list[int], list[int]]]:
    """Axes of more than one element, before and after, in runs of equally many elements."""
    result: list[tuple[list[int], list[int]]] = []
    old, new = list(axes_of(before)), list(axes_of(after))
    while old:
        first, second = [old.pop(0)], [new.pop(0)]
        a, b = before[first[0]], after[second[0]]
        while a != b:
            if a < b:
                first.append(old.pop(0))
                a *= before[first[-1]]
            else:
                second.append(new.pop(0))
                b *= after[second[-1]]
        result.append((first, second))
    return result


class Arithmetic(Layout):
    """Element-wise operations; operands broadcast as numpy's do, and at least one is a tensor."""

    def elementwise(
        self, operation: Operation, operands: Sequence[Operand], dtype: DTypeLike, **rest: Any
    ) -> Tensor:
        """An operation element by element, in the order that most of the elements have already."""
        shape = np.broadcast_shapes(*(each.shape for each in operands))
        order = self._common_order(operands, shape)
        nodes = [self._stretched(each, shape, order) for each in operands]
        dtype = np.dtype(dtype)
        node = self.add(
            operation, tuple(shape[axis] for axis in order), nodes, is_whole=dtype.kind in "iub", **rest
        )
        return Tensor(node, shape, order, dtype)

    def _common_order(self, operands: Sequence[Operand], shape: Shape) -> tuple[int, ...]:
        tensors = [each for each in operands if isinstance(each, Tensor)]
        largest = max(tensors, key=lambda each: prod(each.shape))
        lead = len(shape) - largest.rank
        order = tuple(axis + lead for axis in largest.order)
        wanted = axes_of(shape)
        return order if set(order) == set(wanted) else wanted

    def _stretched(self, x: Operand, shape: Shape, order: Sequence[int]) -> int:
        """A node that broadcasts to the dimensions of `order`."""
        full = (1,) * (len(shape) - len(x.shape)) + x.shape
        x = self.reshaped(x, full) if isinstance(x, Tensor) else x.reshape(full)
        first = next((place for place, axis in enumerate(order) if full[axis] > 1), len(order))
        return self.arranged(x, [[axis] for axis in order[first:]])

    def function(self, x: Tensor, function: Function) -> Tensor:
        """A function of one number, element by element."""
        return self.elementwise(Operation.FUNCTION, [x], x.dtype, function=function)

    def clamp(self, x: Tensor, low: float, high: float) -> Tensor:
        """Saturates x at these bounds."""
        return self.elementwise(Operation.CLAMP, [x], x.dtype, bounds=(low, high))

    def floor(self, x: Tensor) -> Tensor:
        """The largest integer not above, by the name of x's type."""
        node = self.add(Operation.FLOOR, self.shape(x.place), [x.place], is_whole=True)
        return replace(x, place=node)

    def compare(self, a: Operand, relation: Relation, b: Operand) -> Tensor:
        """Whether a relation holds."""
        return self.elementwise(Operation.COMPARE, [a, b], np.bool_, attributes=(int(relation),))

    def select(self, condition: Operand, a: Operand, b: Operand) -> Tensor:
        """Takes a where the condition holds, else b."""
        kinds = a.dtype if a.dtype == b.dtype else np.result_type(a.dtype, b.dtype)
        return self.elementwise(Operation.SELECT, [condition, a, b], kinds)

    def binary(self, operation: Operation, a: Operand, b: Operand) -> Tensor:
        """A sum, difference, product, quotient, minimum or maximum."""
        kinds = a.dtype if isinstance(a, Tensor) else b.dtype
        return self.elementwise(operation, [a, b], kinds)

    def plus(self, a: Operand, b: Operand | float) -> Tensor:
        """Sum a + b."""
        return self.binary(Operation.ADD, a, _known(b))

    def minus(self, a: Operand | float, b: Operand | float) -> Tensor:
        """Difference a - b."""
        return self.binary(Operation.SUB, _known(a), _known(b))

    def times(self, a: Operand, b: Operand | float) -> Tensor:
        """Product a * b."""
        return self.binary(Operation.MUL, a, _known(b))

    def over(self, a: Operand | float, b: Operand | float) -> Tensor:
        """Quotient a / b."""
        return self.binary(Operation.DIV, _known(a), _known(b))


def _known(operand: Operand | float) -> Operand:
    return np.asarray(operand) if isinstance(operand, (int, float)) else operand


class Movement(Arithmetic):
    """Operations that move elements."""

    def sliced(self, x: Tensor, ranges: Sequence[range]) -> Tensor:
        """Takes x at these places along each axis, with any step."""
        shape = tuple(len(each) for each in ranges)
        strides = row_major(self.shape(x.place))
        offset = sum(ranges[axis][0] * stride for axis, stride in zip(x.order, strides, strict=True))
        view = View(
            offset,
            tuple(shape[axis] for axis in x.order),
            tuple(ranges[axis].step * stride for axis, stride in zip(x.order, strides, strict=True)),
        )
        order = tuple(axis for axis in x.order if shape[axis] > 1)
        place = self.view(x.place, tuple(shape[axis] for axis in order), view)
        return replace(x, place=place, shape=shape, order=order)

    def expanded(self, x: Operand, shape: Shape) -> Tensor:
        """Stretches x to the shape that it and `shape` broadcast to."""
        x = self.as_tensor(x)
        wide = np.broadcast_shapes(x.shape, shape)
        lead = len(wide) - x.rank
        x = self.reshaped(x, (1,) * lead + x.shape)
        if wide == x.shape:
            return x
        order = axes_of(wide)
        held = tuple(axis for axis in order if axis in x.order)
        node = self.arranged(x, [[axis] for axis in held])
        strides = dict(zip(held, row_major(self.shape(node)), strict=True))
        sizes = tuple(wide[axis] for axis in order)
        view = View(0, sizes, tuple(strides.get(axis, 0) for axis in order))
        return replace(x, place=self.view(node, sizes, view), shape=wide, order=order)

    def tiled(self, x: Tensor, repeats: Sequence[int]) -> Tensor:
        """Repeats x so many times along each axis."""
        split = [size for count, own in zip(repeats, x.shape, strict=True) for size in (1, own)]
        wide = [size for count, own in zip(repeats, x.shape, strict=True) for size in (count, own)]
        whole = tuple(count * own for count, own in zip(repeats, x.shape, strict=True))
        return self.reshaped(self.expanded(self.reshaped(x, tuple(split)), tuple(wide)), whole)

    def padded(self, x: Tensor, margins: Sequence[tuple[int, int]], fill: float) -> Tensor:
        """Puts (before, after) elements around x on each axis; negative margins cut."""
        shape = tuple(a + size + b for size, (a, b) in zip(x.shape, margins, strict=True))
        if shape == x.shape and not any(a for a, _ in margins):
            return x
        grown = [axis for axis in range(x.rank) if x.shape[axis] == 1 and margins[axis] != (0, 0)]
        order = [*x.order, *grown]
        if tuple(sorted(x.order)) == x.order:
            order.sort()
        node = self.arranged(x, [[axis] for axis in order])
        padded = self.add(
            Operation.PAD, tuple(shape[axis] for axis in order), [node],
            attributes=tuple(margins[axis][0] for axis in order), bounds=(fill, fill),
            is_whole=self.node(node).is_whole and float(fill).is_integer(),
        )  # fmt: skip
        return self.placed(padded, [[axis] for axis in order], shape, x.dtype)

    def joined(self, parts: Sequence[Operand], axis: int) -> Tensor:
        """Tensors one after the other along an axis."""
        largest = max((self.as_tensor(each) for each in parts), key=lambda each: prod(each.shape))
        order = list(largest.order)
        if axis not in order:
            order.append(axis)
            if largest.order == tuple(sorted(largest.order)):
                order.sort()
        nodes = [self.arranged(each, [[one] for one in order]) for each in parts]
        while len(nodes) > 1:
            nodes = [
                self._joined(nodes[at : at + MOST_INPUTS], order.index(axis))
                for at in range(0, len(nodes), MOST_INPUTS)
            ]
        total = sum(each.shape[axis] for each in parts)
        shape = (*largest.shape[:axis], total, *largest.shape[axis + 1 :])
        return self.placed(nodes[0], [[one] for one in order], shape, largest.dtype)

    def _joined(self, nodes: Sequence[int], axis: int) -> int:
        if len(nodes) == 1:
            return nodes[0]
        first = self.shape(nodes[0])
        total = sum(self.shape(node)[axis] for node in nodes)
        whole = all(self.node(node).is_whole for node in nodes)
        shape = (*first[:axis], total, *first[axis + 1 :])
        return self.add(Operation.CONCAT, shape, nodes, attributes=(axis,), is_whole=whole)

    def gathered(self, x: Operand, indices: Operand, axis: int) -> Tensor:
        """Takes x at these indices of an axis; they are inside already."""
        rows, places = self.in_order(x), self.in_order(indices)
        shape = (*x.shape[:axis], *indices.shape, *x.shape[axis + 1 :])
        whole = self.node(rows).is_whole
        node = self.add(Operation.GATHER, shape, [rows, places], attributes=(axis,), is_whole=whole)
        return self.placed(node, [[one] for one in range(len(shape))], shape, x.dtype)


class Folding(Movement):
    """Reductions and sums of products."""

    def reduced(
        self, operation: Operation, x: Tensor, axes: Sequence[int], *, keeps: bool, factor: float = 1.0
    ) -> Tensor:
        """A sum, maximum or place of the maximum over axes.

        Args:
            operation: SUM, LARGEST or ARGMAX.
            x: The input.
            axes: The axes that go.
            keeps: Whether dimensions of 1 stay in their place.
            factor: What a sum is multiplied by.
        """
        gone = [axis for axis in x.order if axis in axes]
        kept = [axis for axis in x.order if axis not in axes]
        first = x.order.index(gone[0]) if gone else 0
        before, after = kept[:first], kept[first:]
        order = [*before, *(sorted(gone) if operation is Operation.ARGMAX else gone), *after]
        node = self.arranged(
            x, [[axis] for axis in order] if gone else [[axis] for axis in (*order, *axes[:1])]
        )
        count = max(1, len(gone))
        whole = operation is Operation.ARGMAX or (self.node(node).is_whole and factor == 1)
        folded = self.add(
            operation, tuple(x.shape[axis] for axis in kept), [node],
            attributes=(len(before) if gone else len(kept), count), factor=factor, is_whole=whole,
        )  # fmt: skip
        full = tuple(1 if axis in axes else size for axis, size in enumerate(x.shape))
        dtype = np.dtype(np.int64) if operation is Operation.ARGMAX else x.dtype
        result = Tensor(folded, full, tuple(kept), dtype)
        shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
        return result if keeps else self.reshaped(result, shape)

    def mean(self, x: Tensor, axes: Sequence[int], *, keeps: bool) -> Tensor:
        """The mean over axes."""
        terms = prod(x.shape[axis] for axis in axes)
        return self.reduced(Operation.SUM, x, axes, keeps=keeps, factor=1 / terms)

    def linear(self, x: Tensor, w: Operand, bias: Array | None = None) -> Tensor:
        """Sums of products over the last axis of x (P..., K) and of w (N, K), plus bias (N,)."""
        last = x.rank - 1
        lead = [axis for axis in x.order if axis != last]
        node = self.arranged(x, [[axis] for axis in (*lead, last)])
        weight = self.in_order(w)
        inputs = [node, weight] + ([] if bias is None else [self.constant(bias)])
        outputs = w.shape[0]
        result = self.add(
            Operation.MATMUL,
            (*(x.shape[axis] for axis in lead), outputs),
            inputs,
            is_whole=self._whole(inputs),
        )
        shape = (*x.shape[:-1], outputs)
        return self.placed(result, [[axis] for axis in (*lead, last)], shape, x.dtype)

    def matmul(self, a: Operand, b: Operand) -> Tensor:
        """Products a (B..., M, K) by b (B..., K, N); leading axes broadcast."""
        batch = np.broadcast_shapes(a.shape[:-2], b.shape[:-2])
        rank, dtype = len(batch) + 2, a.dtype if isinstance(a, Tensor) else b.dtype
        lead, shape = list(range(rank - 2)), (*batch, a.shape[-2], b.shape[-1])
        if prod(b.shape[:-2]) == 1 and isinstance(a, Tensor):
            turned = self._turned(b, b.shape[-1], b.shape[-2])
            return self.reshaped(self.linear(a, turned), shape)
        groups = [lead, [rank - 2], [rank - 1]] if prod(batch) > 1 else [[rank - 2], [rank - 1]]
        turned_groups = [*groups[:-2], groups[-1], groups[-2]]
        x = self.arranged(self.expanded(a, (*batch, *a.shape[-2:])), groups)
        w = self.arranged(self.expanded(b, (*batch, *b.shape[-2:])), turned_groups)
        sizes = tuple(prod(shape[axis] for axis in group) for group in groups)
        node = self.add(Operation.MATMUL, sizes, [x, w], is_whole=self._whole([x, w]))
        return self.placed(node, groups, shape, dtype)

    def _turned(self, b: Operand, outputs: int, terms: int) -> Operand:
        if isinstance(b, Tensor):
            return self.transposed(self.reshaped(b, (terms, outputs)), (1, 0))
        return b.reshape(terms, outputs).T

    def convolved(self, x: Tensor, w: Array, bias: Array | None, geometry: Sequence[int]) -> Tensor:
        """Convolves x (1, C, H, W) or (1, C, L) with w (O, C/groups, kernel...); `geometry` is CONV's."""
        spatial = list(range(2, x.rank))
        node = self.arranged(x, [[axis] for axis in (*spatial, 1)])
        inputs = [node, self.constant(np.moveaxis(w, 1, -1))]
        inputs += [] if bias is None else [self.constant(bias)]
        top, left, bottom, right = geometry[2:6]
        strides, dilations = geometry[:2][-len(spatial) :], geometry[6:8][-len(spatial) :]
        margins = ((top + bottom), (left + right))[-len(spatial) :]
        sizes = [
            window_count(x.shape[axis] + margin, kernel, stride, dilation)
            for axis, margin, dilation, kernel, stride in zip(
                spatial, margins, dilations, w.shape[2:], strides, strict=True
            )
        ]
        result = self.add(
            Operation.CONV,
            (*sizes, w.shape[0]),
            inputs,
            attributes=tuple(geometry),
            is_whole=self._whole(inputs),
        )
        return self.placed(result, [[axis] for axis in (*spatial, 1)], (1, w.shape[0], *sizes), x.dtype)

    def windows(
        self, x: Tensor, kernel: Sequence[int], strides: Sequence[int], dilations: Sequence[int]
    ) -> Tensor:
        """All windows of x over its last axes: (..., places..., kernel...)."""
        lead = x.rank - len(kernel)
        spatial = list(range(lead, x.rank))
        outer = [axis for axis in x.order if axis < lead]
        sizes = [
            window_count(x.shape[axis], size, stride, dilation)
            for axis, size, stride, dilation in zip(spatial, kernel, strides, dilations, strict=True)
        ]
        is_last = bool(x.order) and x.order[-1] < lead
        order = [*spatial, *outer] if is_last else [*outer, *spatial]
        node = self.arranged(x, [[axis] for axis in order])
        apart = dict(zip(order, row_major(self.shape(node)), strict=True))
        shape = (*x.shape[:lead], *sizes, *kernel)
        count = len(kernel)
        wanted = (
            [*range(lead, lead + 2 * count), *outer] if is_last else [*outer, *range(lead, lead + 2 * count)]
        )
        steps = {axis: apart[axis] for axis in outer}
        for at, axis in enumerate(spatial):
            steps[lead + at] = apart[axis] * strides[at]
            steps[lead + count + at] = apart[axis] * dilations[at]
        dims = tuple(shape[axis] for axis in wanted)
        view = self.view(node, dims, View(0, dims, tuple(steps[axis] for axis in wanted)))
        return self.placed(view, [[axis] for axis in wanted], shape, x.dtype)

    def _whole(self, inputs: Sequence[int]) -> bool:
        return all(self.node(each).is_whole for each in inputs)
