"""Fourier transforms as products with known matrices, and determinants."""

from functools import reduce
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.reals import Operand, Tensor

#: Rows of a matrix whose determinant is taken (choice): there are their factorial of products.
MOST_ROWS: Final = 5


def transform(c: Context) -> Operand:
    """A discrete Fourier transform along an axis; the last axis holds the real and the imaginary part."""
    x = c.tensor(0)
    given = c.integers(2, "axis")[0] if c.has(2) else c.attribute("axis", 1 if c.opset < 20 else -2)
    axis, parts = c.placed(given, x.rank), x.shape[-1]
    inverse, half = bool(c.attribute("inverse", 0)), bool(c.attribute("onesided", 0))
    if axis == x.rank - 1 or parts > 2:
        raise c.refuse(f"axis {axis} of shape {list(x.shape)}")
    default = 2 * (x.shape[axis] - 1) if inverse and half else x.shape[axis]
    length = c.integers(1, "length")[0] if c.has(1) else default
    c.bound(2 * parts, x.shape[axis], max(length, x.shape[axis]))
    return transformed(c, x, axis, matrix(x.shape[axis], parts, length, inverse=inverse, half=half))


def matrix(size: int, parts: int, length: int, *, inverse: bool, half: bool) -> NDArray[Any]:
    """What a transform makes of each unit: (frequencies, parts of them, places, parts of them)."""
    units = np.eye(size) if parts == 1 else np.concatenate([np.eye(size), 1j * np.eye(size)])
    if inverse and half:
        found = np.fft.irfft(units, length)[..., None]
    else:
        complex_ = np.fft.ifft(units, length) if inverse else np.fft.fft(units, length)
        complex_ = complex_[:, : length // 2 + 1] if half else complex_
        found = np.stack([complex_.real, complex_.imag], -1)
    turned = found.reshape(parts, size, *found.shape[1:])
    return np.ascontiguousarray(np.transpose(turned, (2, 3, 1, 0)))


def transformed(c: Context, x: Tensor, axis: int, kernel: NDArray[Any]) -> Tensor:
    """A tensor whose last axis holds parts, with a transform of an axis and of that one."""
    others = [at for at in range(x.rank - 1) if at != axis]
    order = [*others, axis, x.rank - 1]
    lead = tuple(x.shape[at] for at in others)
    frequencies, parts = kernel.shape[:2]
    rows = c.reals.reshaped(c.reals.transposed(x, order), (*lead, x.shape[axis] * x.shape[-1]))
    product = c.reals.linear(rows, kernel.reshape(frequencies * parts, -1))
    wide = c.reals.reshaped(product, (*lead, frequencies, parts))
    return c.reals.transposed(wide, [order.index(at) for at in range(x.rank)])


def short_time(c: Context) -> Operand:
    """Transforms of windows that begin so many places after each other."""
    signal, step = c.tensor(0), c.integers(1, "step")[0]
    x = signal if signal.rank == 3 else c.reals.reshaped(signal, (*signal.shape, 1))
    window = c.optional(2, "window")
    length = c.integers(3, "length")[0] if c.has(3) else (window.size if window is not None else 0)
    if not 1 <= length <= x.shape[1] or step < 1 or (window is not None and window.size != length):
        raise c.refuse(f"windows of {length} places, {step} apart, over {x.shape[1]}")
    count = 1 + (x.shape[1] - length) // step
    c.bound(count, length)
    c.bound(2 * x.shape[-1], length, length)
    places = np.arange(count)[:, None] * step + np.arange(length)
    frames = c.reals.gathered(x, places, 1)
    kernel = matrix(length, x.shape[-1], length, inverse=False, half=bool(c.attribute("onesided", 1)))
    shares = np.ones(length) if window is None else window.reshape(-1).astype(np.float64)
    return transformed(c, frames, 2, kernel * shares[:, None])


def determinant(c: Context) -> Operand:
    """The determinant of small matrices, by their first rows."""
    x = c.tensor(0)
    if x.rank < 2 or x.shape[-1] != x.shape[-2] or x.shape[-1] > MOST_ROWS:
        raise c.refuse(f"matrices of shape {list(x.shape[-2:])}, {MOST_ROWS} rows are the most")
    return c.reals.reshaped(_expanded(c, x, list(range(x.shape[-1]))), x.shape[:-2])


def _expanded(c: Context, x: Tensor, columns: list[int]) -> Tensor:
    """The determinant of the last rows with these columns: (..., 1, 1)."""
    row = x.shape[-1] - len(columns)
    lead = [range(size) for size in x.shape[:-2]]
    terms: list[Tensor] = []
    for at, column in enumerate(columns):
        entry = c.reals.sliced(x, [*lead, range(row, row + 1), range(column, column + 1)])
        left = [each for each in columns if each != column]
        term = c.reals.times(entry, _expanded(c, x, left)) if left else entry
        terms.append(c.reals.minus(0.0, term) if at % 2 else term)
    return reduce(c.reals.plus, terms)


SPECTRAL: Final[dict[str, Handler]] = {"DFT": transform, "STFT": short_time, "Det": determinant}
