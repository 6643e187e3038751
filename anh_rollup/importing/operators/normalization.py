"""Normalizations."""

from math import prod, sqrt
from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Context, Handler, real
from anh_rollup.importing.operators.pooling import norm
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Operation


def batch(c: Context) -> Operand:
    """X scaled and moved channel by channel, by known means and variances."""
    if c.attribute("training_mode", 0):
        raise c.refuse("training mode")
    if not c.attribute("spatial", 1):
        raise c.refuse("statistics for each place, as opset 8 and before have them")
    x = c.tensor(0)
    scale, bias, mean, variance = (real(c.array(at, "statistics")) for at in range(1, 5))
    factor = scale / np.sqrt(variance + c.attribute("epsilon", 1e-5))
    shape = (-1, *(1,) * (x.rank - 2))
    return c.reals.plus(c.reals.times(x, factor.reshape(shape)), (bias - mean * factor).reshape(shape))


def standardized(reals: Folding, x: Tensor, axes: list[int], epsilon: float) -> Tensor:
    """X with mean 0 and variance 1 over axes."""
    _, _, result = moments(reals, x, axes, epsilon)
    return result


def moments(reals: Folding, x: Tensor, axes: list[int], epsilon: float) -> tuple[Tensor, Tensor, Tensor]:
    """The mean, the standard deviation, and x with mean 0 and variance 1 over axes."""
    mean = reals.mean(x, axes, keeps=True)
    apart = reals.minus(x, mean)
    variance = reals.mean(reals.times(apart, apart), axes, keeps=True)
    deviation = reals.elementwise(Operation.SQRT, [reals.plus(variance, epsilon)], x.dtype)
    return mean, deviation, _over_root(reals, apart, deviation, axes)


def _over_root(reals: Folding, x: Tensor, root: Tensor, axes: list[int]) -> Tensor:
    """X over the root of its mean square over axes, so at most the root of how many elements these have."""
    most = sqrt(prod(x.shape[axis] for axis in axes))
    return reals.elementwise(Operation.DIV, [x, root], x.dtype, bounds=(-most, most))


def _affine(c: Context, x: Tensor, scale: Operand | None, bias: Operand | None) -> Tensor:
    x = x if scale is None else c.reals.times(x, scale)
    return x if bias is None else c.reals.plus(x, bias)


def _given(c: Context, place: int) -> Operand | None:
    return c.operand(place) if c.has(place) else None


def layer(c: Context) -> tuple[Operand, ...]:
    """Mean 0 and variance 1 over the axes from one on, then scale and bias."""
    x = c.tensor(0)
    axes = list(range(c.axis(x.rank, -1), x.rank))
    mean, deviation, y = moments(c.reals, x, axes, c.attribute("epsilon", 1e-5))
    outputs: list[Operand] = [_affine(c, y, _given(c, 1), _given(c, 2))]
    if len(c.node.output) > 1:
        outputs += [mean, c.reals.over(np.ones((), x.dtype), deviation)]
    return tuple(outputs)


def rms(c: Context) -> Operand:
    """X over the root of its mean square, then scale."""
    x = c.tensor(0)
    axes = list(range(c.axis(x.rank, -1), x.rank))
    square = c.reals.plus(c.reals.mean(c.reals.times(x, x), axes, keeps=True), c.attribute("epsilon", 1e-5))
    root = c.reals.elementwise(Operation.SQRT, [square], x.dtype)
    return _affine(c, _over_root(c.reals, x, root, axes), _given(c, 1), None)


def instance(c: Context) -> Operand:
    """Mean 0 and variance 1 over each channel's places."""
    x = c.tensor(0)
    y = standardized(c.reals, x, list(range(2, x.rank)), c.attribute("epsilon", 1e-5))
    shape = (-1, *(1,) * (x.rank - 2))
    scale, bias = (real(c.array(at, "scale and bias")).reshape(shape) for at in (1, 2))
    return _affine(c, y, scale, bias)


def group(c: Context) -> Operand:
    """Mean 0 and variance 1 over groups of channels."""
    x, groups = c.tensor(0), c.attribute("num_groups", 1)
    n, channels = x.shape[:2]
    if channels % groups:
        raise c.refuse(f"{groups} groups of {channels} channels")
    split = c.reals.reshaped(x, (n, groups, channels // groups, *x.shape[2:]))
    y = c.reals.reshaped(
        standardized(c.reals, split, list(range(2, split.rank)), c.attribute("epsilon", 1e-5)), x.shape
    )
    scale, bias = (real(c.array(at, "scale and bias")) for at in (1, 2))
    if scale.size == groups != channels:
        scale, bias = (np.repeat(each, channels // groups) for each in (scale, bias))
    shape = (-1, *(1,) * (x.rank - 2))
    return _affine(c, y, scale.reshape(shape), bias.reshape(shape))


def mean_variance(c: Context) -> Operand:
    """Mean 0 and variance 1 over axes."""
    x = c.tensor(0)
    return standardized(c.reals, x, c.attribute("axes", [0, 2, 3]), 1e-9)


def lp(c: Context) -> Operand:
    """X over its norm along an axis."""
    x = c.tensor(0)
    return c.reals.over(x, norm(c, x, [c.axis(x.rank, -1)], c.attribute("p", 2), keeps=True))


def local_response(c: Context) -> Operand:
    """X over a power of what lies in the channels around it; powers 1/2, 3/4 and 1 are roots and products."""
    x, size = c.tensor(0), c.attribute("size", 1)
    beta = c.attribute("beta", 0.75)
    margins = [(0, 0)] * x.rank
    margins[1] = ((size - 1) // 2, size // 2)
    padded = c.reals.padded(c.reals.times(x, x), margins, 0.0)
    parts = [
        c.reals.sliced(
            padded,
            [range(at, at + x.shape[1]) if one == 1 else range(n) for one, n in enumerate(padded.shape)],
        )
        for at in range(size)
    ]
    total = parts[0]
    for part in parts[1:]:
        total = c.reals.plus(total, part)
    below = c.reals.plus(c.reals.times(total, c.attribute("alpha", 0.0001) / size), c.attribute("bias", 1.0))
    root = c.reals.elementwise(Operation.SQRT, [below], x.dtype)
    if abs(beta - 0.5) < 1e-6:
        return c.reals.over(x, root)
    if abs(beta - 0.75) < 1e-6:
        return c.reals.over(x, c.reals.times(root, c.reals.elementwise(Operation.SQRT, [root], x.dtype)))
    if beta == 1:
        return c.reals.over(x, below)
    raise c.refuse(f"beta {beta}; 0.5, 0.75 and 1 are done")


NORMALIZATION: Final[dict[str, Handler]] = {
    "BatchNormalization": batch,
    "LayerNormalization": layer,
    "RMSNormalization": rms,
    "InstanceNormalization": instance,
    "GroupNormalization": group,
    "MeanVarianceNormalization": mean_variance,
    "LpNormalization": lp,
    "LRN": local_response,
}
