"""Reductions, and what is made of them."""

from collections.abc import Callable
from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.operators.functions import FAR, LOG, logarithm
from anh_rollup.importing.operators.integers import divided
from anh_rollup.importing.operators.pooling import norm
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Function, Operation
from anh_rollup.tensor.opcodes import Relation

#: How a reduction folds these axes of a tensor; the last argument says whether dimensions of 1 stay.
Fold = Callable[[Context, Tensor, list[int], bool], Tensor]


def reduction(fold: Fold) -> Handler:
    """A handler of a reduction over axes that are an attribute or an input."""

    def handle(c: Context) -> Operand:
        x = c.tensor(0)
        if not (c.integers(1, "axes") if c.has(1) else c.attribute("axes", list[int]())):
            if c.attribute("noop_with_empty_axes", 0):
                return fold(c, x, [], True) if fold in (_log_sum, _square_sum, _one_norm, _two_norm) else x
            axes = list(range(x.rank))
        else:
            axes = c.axes(x.rank, 1, [])
        return fold(c, x, axes, bool(c.attribute("keepdims", 1)))

    return handle


def _sum(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    return c.reals.reduced(Operation.SUM, x, axes, keeps=keeps)


def _mean(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    if x.dtype.kind == "f":
        return c.reals.mean(x, axes, keeps=keeps)
    terms = np.asarray(np.prod([x.shape[axis] for axis in axes]), np.int64)
    return c.reals.cast(divided(c.reals, _sum(c, x, axes, keeps), terms), x.dtype)


def _max(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    return c.reals.reduced(Operation.LARGEST, x, axes, keeps=keeps)


def _min(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    turned = c.reals.minus(np.zeros((), x.dtype), x)
    largest = c.reals.reduced(Operation.LARGEST, turned, axes, keeps=keeps)
    return c.reals.cast(c.reals.minus(np.zeros((), x.dtype), largest), x.dtype)


def _product(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    """Products of halves with each other, until one is left along each axis."""
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    for axis in axes:
        while (size := x.shape[axis]) > 1:
            first, second, last = (
                [cut if at == axis else range(n) for at, n in enumerate(x.shape)]
                for cut in (range(size // 2), range(size // 2, size // 2 * 2), range(size // 2 * 2, size))
            )
            halves = c.reals.times(c.reals.sliced(x, first), c.reals.sliced(x, second))
            x = c.reals.joined([halves, c.reals.sliced(x, last)], axis) if size % 2 else halves
    return x if keeps else c.reals.reshaped(x, shape)


def _square_sum(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    square = c.reals.times(x, x)
    return c.reals.reduced(Operation.SUM, square, axes, keeps=keeps) if axes else square


def _one_norm(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    return norm(c, x, axes, 1, keeps=keeps)


def _two_norm(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    return norm(c, x, axes, 2, keeps=keeps)


def _log_sum(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    _refuse_integers(c, x)
    total = c.reals.reduced(Operation.SUM, x, axes, keeps=keeps) if axes else x
    return c.reals.function(total, LOG)


def _log_sum_exp(c: Context, x: Tensor, axes: list[int], keeps: bool) -> Tensor:
    _refuse_integers(c, x)
    largest, _, total = exponentials(c.reals, x, axes)
    result = c.reals.plus(c.reals.function(total, LOG_OF_SUM), largest)
    shape = tuple(size for axis, size in enumerate(x.shape) if axis not in axes)
    return result if keeps else c.reals.reshaped(result, shape)


def _refuse_integers(c: Context, x: Tensor) -> None:
    if x.dtype.kind != "f":
        raise c.refuse(f"a logarithm of {x.dtype} numbers, which implementations round differently")


#: The natural logarithm of sums that have e^0 among their terms.
LOG_OF_SUM: Final = Function("log", logarithm, (1.0, np.inf))


def exponentials(reals: Folding, x: Tensor, axes: list[int]) -> tuple[Tensor, Tensor, Tensor]:
    """The maximum m over axes, e^(x - m), and its sum over the axes."""
    largest = reals.reduced(Operation.LARGEST, x, axes, keeps=True)
    below = reals.clamp(reals.minus(x, largest), -FAR, 0.0)
    powers = reals.function(below, Function("exp", np.exp, (-FAR, 0.0)))
    return largest, powers, reals.reduced(Operation.SUM, powers, axes, keeps=True)


def softmax(c: Context) -> Operand:
    """e^x over its sum along an axis; before opset 13 along it and all behind it."""
    x, axes = _softmax_axes(c)
    return shares(c.reals, x, axes)


def shares(reals: Folding, x: Tensor, axes: list[int]) -> Tensor:
    """e^x over its sum over axes."""
    _, powers, total = exponentials(reals, x, axes)
    return reals.elementwise(Operation.DIV, [powers, total], x.dtype, bounds=(0.0, 1.0))


def log_softmax(c: Context) -> Operand:
    """The logarithm of softmax."""
    x, axes = _softmax_axes(c)
    largest, _, total = exponentials(c.reals, x, axes)
    return c.reals.minus(c.reals.minus(x, largest), c.reals.function(total, LOG_OF_SUM))


def hardmax(c: Context) -> Operand:
    """1 at the first maximum along an axis, 0 elsewhere."""
    x, axes = _softmax_axes(c)
    if len(axes) > 1 and any(x.shape[axis] > 1 for axis in axes[:-1]):
        raise c.refuse("several axes")
    place = c.reals.reduced(Operation.ARGMAX, x, axes, keeps=True)
    steps = np.arange(x.shape[axes[-1]]).reshape(
        [x.shape[axes[-1]] if at == axes[-1] else 1 for at in range(x.rank)]
    )
    return c.reals.cast(c.reals.compare(place, Relation.EQUAL, steps), x.dtype)


def _softmax_axes(c: Context) -> tuple[Tensor, list[int]]:
    x = c.tensor(0)
    if c.opset >= 13:
        return x, [c.axis(x.rank, -1)]
    return x, list(range(c.axis(x.rank, 1), x.rank))


def arg(operation: str) -> Handler:
    """A handler of ArgMax or ArgMin."""

    def handle(c: Context) -> Operand:
        x = c.tensor(0)
        axis, last = c.axis(x.rank, 0), c.attribute("select_last_index", 0)
        x = c.reals.minus(np.zeros((), x.dtype), x) if operation == "min" else x
        if last:
            turned = [range(n - 1, -1, -1) if at == axis else range(n) for at, n in enumerate(x.shape)]
            x = c.reals.sliced(x, turned)
        place = c.reals.reduced(Operation.ARGMAX, x, [axis], keeps=bool(c.attribute("keepdims", 1)))
        return c.reals.minus(np.asarray(x.shape[axis] - 1), place) if last else place

    return handle


def cumulative(c: Context) -> Operand:
    """Sums of all elements up to each, as a product with a triangle of ones."""
    x, axis = c.tensor(0), c.placed(c.integers(1, "axis")[0], c.tensor(0).rank)
    size = x.shape[axis]
    c.bound(size, size)
    kept = np.tri(size, k=-1 if c.attribute("exclusive", 0) else 0)
    kept = kept[::-1, ::-1] if c.attribute("reverse", 0) else kept
    order = [at for at in range(x.rank) if at != axis] + [axis]
    weights = np.ascontiguousarray(kept).astype(np.int64)
    sums = c.reals.linear(c.reals.transposed(x, order), weights)
    return c.reals.transposed(sums, [order.index(at) for at in range(x.rank)])


def cumulative_product(c: Context) -> Operand:
    """Products of all elements up to each: each step takes in twice as many as the one before."""
    x, axis = c.tensor(0), c.placed(c.integers(1, "axis")[0], c.tensor(0).rank)
    turned = [range(n - 1, -1, -1) if at == axis else range(n) for at, n in enumerate(x.shape)]
    x = c.reals.sliced(x, turned) if c.attribute("reverse", 0) else x
    x = _delayed(c, x, axis, 1) if c.attribute("exclusive", 0) else x
    step = 1
    while step < x.shape[axis]:
        x, step = c.reals.times(x, _delayed(c, x, axis, step)), 2 * step
    return c.reals.sliced(x, turned) if c.attribute("reverse", 0) else x


def _delayed(c: Context, x: Tensor, axis: int, step: int) -> Tensor:
    """X moved along an axis, with ones before it."""
    margins = [(0, 0)] * x.rank
    margins[axis] = (step, -step)
    return c.reals.padded(x, margins, 1.0)


def top_k(c: Context) -> tuple[Operand, ...]:
    """The k largest or smallest with their places, one after the other: each is found, then taken out."""
    x, k = c.tensor(0), c.attribute("k", 0) if c.opset < 10 else c.integers(1, "k")[0]
    axis = c.axis(x.rank, -1)
    if not 1 <= k <= min(x.shape[axis], MOST_RANKED):
        raise c.refuse(f"the first {k} of {x.shape[axis]}; 1 to {MOST_RANKED} are done")
    left = x if c.attribute("largest", 1) else c.reals.minus(np.zeros((), x.dtype), x)
    least = c.reals.minus(c.reals.minus(np.zeros((), x.dtype), c.reals.reduced(
        Operation.LARGEST, c.reals.minus(np.zeros((), x.dtype), left), [axis], keeps=True)), 1.0)  # fmt: skip
    steps = np.arange(x.shape[axis]).reshape([x.shape[axis] if at == axis else 1 for at in range(x.rank)])
    found, places = [], []
    for _ in range(k):
        place = c.reals.reduced(Operation.ARGMAX, left, [axis], keeps=True)
        found.append(c.reals.reduced(Operation.LARGEST, left, [axis], keeps=True))
        places.append(place)
        left = c.reals.select(c.reals.compare(place, Relation.EQUAL, steps), least, left)
    values = found[0] if k == 1 else c.reals.joined(found, axis)
    values = values if c.attribute("largest", 1) else c.reals.minus(np.zeros((), x.dtype), values)
    return c.reals.cast(values, x.dtype), places[0] if k == 1 else c.reals.joined(places, axis)


#: How many places TopK finds (choice): each takes five instructions over the whole tensor.
MOST_RANKED: Final = 64

REDUCTION: Final[dict[str, Handler]] = {
    "ReduceSum": reduction(_sum),
    "ReduceMean": reduction(_mean),
    "ReduceMax": reduction(_max),
    "ReduceMin": reduction(_min),
    "ReduceProd": reduction(_product),
    "ReduceSumSquare": reduction(_square_sum),
    "ReduceL1": reduction(_one_norm),
    "ReduceL2": reduction(_two_norm),
    "ReduceLogSum": reduction(_log_sum),
    "ReduceLogSumExp": reduction(_log_sum_exp),
    "Softmax": softmax,
    "LogSoftmax": log_softmax,
    "Hardmax": hardmax,
    "ArgMax": arg("max"),
    "ArgMin": arg("min"),
    "CumSum": cumulative,
    "CumProd": cumulative_product,
    "TopK": top_k,
}
