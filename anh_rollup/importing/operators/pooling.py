"""Poolings, and resizing."""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.operators.windows import Geometry, geometry
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
    padded = c.reals.padded(x, margins, fill)
    return c.reals.windows(padded, g.kernel, g.strides, g.dilations), g, sizes


def _rounded_up(size: int, g: Geometry, at: int) -> int:
    whole = size + g.before[at] + g.after[at]
    count = -(-(whole - g.reach(at)) // g.strides[at]) + 1
    # A window that starts in the margin behind the input is left out.
    return count - 1 if (count - 1) * g.strides[at] >= size + g.before[at] else count


def max_pool(c: Context) -> Operand:
    """The largest element of each window; margins never win."""
    if len(c.node.output) > 1 and c.node.output[1]:
        raise c.refuse("indices of the maxima")
    if c.tensor(0).rank < 3:
        raise c.refuse("no dimension to pool")
    windows, g, _ = _pooled(c, -np.inf)
    axes = list(range(windows.rank - len(g.kernel), windows.rank))
    return c.reals.reduced(Operation.LARGEST, windows, axes, keeps=False)


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


def resize(c: Context) -> Operand:
    """Nearest or linear resizing, as a gather or two along each axis."""
    x = c.tensor(0)
    axes = c.attribute("axes", list[int]()) or list(range(x.rank))
    mode = c.attribute("mode", "nearest")
    if mode not in ("nearest", "linear") or c.attribute("antialias", 0):
        raise c.refuse(f"mode {mode!r}, or with antialias")
    scales, sizes = _targets(c, x, axes)
    for axis, scale, size in zip(axes, scales, sizes, strict=True):
        at = c.placed(axis, x.rank)
        if size != x.shape[at] or scale != 1:
            weights = _axis_weights(c, mode, x.shape[at], size, scale)
            x = _resampled(c, x, at, weights)
    return x


def _targets(c: Context, x: Tensor, axes: Sequence[int]) -> tuple[list[float], list[int]]:
    own = [x.shape[axis] for axis in axes]
    place = 1 if c.opset < 11 else 2
    scales = c.optional(place, "scales")
    if c.opset < 9:
        scales = np.array(c.attribute("scales", list[float]()))
    if scales is not None and scales.size:
        ratios = [float(each) for each in scales.reshape(-1)]
        return ratios, [int(np.floor(size * ratio)) for size, ratio in zip(own, ratios, strict=True)]
    sizes = c.integers(3, "sizes")
    if c.attribute("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise c.refuse("a policy that keeps the aspect ratio")
    return [after / before for before, after in zip(own, sizes, strict=True)], sizes


def _axis_weights(c: Context, mode: str, before: int, after: int, scale: float) -> NDArray[Any]:
    """How much of each place of the input is in each place of the output: (after, before)."""
    kind = c.attribute("coordinate_transformation_mode", "half_pixel" if c.opset >= 11 else "asymmetric")
    at = np.arange(after, dtype=np.float64)
    rules = {
        "half_pixel": lambda: (at + 0.5) / scale - 0.5,
        "pytorch_half_pixel": lambda: (at + 0.5) / scale - 0.5 if after > 1 else at * 0,
        "align_corners": lambda: at * (before - 1) / (scale * before - 1) if after > 1 else at * 0,
        "asymmetric": lambda: at / scale,
        "half_pixel_symmetric": lambda: (
            before / 2 * (1 - after / (scale * before)) + (at + 0.5) / scale - 0.5
        ),
    }
    if kind not in rules:
        raise c.refuse(f"coordinates {kind!r}")
    real = rules[kind]()
    weights = np.zeros((after, before))
    if mode == "linear":
        low = np.floor(real)
        for offset, share in ((0, 1 - (real - low)), (1, real - low)):
            np.add.at(weights, (at.astype(int), np.clip(low + offset, 0, before - 1).astype(int)), share)
        return weights
    rounding = c.attribute("nearest_mode", "round_prefer_floor" if c.opset >= 11 else "floor")
    near = {
        "round_prefer_floor": lambda: np.ceil(real - 0.5), "round_prefer_ceil": lambda: np.floor(real + 0.5),
        "floor": lambda: np.floor(real), "ceil": lambda: np.ceil(real),
    }  # fmt: skip
    if rounding not in near:
        raise c.refuse(f"rounding {rounding!r}")
    weights[at.astype(int), np.clip(near[rounding](), 0, before - 1).astype(int)] = 1
    return weights


def _resampled(c: Context, x: Tensor, axis: int, weights: NDArray[Any]) -> Tensor:
    """Sums of places of an axis with these weights: one for each of an output's nonzero weights."""
    after = len(weights)
    order = np.argsort(weights == 0, axis=1, kind="stable")
    result: Tensor | None = None
    shape = [after if at == axis else 1 for at in range(x.rank)]
    for rank in range(int((weights != 0).sum(1).max())):
        places = np.asarray(order[:, rank], np.int64)
        share = weights[np.arange(after), places]
        taken = c.reals.gathered(x, places, axis)
        part = taken if (share == 1).all() else c.reals.times(taken, share.reshape(shape))
        result = part if result is None else c.reals.plus(result, part)
    if result is None:
        raise c.refuse("no output")
    return result


POOLING: Final[dict[str, Handler]] = {
    "MaxPool": max_pool,
    "AveragePool": average_pool,
    "LpPool": lp_pool,
    "GlobalMaxPool": global_pool("max"),
    "GlobalAveragePool": global_pool("mean"),
    "GlobalLpPool": global_pool("norm"),
    "Resize": resize,
    "Upsample": resize,
}
