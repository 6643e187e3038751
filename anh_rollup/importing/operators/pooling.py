"""Poolings."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.operators.windows import Geometry, check_padded, geometry
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.importing.record import Operation


def _pooled(c: Context, fill: float) -> tuple[Tensor, Geometry, list[int]]:
    """All windows of the input, how they lie, and how many there are along each dimension."""
    x = c.tensor(0)
    places = x.shape[2:]
    g = geometry(c, places, c.attribute("kernel_shape", list[int]()))
    sizes = g.sizes(places)
    if c.attribute("ceil_mode", 0):
        sizes = [_rounded_up(size, g, at) for at, size in enumerate(places)]
    if min(sizes) < 1:
        raise c.refuse("the kernel is larger than the input")
    margins = [(0, 0), (0, 0)]
    for at, size in enumerate(places):
        needed = (sizes[at] - 1) * g.strides[at] + g.reach(at)
        margins.append((g.before[at], needed - size - g.before[at]))
    wide = [a + size + b for size, (a, b) in zip(x.shape, margins, strict=True)]
    check_padded(c, wide, x.shape, (*x.shape[:2], *sizes))
    padded = c.padded(x, margins, fill)
    return c.reals.windows(padded, g.kernel, g.strides, g.dilations), g, sizes


def _rounded_up(size: int, g: Geometry, at: int) -> int:
    whole = size + g.before[at] + g.after[at]
    count = -(-(whole - g.reach(at)) // g.strides[at]) + 1
    # A window that starts in the margin behind the input is left out.
    return count - 1 if (count - 1) * g.strides[at] >= size + g.before[at] else count


def max_pool(c: Context) -> tuple[Operand, ...]:
    """The largest element of each window, and where asked its place; margins never win."""
    if c.tensor(0).rank < 3:
        raise c.refuse("no dimension to pool")
    windows, g, sizes = _pooled(c, -np.inf)
    axes = list(range(windows.rank - len(g.kernel), windows.rank))
    largest = c.reals.reduced(Operation.LARGEST, windows, axes, keeps=False)
    if len(c.node.output) < 2 or not c.node.output[1]:
        return (largest,)
    # The first of equals is the one that ONNX takes, too; taps outside are never the first largest.
    tap = c.reals.reduced(Operation.ARGMAX, windows, axes, keeps=False)
    places = _places(c, g, sizes).reshape(-1, int(np.prod(g.kernel)))
    own = np.arange(len(places)).reshape(largest.shape) * places.shape[1]
    return largest, c.reals.gathered(places.reshape(-1), c.reals.plus(tap, own), 0)


def _places(c: Context, g: Geometry, sizes: Sequence[int]) -> NDArray[Any]:
    """For each window and tap the place in the whole input (samples, channels, windows..., kernel...)."""
    x, rank = c.tensor(0), len(sizes)
    is_column = c.attribute("storage_order", 0)
    strides = [int(np.prod(x.shape[2 + at + 1 :])) for at in range(rank)]
    if is_column:
        strides = [int(np.prod(x.shape[2 : 2 + at])) for at in range(rank)]
    c.bound(*x.shape[:2], *sizes, *g.kernel)
    total = np.arange(int(np.prod(x.shape[:2]))).reshape(*x.shape[:2], *(1,) * (2 * rank))
    total = total * int(np.prod(x.shape[2:]))
    for at, size in enumerate(sizes):
        taps = (
            np.arange(size)[:, None] * g.strides[at]
            - g.before[at]
            + np.arange(g.kernel[at]) * g.dilations[at]
        )
        shape = [1] * (2 + 2 * rank)
        shape[2 + at], shape[2 + rank + at] = taps.shape
        total = total + np.clip(taps, 0, x.shape[2 + at] - 1).reshape(shape) * strides[at]
    return np.asarray(total)


def average_pool(c: Context) -> Operand:
    """The mean of each window; of its elements inside the input, or of all."""
    x = c.tensor(0)
    windows, g, sizes = _pooled(c, 0.0)
    axes = list(range(windows.rank - len(g.kernel), windows.rank))
    counts = _counts(x.shape[2:], g, sizes, inside=not c.attribute("count_include_pad", 0))
    if (counts == counts.reshape(-1)[0]).all():
        return c.reals.reduced(
            Operation.SUM, windows, axes, keeps=False, factor=1 / float(counts.reshape(-1)[0])
        )
    return c.reals.times(c.reals.reduced(Operation.SUM, windows, axes, keeps=False), 1 / counts)


def _counts(places: Sequence[int], g: Geometry, sizes: Sequence[int], *, inside: bool) -> NDArray[Any]:
    """How many elements each window's mean is over."""
    result = np.ones(())
    for at, size in enumerate(places):
        starts = np.arange(sizes[at])[:, None] * g.strides[at] - g.before[at]
        taps = starts + np.arange(g.kernel[at]) * g.dilations[at]
        if inside:
            low, high = 0, size
        else:
            low, high = -g.before[at], size + g.after[at]
        result = result[..., None] * ((taps >= low) & (taps < high)).sum(1)
    return result


def lp_pool(c: Context) -> Operand:
    """The root of the sum of squares of each window, or the sum of magnitudes."""
    p = c.attribute("p", 2)
    windows, g, _ = _pooled(c, 0.0)
    axes = list(range(windows.rank - len(g.kernel), windows.rank))
    return norm(c, windows, axes, p, keeps=False)


def norm(c: Context, x: Tensor, axes: Sequence[int], p: int, *, keeps: bool) -> Tensor:
    """The 1-norm or 2-norm over axes."""
    if p == 1:
        magnitudes = c.reals.elementwise(Operation.ABS, [x], x.dtype)
        return c.reals.reduced(Operation.SUM, magnitudes, axes, keeps=keeps)
    if p != 2:
        raise c.refuse(f"a {p}-norm")
    total = c.reals.reduced(Operation.SUM, c.reals.times(x, x), axes, keeps=keeps)
    return c.reals.elementwise(Operation.SQRT, [total], x.dtype)


def global_pool(operation: str) -> Handler:
    """A handler of a pooling over all places."""

    def handle(c: Context) -> Operand:
        x = c.tensor(0)
        axes = list(range(2, x.rank))
        if operation == "max":
            return c.reals.reduced(Operation.LARGEST, x, axes, keeps=True)
        if operation == "norm":
            return norm(c, x, axes, c.attribute("p", 2), keeps=True)
        return c.reals.mean(x, axes, keeps=True)

    return handle


POOLING: Final[dict[str, Handler]] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalMaxPool": global_pool("max"),
    "GlobalAveragePool": global_pool("mean"),
    "GlobalLpPool": global_pool("norm"),
}
