"""Integers for the weights and bias of a sum of products, channel by channel."""

from dataclasses import dataclass
from math import floor, log2
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.importing.formats import Format, bits_above
from anh_rollup.importing.record import Reals
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.opcodes import MOST_SHIFT

#: Bits of magnitude of weights: what they take at most, and with the fast setting.
MOST_WEIGHT_BITS: Final = 24
FAST_WEIGHT_BITS: Final = 17
#: A channel's sums stay below two to this power, and so does its bias: float64 holds both together.
SUM_BITS: Final = 52
#: Fraction bits of a bias beyond those of the result (choice: its rounding is then a sixteenth of a step).
MOST_GUARD: Final = 4
#: How far apart the scales of channels may be (choice): what a channel of tiny weights would gain beyond it,
#: the bound that is proven for all channels together would lose.
MOST_SPREAD: Final = 8

#: What a weight may become at least where there is headroom for a training (choice): many begin as zeros.
LEAST_REACH: Final = 1.0

IntArray = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class LinearWeights:
    """A sum of products in integers.

    Attributes:
        weight: As the kernel's shape.
        scales: Fraction bits of each channel's weights, one number where all are the same.
        bias: One for each channel; None where there is none.
        shifts: Of each channel; one number where all are the same.
        guard: Fraction bits of the bias beyond the result's.
    """

    weight: IntArray
    scales: IntArray
    bias: IntArray | None
    shifts: IntArray
    guard: int

    @property
    def is_uniform(self) -> bool:
        """Whether all channels have the same shift."""
        return bool((self.shifts == self.shifts[0]).all())


def reach(array: Reals, setting: Setting) -> float:
    """How large an element of a parameter may become: as large as one is, and more with headroom."""
    most = float(np.abs(array).max())
    return most if setting.headroom == 1 else max(most * setting.headroom, LEAST_REACH)


def quantized(
    kernel: Reals, bias: Reals | None, x: Format, result: Format, setting: Setting
) -> LinearWeights:
    """The integers that stand for a kernel (N, ...) and bias (N,), given the formats around them.

    Each channel's weights have as many bits as its sums have room for in float64, where the largest x meets
    them all; so no bit is spent that would make the product slower.
    """
    rows = np.abs(kernel.reshape(kernel.shape[0], -1))
    largest, total, added = rows.max(1), rows.sum(1), np.zeros(len(rows)) if bias is None else np.abs(bias)
    if setting.headroom > 1:
        # Channels have one format, so that a training moves them by the same steps.
        largest = np.full_like(largest, reach(kernel, setting))
        total = np.maximum(np.full_like(total, total.max() * setting.headroom), largest)
        added = added if bias is None else np.full_like(added, reach(bias, setting))
    bits = FAST_WEIGHT_BITS if setting is Setting.FAST else _weight_bits(rows.shape[1], x)
    least = np.full(kernel.shape[0], MOST_SHIFT - x.scale + result.scale, np.int64)
    for each, (most, weight, moved) in enumerate(zip(largest, total, added, strict=True)):
        if weight > 0:
            by_sum = SUM_BITS - log2(max(-x.low, x.high, 1)) - log2(weight)
            least[each] = min(least[each], floor(min(bits - log2(most), by_sum)))
        if moved > 0:
            least[each] = min(least[each], floor(SUM_BITS - 2 - x.scale - log2(moved)))
    scales = np.minimum(least, least.min() + MOST_SPREAD)
    shifts = np.maximum(x.scale + scales - result.scale, 0)
    scales = shifts + result.scale - x.scale
    shape = (-1, *(1,) * (kernel.ndim - 1))
    guard = 0
    if bias is not None:
        room = 30 - result.scale - bits_above(reach(bias, setting) or 1.0)
        guard = int(max(0, min(MOST_GUARD, room, shifts.min())))
    moved_bias = None if bias is None else _rounded(np.ldexp(bias, result.scale + guard))
    return LinearWeights(
        _rounded(np.ldexp(kernel, scales.reshape(shape).astype(np.int32))), scales, moved_bias, shifts, guard
    )


def _weight_bits(terms: int, x: Format) -> int:
    """Bits of magnitude whose products are proven to stay below 2^63, whatever weights a training finds."""
    return min(MOST_WEIGHT_BITS, 61 - x.bits - (terms - 1).bit_length())


def _rounded(array: NDArray[Any]) -> IntArray:
    return np.clip(np.floor(array + 0.5), -(2**31), 2**31 - 1).astype(np.int64)
