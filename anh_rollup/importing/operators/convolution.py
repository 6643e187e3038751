"""Convolutions, forward and transposed."""

from collections.abc import Callable
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.operators.windows import Geometry, check_padded, geometry
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.tensor.program import MOST_VALUES
from anh_rollup.tensor.shapes import reach

#: Samples that one node may have, each of which becomes a convolution (choice).
MOST_SAMPLES: Final = 64

Array = NDArray[Any]


def each_sample(c: Context, x: Tensor, step: Callable[[Tensor], Tensor]) -> Tensor:
    """A step for every sample of x on its own, put together again."""
    count = x.shape[0]
    if count == 1:
        return step(x)
    if count > MOST_SAMPLES:
        raise c.refuse(
            f"{count} samples in one tensor, {MOST_SAMPLES} are the most; give the input shape with 1"
        )
    rest = [range(each) for each in x.shape[1:]]
    parts = [step(c.reals.sliced(x, [range(at, at + 1), *rest])) for at in range(count)]
    return c.reals.joined(parts, 0)


def conv(c: Context) -> Operand:
    """A convolution in one to three dimensions with known kernels."""
    x, w = c.tensor(0), c.array(1, "kernel")
    bias = c.optional(2, "bias")
    return convolved(c, x, w.astype(np.float64), None if bias is None else bias.astype(np.float64))


def convolved(c: Context, x: Tensor, w: Array, bias: Array | None) -> Tensor:
    """A convolution by a node's attributes."""
    groups = c.attribute("group", 1)
    if x.rank < 3 or w.ndim != x.rank or x.shape[1] != w.shape[1] * groups or w.shape[0] % groups:
        raise c.refuse(f"input {list(x.shape)}, kernel {list(w.shape)}, {groups} groups")
    g = geometry(c, x.shape[2:], w.shape[2:])
    sizes = g.sizes(x.shape[2:])
    if min(sizes) < 1:
        raise c.refuse("the kernel is larger than the input")
    wide = [a + size + b for a, size, b in zip(g.before, x.shape[2:], g.after, strict=True)]
    check_padded(c, (x.shape[1], *wide), x.shape[1:], (w.shape[0], *sizes))
    return each_sample(c, x, lambda one: by_rank(c, one, w, bias, g, groups))


def by_rank(c: Context, x: Tensor, w: Array, bias: Array | None, g: Geometry, groups: int) -> Tensor:
    """A convolution of one sample; one in three dimensions is a sum over the depth of the kernel."""
    if x.rank <= 4:
        return c.reals.convolved(x, w, bias, g.attributes(groups))
    if x.rank > 5:
        raise c.refuse(f"{x.rank - 2} dimensions")
    flat = Geometry(g.kernel[1:], g.strides[1:], g.dilations[1:], g.before[1:], g.after[1:])
    planes, count = [], g.sizes(x.shape[2:])[0]
    if count > MOST_VALUES:
        raise c.refuse(f"{count} planes, each of which becomes a convolution, {MOST_VALUES} are the most")
    for place in range(count):
        first = place * g.strides[0] - g.before[0]
        taps = [
            (tap, at) for tap in range(g.kernel[0]) if 0 <= (at := first + tap * g.dilations[0]) < x.shape[2]
        ]
        plane = _plane(c, x, w, bias, flat.attributes(groups), taps)
        if plane is None:
            shape = (1, w.shape[0], *flat.sizes(x.shape[3:]))
            fill = np.zeros(w.shape[0]) if bias is None else bias
            plane = c.reals.as_tensor(np.broadcast_to(fill.reshape(1, -1, 1, 1), shape).copy())
        planes.append(c.reals.reshaped(plane, (1, w.shape[0], 1, *plane.shape[2:])))
    return planes[0] if len(planes) == 1 else c.reals.joined(planes, 2)


def _plane(
    c: Context, x: Tensor, w: Array, bias: Array | None, flat: tuple[int, ...], taps: list[tuple[int, int]]
) -> Tensor | None:
    """The sum of the kernel's planes over those of x that they lie on; None where there are none."""
    sums: Tensor | None = None
    for tap, at in taps:
        cut = [range(each) for each in x.shape]
        cut[2] = range(at, at + 1)
        image = c.reals.reshaped(c.reals.sliced(x, cut), (1, x.shape[1], *x.shape[3:]))
        product = c.reals.convolved(image, w[:, :, tap], bias if sums is None else None, flat)
        sums = product if sums is None else c.reals.plus(sums, product)
    return sums


