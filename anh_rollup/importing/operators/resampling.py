"""Resizing and sampling at known places: sums of a few neighbours with known weights."""

from collections.abc import Sequence
from itertools import product
from math import ceil, floor
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.reals import Operand, Tensor

Reals = NDArray[Any]

#: What a cubic interpolation weighs its outer neighbours by, where nothing else is said (ONNX).
CUBIC: Final = -0.75


def cubic(distance: Reals, a: float = CUBIC) -> Reals:
    """The weight of a neighbour at a distance, by cubic convolution."""
    x = np.abs(distance)
    near = ((a + 2) * x - (a + 3)) * x * x + 1
    far = ((a * x - 5 * a) * x + 8 * a) * x - 4 * a
    return np.asarray(np.where(x <= 1, near, np.where(x < 2, far, 0.0)))


def linear(distance: Reals) -> Reals:
    """The weight of a neighbour at a distance, by straight lines."""
    return np.asarray(np.maximum(1 - np.abs(distance), 0.0))


def resize(c: Context) -> Operand:
    """Nearest, linear or cubic resizing, axis by axis."""
    x = c.tensor(0)
    axes = c.attribute("axes", list[int]()) or list(range(x.rank))
    mode = c.attribute("mode", "nearest")
    if mode not in ("nearest", "linear", "cubic"):
        raise c.refuse(f"mode {mode!r}")
    places = [c.placed(axis, x.rank) for axis in axes]
    scales, sizes = _targets(c, [x.shape[axis] for axis in places])
    outside = np.zeros((), np.bool_)
    for rank, (axis, scale, size) in enumerate(zip(places, scales, sizes, strict=True)):
        is_cropped = c.attribute("coordinate_transformation_mode", "") == "tf_crop_and_resize"
        if size == x.shape[axis] and scale == 1 and not is_cropped:
            continue
        real = _coordinates(c, x.shape[axis], size, scale, rank, len(axes))
        if is_cropped:
            lost = (real < 0) | (real > x.shape[axis] - 1)
            outside = outside | lost.reshape([-1 if at == axis else 1 for at in range(x.rank)])
        x = resampled(c, x, axis, _weights(c, mode, real, x.shape[axis], scale))
    if outside.any():
        x = c.reals.select(outside, np.asarray(c.attribute("extrapolation_value", 0.0), x.dtype), x)
    return x


def _targets(c: Context, own: list[int]) -> tuple[list[float], list[int]]:
    """How many times as large each axis becomes, and how large."""
    place = 1 if c.opset < 11 else 2
    scales = np.array(c.attribute("scales", list[float]())) if c.opset < 9 else c.optional(place, "scales")
    if scales is not None and scales.size:
        ratios = [float(each) for each in scales.reshape(-1)]
        return ratios, [floor(size * ratio) for size, ratio in zip(own, ratios, strict=True)]
    sizes = c.integers(3, "sizes")
    policy = c.attribute("keep_aspect_ratio_policy", "stretch")
    if policy == "stretch":
        return [after / before for before, after in zip(own, sizes, strict=True)], sizes
    if policy not in ("not_larger", "not_smaller"):
        raise c.refuse(f"policy {policy!r}")
    choose = min if policy == "not_larger" else max
    ratio = choose(after / before for before, after in zip(own, sizes, strict=True))
    return [ratio] * len(own), [floor(ratio * size + 0.5) for size in own]


def _coordinates(c: Context, before: int, after: int, scale: float, rank: int, count: int) -> Reals:
    """Where each place of the output lies in the input."""
    kind = c.attribute("coordinate_transformation_mode", "half_pixel" if c.opset >= 11 else "asymmetric")
    c.bound(after)
    at = np.arange(after, dtype=np.float64)
    if kind == "tf_crop_and_resize":
        roi = c.array(1, "region").astype(np.float64).reshape(-1)
        start, end = roi[rank], roi[rank + count]
        inside = (
            at * (end - start) * (before - 1) / (after - 1)
            if after > 1
            else at + (end - start) * (before - 1) / 2
        )
        return np.asarray(inside + start * (before - 1))
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
    return np.asarray(rules[kind]())


def _weights(c: Context, mode: str, real: Reals, size: int, scale: float) -> Reals:
    """How much of each place of the input is in each place of the output: (after, before)."""
    c.bound(len(real), size)
    if mode == "nearest":
        return _spread(_rounded(c, real)[:, None], np.ones((len(real), 1)), size)
    shrink = min(scale, 1.0) if c.attribute("antialias", 0) else 1.0
    reach = ceil((2 if mode == "cubic" else 1) / shrink)
    c.bound(len(real), 2 * reach)
    # The place on the left of an integer counts as the one before it, as ONNX has it.
    first = np.ceil(real).astype(np.int64) - reach
    places = first[:, None] + np.arange(2 * reach)
    apart = (places - real[:, None]) * shrink
    shares = cubic(apart, c.attribute("cubic_coeff_a", CUBIC)) if mode == "cubic" else linear(apart)
    if c.attribute("exclude_outside", 0):
        shares = np.where((places < 0) | (places >= size), 0.0, shares)
    return _spread(places, shares / shares.sum(1, keepdims=True), size)


def _spread(places: NDArray[Any], shares: Reals, size: int) -> Reals:
    """Shares of places as rows of all places; those outside belong to the edge."""
    weights = np.zeros((len(places), size))
    rows = np.broadcast_to(np.arange(len(places))[:, None], places.shape)
    np.add.at(weights, (rows, np.clip(places, 0, size - 1).astype(np.int64)), shares)
    return weights


