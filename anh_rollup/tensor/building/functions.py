"""Reductions, functions of one number by table, and the compositions that networks use most."""

import math
from collections.abc import Callable, Sequence
from typing import TypedDict, Unpack

import numpy as np

from anh_rollup.tensor.building.linear import Linear, Padding, Pair, pair, sides
from anh_rollup.tensor.building.node import Node
from anh_rollup.tensor.errors import AttributesRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import MOST_SCALING, Opcode, Reduction

Axes = int | Sequence[int] | None


class TableOptions(TypedDict, total=False):
    """How finely a function is tabulated.

    Attributes:
        span: The argument's interval, as real numbers; outside it the value at the nearer end counts.
        entries: At most so many entries; between two the table is a straight line.
        scale: Fraction bits of the result; those of x where not given.
    """

    span: tuple[float, float]
    entries: int
    scale: int | None


class SumOptions(TypedDict, total=False):
    """How a sum is rounded.

    Attributes:
        scale: Fraction bits of the result; those of x where not given.
        low, high: Bounds of the result, in integer units.
    """

    scale: int | None
    low: int | None
    high: int | None


class PoolOptions(TypedDict, total=False):
    """How pooling windows lie; pairs are (vertical, horizontal). The stride is the kernel where not given."""

    stride: Pair
    padding: Padding


