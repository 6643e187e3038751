"""Quantized operators: integers, exactly; between them a factor and a rounding, of halves to even."""

from math import inf
from typing import Any, Final

import numpy as np

from anh_rollup.importing.operators.context import Array, Context, Handler
from anh_rollup.importing.operators.convolution import convolved
from anh_rollup.importing.operators.functions import to_even
from anh_rollup.importing.operators.integers import SHORT
from anh_rollup.importing.operators.linear import product
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Operation

#: Numbers of 8 bits.
_PLACES: Final = 256


def centred(c: Context, x: Operand, zero: Operand | None) -> Operand:
    """Integers less their zero point, as int64."""
    if zero is None or (not isinstance(zero, Tensor) and not zero.any()):
        return c.reals.cast(x, np.int64) if isinstance(x, Tensor) else x.astype(np.int64)
    if not isinstance(x, Tensor) and not isinstance(zero, Tensor):
        return x.astype(np.int64) - zero.astype(np.int64)
    return c.reals.cast(c.reals.minus(x, zero), np.int64)


def saturated(c: Context, x: Tensor, zero: Operand | None, dtype: np.dtype[Any]) -> Tensor:
    """Reals as integers of a type: rounded, moved to the zero point, saturated."""
    low, high = bounds_of(c, dtype)
    near = c.reals.cast(to_even(c.reals, x), np.int64)
    moved = near if zero is None else c.reals.plus(near, zero)
    return c.reals.cast(c.reals.clamp(moved, low, high), dtype)