def _rounded(c: Context, real: Reals) -> Reals:
    rounding = c.attribute("nearest_mode", "round_prefer_floor" if c.opset >= 11 else "floor")
    near = {
        "round_prefer_floor": lambda: np.ceil(real - 0.5), "round_prefer_ceil": lambda: np.floor(real + 0.5),
        "floor": lambda: np.floor(real), "ceil": lambda: np.ceil(real),
    }  # fmt: skip
    if rounding not in near:
        raise c.refuse(f"rounding {rounding!r}")
    return np.asarray(near[rounding]())


def resampled(c: Context, x: Tensor, axis: int, weights: Reals) -> Tensor:
    """Sums of places of an axis with these weights: one for each of an output's nonzero weights."""
    after = len(weights)
    order = np.argsort(weights == 0, axis=1, kind="stable")
    result: Tensor | None = None
    shape = [after if at == axis else 1 for at in range(x.rank)]
    for rank in range(max(1, int((weights != 0).sum(1).max(initial=0)))):
        places = np.asarray(order[:, rank], np.int64)
        share = weights[np.arange(after), places]
        taken = c.reals.gathered(x, places, axis)
        part = taken if (share == 1).all() else c.reals.times(taken, share.reshape(shape))
        result = part if result is None else c.reals.plus(result, part)
    if result is None or not after:
        raise c.refuse("no output")
    return result


def grid_sample(c: Context) -> Operand:
    """Elements at known places between the input's."""
    x, grid = c.tensor(0), c.array(1, "grid").astype(np.float64)
    rank = x.rank - 2
    mode = {"bilinear": "linear", "bicubic": "cubic"}.get(name := c.attribute("mode", "linear"), name)
    if mode not in ("nearest", "linear", "cubic") or grid.shape[-1] != rank or len(grid) != x.shape[0]:
        raise c.refuse(f"mode {mode!r}, input {list(x.shape)}, grid {list(grid.shape)}")
    size = int(np.prod(x.shape[2:]))
    samples = []
    for at in range(x.shape[0]):
        cut = c.reals.sliced(x, [range(at, at + 1), *(range(each) for each in x.shape[1:])])
        rows = c.reals.reshaped(cut, (1, x.shape[1], size))
        taken = _sampled(c, rows, grid[at].reshape(-1, rank)[:, ::-1], x.shape[2:], mode)
        samples.append(c.reals.reshaped(taken, (1, x.shape[1], *grid.shape[1:-1])))
    return samples[0] if len(samples) == 1 else c.reals.joined(samples, 0)


def _sampled(c: Context, x: Tensor, grid: Reals, sizes: Sequence[int], mode: str) -> Tensor:
    """Elements of x (1, channels, places) at points of a grid (points, dimensions)."""
    apart = [_neighbours(c, grid[:, at], size, mode) for at, size in enumerate(sizes)]
    strides = [int(np.prod(sizes[at + 1 :])) for at in range(len(sizes))]
    result: Tensor | None = None
    for taps in product(*(range(places.shape[1]) for places, _ in apart)):
        places = sum(
            apart[at][0][:, tap] * stride for at, (tap, stride) in enumerate(zip(taps, strides, strict=True))
        )
        share = np.prod([apart[at][1][:, tap] for at, tap in enumerate(taps)], axis=0)
        if not share.any():
            continue
        part = c.reals.times(c.reals.gathered(x, np.asarray(places, np.int64), 2), share)
        result = part if result is None else c.reals.plus(result, part)
    if result is None:
        return c.reals.as_tensor(np.zeros((1, x.shape[1], len(grid)), x.dtype))
    return result


def _neighbours(c: Context, grid: Reals, size: int, mode: str) -> tuple[NDArray[np.int64], Reals]:
    """Along one dimension the places that each point is made of, and their shares: (points, neighbours)."""
    corners, padding = c.attribute("align_corners", 0), c.attribute("padding_mode", "zeros")
    real = (grid + 1) / 2 * (size - 1) if corners else ((grid + 1) * size - 1) / 2
    # ONNX has float32 here, which decides where a point lies next to a tie.
    real = real.astype(np.float32).astype(np.float64)
    real = np.rint(real) if mode == "nearest" else real
    low, high = (0.0, size - 1.0) if corners else (-0.5, size - 0.5)
    is_outside = (real < low) | (real > high)
    if padding == "border" and mode == "cubic" and is_outside.any():
        raise c.refuse("cubic beyond the border, which ONNX's reference and onnxruntime read differently")
    if padding == "border":
        real = np.where(is_outside, np.clip(real, 0, size - 1), real)
    elif padding == "reflection":
        real = _reflected(real, low, high)
    elif padding != "zeros":
        raise c.refuse(f"padding {padding!r}")
    reach = {"nearest": 0, "linear": 1, "cubic": 2}[mode]
    first = np.floor(real)[:, None]
    places = first + np.arange(1 - reach, 1 + reach) if reach else first
    apart = places - real[:, None]
    shares = np.ones_like(places) if not reach else cubic(apart) if mode == "cubic" else linear(apart)
    if padding == "zeros":
        shares = np.where((places < 0) | (places >= size), 0.0, shares)
    elif padding == "reflection":
        places = np.trunc(_reflected(places, low, high))
    return np.clip(places, 0, size - 1).astype(np.int64), shares


def _reflected(real: Reals, low: float, high: float) -> Reals:
    """Points folded back at both ends."""
    width = high - low
    if width == 0:
        return np.full_like(real, low)
    folded = np.mod(np.where(real < low, low - real, real - low), 2 * width)
    inner = np.where(folded > width, 2 * width - folded, folded) + low
    return np.where((real < low) | (real > high), inner, real)


RESAMPLING: Final[dict[str, Handler]] = {"Resize": resize, "Upsample": resize, "GridSample": grid_sample}