class Functions(Linear):
    """sum, mean, max, argmax, tables, softmax, pooling."""

    def sum(self, x: Node, axes: Axes = None, **how: Unpack[SumOptions]) -> Node:
        """The exact sum over axes that stand side by side (all of them where none is given), then rounded."""
        wanted = how.get("scale")
        scale = x.scale if wanted is None else wanted
        return self._reduce(x, Reduction.SUM, axes, shift=x.scale - scale, how=how)

    def mean(self, x: Node, axes: Axes = None, *, scale: int | None = None) -> Node:
        """The mean over axes: the exact sum, shifted for a power of two, else by a 15-bit reciprocal."""
        wanted = x.scale if scale is None else scale
        first, count = self._axes(x, axes)
        terms = math.prod(x.shape[first : first + count])
        if terms & (terms - 1) == 0:
            # A sum with more fraction bits, read as what it is divided by: the same integers, another scale.
            shift = x.scale + terms.bit_length() - 1 - wanted
            return self._reduce(x, Reduction.SUM, axes, shift=shift, how={"scale": wanted})
        total = self.emit(
            Opcode.REDUCE, (x,), (Reduction.SUM, 0, first, count), scale=x.scale, saturate=False
        )
        return self.mul(total, 1 / terms, scale=wanted)

    def max(self, x: Node, axes: Axes = None) -> Node:
        """The largest element over axes."""
        return self._reduce(x, Reduction.MAX, axes)

    def argmax(self, x: Node, axes: Axes = -1) -> Node:
        """The place of the first largest element along the axes, row-major over several; scale 0."""
        return self._reduce(x, Reduction.ARGMAX, axes)

    def lookup(self, x: Node, table: Node, *, origin: int, step: int) -> Node:
        """The table at x, by straight lines: entry i stands at origin + i * 2^step, in integer units."""
        return self.emit(Opcode.TABLE, (x, table), (origin, step), scale=table.scale, saturate=False)

    def function(self, x: Node, f: Callable[[float], float], **how: Unpack[TableOptions]) -> Node:
        """Any function of one number, from a table that is made here and becomes part of the program.

        Raises:
            AttributesRefusedError: Where the span is empty or has fewer than two places.
        """
        low, high = how.get("span", (-8.0, 8.0))
        entries, wanted = how.get("entries", 1025), how.get("scale")
        origin, end = round(low * 2.0**x.scale), round(high * 2.0**x.scale)
        if end <= origin or entries < 2:
            raise AttributesRefusedError("function", f"span {(low, high)} and {entries} entries")
        step = max(0, math.ceil(math.log2((end - origin) / (entries - 1))))
        if step > MOST_SCALING:
            raise AttributesRefusedError("function", f"span {(low, high)} in steps of 2^{step}")
        places = origin + (np.arange(-(-(end - origin) // (1 << step)) + 1) << step)
        samples = np.array([f(float(place) * 2.0**-x.scale) for place in places])
        table = self.constant(samples, scale=x.scale if wanted is None else wanted)
        return self.lookup(x, table, origin=origin, step=step)

    def tanh(self, x: Node, **how: Unpack[TableOptions]) -> Node:
        """Hyperbolic tangent, flat outside [-8, 8] unless told."""
        return self.function(x, math.tanh, **how)

    def sigmoid(self, x: Node, **how: Unpack[TableOptions]) -> Node:
        """1 / (1 + e^-x), flat outside [-16, 16] unless told."""
        return self.function(x, _sigmoid, **_with_span(how, (-16.0, 16.0)))

    def exp(self, x: Node, **how: Unpack[TableOptions]) -> Node:
        """e^x, for arguments in [-16, 0] unless told, as a softmax needs it."""
        return self.function(x, math.exp, **_with_span(how, (-16.0, 0.0)))

    def log(self, x: Node, **how: Unpack[TableOptions]) -> Node:
        """The natural logarithm, for arguments in [1, 256] unless told."""
        return self.function(x, math.log, **_with_span(how, (1.0, 256.0)))

    def gelu(self, x: Node, **how: Unpack[TableOptions]) -> Node:
        """Gives x times the normal distribution's share below x: a ReLU and a table of the difference."""
        wanted = how.get("scale")
        scale = x.scale if wanted is None else wanted
        how["scale"] = scale
        return self.add(self.relu(x), self.function(x, _gelu_minus_relu, **how), scale=scale)

    def softmax(self, x: Node, *, scale: int = 16) -> Node:
        """Shares along the last axis: e^(x - max) over its sum, rounded down, with `scale` fraction bits."""
        powers = self.exp(self.sub(x, self._last_kept(self.max(x, -1))), scale=scale)
        total = self.sum(powers, -1, high=2**31 - 1)
        return self.div(powers, self._last_kept(total), scale=scale)

    def max_pool(self, x: Node, kernel: Pair, **how: Unpack[PoolOptions]) -> Node:
        """The largest element of each window of x (H,W,C); padding never wins."""
        return self._reduce(self._pooled(x, kernel, how, fill=x.interval.low), Reduction.MAX, (2, 3))

    def avg_pool(self, x: Node, kernel: Pair, **how: Unpack[PoolOptions]) -> Node:
        """The mean of each window of x (H,W,C); padding counts as zeros."""
        return self.mean(self._pooled(x, kernel, how, fill=0), (2, 3))

    def _pooled(self, x: Node, kernel: Pair, how: PoolOptions, fill: int) -> Node:
        top, left, bottom, right = sides(how.get("padding", 0))
        if top or left or bottom or right:
            x = self.pad(x, ((top, bottom), (left, right), (0, 0)), fill=fill)
        return self.windows(x, pair(kernel), pair(how.get("stride", kernel)))

    def _last_kept(self, x: Node) -> Node:
        return self.reshape(x, (*x.shape, 1))

    def _reduce(
        self, x: Node, kind: Reduction, axes: Axes, *, shift: int = 0, how: SumOptions | None = None
    ) -> Node:
        result = how or {}
        scale = result.get("scale")
        if scale is None:
            scale = 0 if kind is Reduction.ARGMAX else x.scale
        return self.emit(
            Opcode.REDUCE,
            (x,),
            (kind, shift, *self._axes(x, axes)),
            scale=scale,
            low=result.get("low"),
            high=result.get("high"),
            saturate=kind is Reduction.SUM,
        )

    def _axes(self, x: Node, axes: Axes) -> tuple[int, int]:
        """First axis and count of axes that stand side by side."""
        given = range(len(x.shape)) if axes is None else (axes,) if isinstance(axes, int) else axes
        order = sorted(x.axis(axis) for axis in given)
        if not order or order != list(range(order[0], order[0] + len(order))):
            raise ShapeRefusedError("REDUCE", f"axes {tuple(given)} of shape {x.shape} are not side by side")
        return order[0], len(order)


def _with_span(how: TableOptions, span: tuple[float, float]) -> TableOptions:
    return {"span": span, **how}


def _sigmoid(x: float) -> float:
    return 0.5 * (1.0 + math.tanh(0.5 * x))


def _gelu_minus_relu(x: float) -> float:
    return 0.5 * x * (1.0 + math.erf(x / math.sqrt(2.0))) - max(x, 0.0)
