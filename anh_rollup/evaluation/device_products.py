"""Exact sums of products of integers on any device of torch: in float64, or by int8 units from slices.

A float64 sum is exact below 2^53; beyond it, limbs of the larger operand are multiplied one by one. An int8
unit sums up in int32: with slices from -128 to 127 it holds `MOST_SLICED` products, so longer sums are split.
"""

from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation.steps import FLOAT64_EXACT
from anh_rollup.evaluation.torch_linear import exact_product

#: Bits of a slice.
SLICE: Final = 8
#: Products of two slices, 2^14 each at most, whose sum is below 2^31; a multiple of 8.
MOST_SLICED: Final = (1 << 17) - 8
#: What torch's int8 product on CUDA asks for: dimensions in eights, and more than 16 rows.
EIGHT: Final = 8
LEAST_ROWS: Final = 24


def device_product(x: Tensor, w: Tensor, magnitudes: tuple[int, int], worth: int) -> Tensor:
    """Sums of products x (..., R, K) by w (..., O, K), proven to stay below 2^63: int64 (..., R, O).

    Args:
        x: Integers, on the device.
        w: Integers, on the same device.
        magnitudes: The largest of each.
        worth: How many products of slices are faster than one in float64; 0 never slices.
    """
    if w.ndim == 2:
        rows = x.reshape(-1, x.shape[-1])
        fits = magnitudes[0] * magnitudes[1] * x.shape[-1] <= FLOAT64_EXACT
        if slice_count(magnitudes[0]) * slice_count(magnitudes[1]) <= worth * (1 if fits else 2):
            return sliced_product(rows, w, magnitudes).reshape(*x.shape[:-1], -1)
    return exact_product(x.to(torch.float64), w.to(torch.float64), magnitudes).to(torch.int64)


def slice_count(most: int) -> int:
    """How many slices integers of this magnitude have."""
    count = 1
    while most > 127:
        most, count = (most + 128) >> SLICE, count + 1
    return count


def slices_of(numbers: Tensor, most: int) -> list[Tensor]:
    """Digits from -128 to 127 to the base 256, the lowest first, of integers of this magnitude: int8 each."""
    found, left = list[Tensor](), numbers.to(torch.int64)
    for _ in range(slice_count(most)):
        digit = ((left + 128) & 255) - 128
        found.append(digit.to(torch.int8))
        left = (left - digit) >> SLICE
    return found


def sliced_product(x: Tensor, w: Tensor, magnitudes: tuple[int, int]) -> Tensor:
    """Sums of products x (R, K) by w (O, K) from products of slices: int64 (R, O).

    What is added up wraps around at 2^64 and is below 2^63 in the end, so it is exact.
    """
    total = torch.zeros((len(x), len(w)), dtype=torch.int64, device=x.device)
    for start in range(0, x.shape[1], MOST_SLICED):
        parts = (each[:, start : start + MOST_SLICED] for each in (x, w))
        left, right = (
            slices_of(_padded(part, rows), most)
            for part, rows, most in zip(parts, (LEAST_ROWS, EIGHT), magnitudes, strict=True)
        )
        for i, one in enumerate(left):
            for j, other in enumerate(right):
                # The units want the second operand column by column.
                sums = torch._int_mm(one, other.t())[: len(x), : len(w)]  # noqa: SLF001
                total += sums.to(torch.int64) << (SLICE * (i + j))
    return total


def _padded(part: Tensor, least: int) -> Tensor:
    """Rows and terms in eights, with zeros, and at least so many rows."""
    rows, terms = part.shape
    return functional.pad(part, (0, -terms % EIGHT, 0, max(least - rows, -rows % EIGHT)))