def steps_of(reals: Folding, x: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """X by 256 equally distant numbers from its least to its largest, zero among them.

    Every quotient is taken twice and rounded down as it is, then halved and rounded: it has no digits of its
    own that could be wrong.

    Returns:
        Which of the numbers is the nearest to each element, how far they are apart, and which one is zero.
    """
    ends = [
        reals.clamp(reals.reduced(Operation.LARGEST, each, list(range(x.rank)), keeps=True), 0.0, inf)
        for each in (reals.minus(0.0, x), x)
    ]
    step = reals.times(reals.plus(*ends), 1 / (_PLACES - 1))
    half, one = reals.times(step, 0.5), np.ones((), np.int64)
    twice = [
        reals.elementwise(Operation.DIV, [each, half], np.int64, bounds=(low, 2.0 * _PLACES))
        for each, low in ((ends[0], 0.0), (x, -2.0 * _PLACES))
    ]
    zero = _halved(reals, reals.plus(twice[0], one))
    moved = reals.plus(reals.plus(zero, zero), one)
    return _halved(reals, reals.plus(twice[1], moved)), step, zero


def _halved(reals: Folding, x: Tensor) -> Tensor:
    """Integers over 2, rounded down, as places among those of 8 bits."""
    two = np.asarray(2, np.int64)
    return reals.elementwise(Operation.DIV, [x, two], np.int64, bounds=(0.0, _PLACES - 1.0))


def rounded(reals: Folding, x: Tensor) -> Tensor:
    """X by the nearest of the numbers that `steps_of` finds."""
    places, step, zero = steps_of(reals, x)
    return reals.times(reals.cast(reals.minus(places, zero), x.dtype), step)


def dynamic(c: Context) -> tuple[Operand, ...]:
    """Integers of 8 bits, what one stands for, and the integer for zero, by the least and the largest."""
    places, step, zero = steps_of(c.reals, c.tensor(0))
    shown, moved = (c.reals.reshaped(each, ()) for each in (step, zero))
    return c.reals.cast(places, np.uint8), shown, c.reals.cast(moved, np.uint8)


def bounds_of(c: Context, dtype: np.dtype[Any]) -> tuple[int, int]:
    """The least and the largest number of a quantized type."""
    bounds = {**SHORT, "int4": (-8, 7), "uint4": (0, 15), "int2": (-2, 1), "uint2": (0, 3)}
    if dtype.name not in bounds:
        raise c.refuse(f"quantization to {dtype}")
    return bounds[dtype.name]


def _given(c: Context, place: int) -> Operand | None:
    return c.operand(place) if c.has(place) else None


def along(c: Context, x: Tensor, scale: Operand, axis: int) -> Operand:
    """A scale or zero point as it broadcasts: for all, for each place of an axis, or for each block of it."""
    if int(np.prod(scale.shape)) == 1:
        return c.reals.reshaped(scale, ()) if isinstance(scale, Tensor) else scale.reshape(())
    block = c.attribute("block_size", 0)
    if block:
        if isinstance(scale, Tensor):
            raise c.unknown(scale, "scale or zero point of blocks")
        c.bound(block, *scale.shape)
        return np.repeat(scale, block, axis)[tuple(slice(size) for size in x.shape)]
    shape = tuple(x.shape[axis] if at == axis else 1 for at in range(x.rank))
    if scale.shape != (x.shape[axis],):
        raise c.refuse(f"a scale of shape {list(scale.shape)} along axis {axis} of {list(x.shape)}")
    return c.reals.reshaped(scale, shape) if isinstance(scale, Tensor) else scale.reshape(shape)


def quantize(c: Context) -> Operand:
    """The nearest integer to x over its scale, and the zero point."""
    x, zero = c.tensor(0), _given(c, 2)
    axis = c.placed(c.attribute("axis", 1), x.rank) if x.rank > 1 else 0
    scale = along(c, x, c.operand(1), axis)
    dtype = np.dtype(np.uint8) if zero is None else zero.dtype
    if c.attribute("output_dtype", 0):
        dtype = c.dtype("output_dtype")
    x = c.reals.cast(x, np.float32)
    quotient = c.reals.over(x, scale) if isinstance(scale, Tensor) else _over(c, x, scale)
    return saturated(c, quotient, None if zero is None else along(c, x, zero, axis), dtype)


def _over(c: Context, x: Tensor, scale: Array) -> Tensor:
    if not (scale > 0).all():
        raise c.refuse("a scale that is not above 0")
    return c.reals.times(x, 1.0 / scale.astype(np.float64))


def dequantize(c: Context) -> Operand:
    """X less its zero point, times its scale."""
    x, zero, scale = c.tensor(0), _given(c, 2), c.operand(1)
    axis = c.placed(c.attribute("axis", 1), x.rank) if x.rank > 1 else 0
    inner = centred(c, x, None if zero is None else along(c, x, zero, axis))
    # Both may be known but for this tensor, which then has to be one.
    tensor = c.reals.cast(c.reals.as_tensor(inner), scale.dtype)
    return c.reals.times(tensor, along(c, x, scale, axis))


def _columns(zero: Operand | None, rank: int, *, rows: bool) -> Operand | None:
    """The zero point of a matrix as it broadcasts: for each row of the first, each column of the second."""
    if zero is None or isinstance(zero, Tensor) or zero.ndim != 1 or zero.size == 1 or not rows:
        return zero if zero is None or isinstance(zero, Tensor) or zero.size > 1 else zero.reshape(())
    return zero.reshape(-1, 1) if rank > 1 else zero


def matmul_integer(c: Context) -> Operand:
    """The product of two integer matrices, less their zero points."""
    return _product(c, (0, 2), (1, 3), np.dtype(np.int32))


def _product(c: Context, left: tuple[int, int], right: tuple[int, int], dtype: np.dtype[Any]) -> Tensor:
    a, b = c.operand(left[0]), c.operand(right[0])
    first = centred(c, a, _columns(_given(c, left[1]), len(a.shape), rows=True))
    second = centred(c, b, _columns(_given(c, right[1]), len(b.shape), rows=False))
    if not isinstance(first, Tensor) and not isinstance(second, Tensor):
        first = c.reals.as_tensor(first)
    return c.reals.cast(product(c, first, second), dtype)


def qlinear_matmul(c: Context) -> Operand:
    """The product of two quantized matrices, quantized."""
    total = _product(c, (0, 2), (3, 5), np.dtype(np.float32))
    rows, columns, result = _scales(c)
    rows = rows.reshape(-1, 1) if rows.size > 1 else rows.reshape(())
    columns = columns if columns.size > 1 else columns.reshape(())
    zero = c.array(7, "zero point").reshape(())
    return saturated(c, c.reals.times(total, rows * columns / result), zero, zero.dtype)


def _scales(c: Context) -> tuple[Array, Array, Array]:
    """The scales of both operands and of the result, whose quotient is one of their own type."""
    first, second, result = (c.array(at, "scales") for at in (1, 4, 6))
    if not (result > 0).all() or result.size != 1:
        raise c.refuse("a scale of the result that is not one number above 0")
    return first, second, result.reshape(())


def conv_integer(c: Context) -> Operand:
    """A convolution of integers, less their zero points."""
    return c.reals.cast(_convolution(c, (0, 2), (1, 3), None), np.int32)


def _convolution(c: Context, image: tuple[int, int], kernel: tuple[int, int], bias: Array | None) -> Tensor:
    x = c.reals.as_tensor(centred(c, c.tensor(image[0]), _given(c, image[1])))
    w, zero = c.array(kernel[0], "kernel").astype(np.int64), c.optional(kernel[1], "zero point")
    if zero is not None:
        w = w - zero.astype(np.int64).reshape(-1, *(1,) * (w.ndim - 1))
    return convolved(c, x, w, bias)


def qlinear_conv(c: Context) -> Operand:
    """A convolution of quantized tensors, quantized."""
    bias = c.optional(8, "bias")
    total = _convolution(c, (0, 2), (3, 5), None if bias is None else bias.astype(np.int64))
    image, kernel, result = _scales(c)
    factor = (image.reshape(()) * kernel / result).reshape(-1, *(1,) * (total.rank - 2))
    zero = c.array(7, "zero point").reshape(())
    return saturated(c, c.reals.times(c.reals.cast(total, np.float32), factor), zero, zero.dtype)


QUANTIZED: Final[dict[str, Handler]] = {
    "DynamicQuantizeLinear": dynamic,
    "QuantizeLinear": quantize,
    "DequantizeLinear": dequantize,
    "MatMulInteger": matmul_integer,
    "QLinearMatMul": qlinear_matmul,
    "ConvInteger": conv_integer,
    "QLinearConv": qlinear_conv,
}