def conv_transpose(c: Context) -> Operand:
    """A transposed convolution: zeros between the places, then a convolution with the kernel turned round."""
    x, w = c.tensor(0), c.array(1, "kernel").astype(np.float64)
    bias, groups, spatial = c.optional(2, "bias"), c.attribute("group", 1), x.rank - 2
    if spatial not in (1, 2, 3) or w.ndim != x.rank or x.shape[1] != w.shape[0] or w.shape[0] % groups:
        raise c.refuse(f"input {list(x.shape)}, kernel {list(w.shape)}, {groups} groups")
    kernel = w.shape[2:]
    strides = c.attribute("strides", list[int]()) or [1] * spatial
    dilations = c.attribute("dilations", list[int]()) or [1] * spatial
    if not len(strides) == len(dilations) == spatial or min((*strides, *dilations)) < 1:
        raise c.refuse(f"strides {strides[:4]} and dilations {dilations[:4]} for {spatial} dimensions")
    before, after = _margins(c, x.shape[2:], kernel, strides, dilations)
    split = w.reshape(groups, w.shape[0] // groups, *w.shape[1:])
    turned = np.flip(np.moveaxis(split, 1, 2), tuple(range(3, 3 + spatial)))
    weight = turned.reshape(-1, *turned.shape[2:])
    spread = _spread(c, x, strides)
    edges = [
        (d * (k - 1) - b, d * (k - 1) - a)
        for d, k, b, a in zip(dilations, kernel, before, after, strict=True)
    ]
    padded = c.padded(spread, [(0, 0), (0, 0), *edges], 0.0)
    g = Geometry(tuple(kernel), (1,) * spatial, tuple(dilations), (0,) * spatial, (0,) * spatial)
    c.refuse_nothing(g.sizes(padded.shape[2:]))
    real = None if bias is None else bias.astype(np.float64)
    return each_sample(c, padded, lambda one: by_rank(c, one, weight, real, g, groups))


def _margins(
    c: Context, places: tuple[int, ...], kernel: tuple[int, ...], strides: list[int], dilations: list[int]
) -> tuple[list[int], list[int]]:
    """What is cut from the full transposed convolution on either side."""
    rank = len(places)
    pads = c.attribute("pads", list[int]()) or [0] * (2 * rank)
    extra = c.attribute("output_padding", list[int]()) or [0] * rank
    wanted, mode = c.attribute("output_shape", list[int]()), c.attribute("auto_pad", "NOTSET")
    if len(pads) != 2 * rank or len(extra) != rank or (wanted and len(wanted) < rank):
        raise c.refuse(f"pads {pads[:8]}, output padding {extra[:4]}, output shape {wanted[:8]}")
    before, after = list(pads[:rank]), list(pads[rank:])
    for at in range(rank):
        full = strides[at] * (places[at] - 1) + extra[at] + reach(kernel[at], dilations[at])
        size = wanted[-rank:][at] if wanted else places[at] * strides[at]
        if wanted or mode in ("SAME_UPPER", "SAME_LOWER"):
            total = full - size
            half = total // 2
            before[at], after[at] = (total - half, half) if mode != "SAME_UPPER" else (half, total - half)
        after[at] -= extra[at]
    return before, after


def _spread(c: Context, x: Tensor, strides: list[int]) -> Tensor:
    """X with zeros between its places."""
    for at, stride in enumerate(strides):
        if stride == 1:
            continue
        axis = at + 2
        shape = x.shape
        column = c.reals.reshaped(x, (*shape[: axis + 1], 1, *shape[axis + 1 :]))
        margins = [(0, 0)] * (x.rank + 1)
        margins[axis + 1] = (0, stride - 1)
        wide = c.padded(column, margins, 0.0)
        joined = c.reals.reshaped(wide, (*shape[:axis], shape[axis] * stride, *shape[axis + 1 :]))
        last = (shape[axis] - 1) * stride + 1
        ranges = [range(last) if one == axis else range(size) for one, size in enumerate(joined.shape)]
        x = c.reals.sliced(joined, ranges)
    return x


CONVOLUTION: Final[dict[str, Handler]] = {"Conv": conv, "ConvTranspose": conv_transpose}
