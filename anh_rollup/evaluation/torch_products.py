"""Exact sums of products of integers on any device of torch: in float64, or by int8 units from slices.

A float64 sum is exact below 2^53; beyond it, limbs of the larger operand are multiplied one by one. An int8
unit sums up in int32: with slices from -128 to 127 it holds `MOST_SLICED` products, so longer sums are split.
"""

from collections.abc import Callable, Sequence
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation.exact_sums import FLOAT64_EXACT, needs_limbs

#: Bits of a slice.
SLICE: Final = 8
#: Products of two slices, 2^14 each at most, whose sum is below 2^31; a multiple of 8.
MOST_SLICED: Final = (1 << 17) - 8
#: What torch's int8 product on CUDA asks for: dimensions in eights, and more than 16 rows.
EIGHT: Final = 8
LEAST_ROWS: Final = 24


def exact_product(x: Tensor, w: Tensor, magnitudes: Sequence[int], most: int, worth: int) -> Tensor:
    """Sums of products x (..., R, K) by w (..., O, K), proven to stay below 2^63: (..., R, O).

    Args:
        x: Integers, in a float that holds the sums if float64 does.
        w: Integers, likewise. Where it has fewer axes it is the same for all of x's first places.
        magnitudes: The largest of each.
        most: The largest of the sums.
        worth: How many products of slices are faster than one in float64; 0 never slices.

    Returns:
        The inputs' type where it holds the sums, else int64.
    """
    multiply = product_of_limbs if needs_limbs(most) else _product
    if w.ndim == 2:
        rows = x.reshape(-1, x.shape[-1])
        slices = slice_count(magnitudes[0]) * slice_count(magnitudes[1])
        if slices <= worth * (2 if needs_limbs(most) else 1):
            multiply = sliced_product
        return multiply(rows, w, magnitudes).reshape(*x.shape[:-1], -1)
    if w.ndim == x.ndim:
        return multiply(x, w, magnitudes)
    # torch would copy such weights for each sample.
    together = x.movedim(0, -3)
    rows = together.reshape(*w.shape[:-2], -1, x.shape[-1])
    return multiply(rows, w, magnitudes).reshape(*together.shape[:-1], -1).movedim(-3, 0)


def float32_is_exact(device: str) -> bool:
    """Whether float32 products are computed as such, and not in a shorter type that a setting allows."""
    ramp = torch.arange(64, dtype=torch.float32, device=device)
    left, right = 4033 + ramp.reshape(-1, 1).expand(64, 64), torch.eye(64, device=device)
    return bool(torch.equal(left @ right, left))


def _product(x: Tensor, w: Tensor, _magnitudes: Sequence[int]) -> Tensor:
    return x @ w.transpose(-1, -2)


def product_of_limbs(x: Tensor, w: Tensor, magnitudes: Sequence[int]) -> Tensor:
    """The same where float64 does not hold the sums, from limbs of the larger operand: int64 (..., R, O)."""
    turned, terms = w.transpose(-1, -2), x.shape[-1]
    if magnitudes[0] >= magnitudes[1]:
        return _limbs(x, lambda limb: limb @ turned, magnitudes[0], magnitudes[1] * terms)
    return _limbs(turned, lambda limb: x @ limb, magnitudes[1], magnitudes[0] * terms)


def _limbs(operand: Tensor, multiply: Callable[[Tensor], Tensor], most: int, factor: int) -> Tensor:
    """The products of the limbs of an operand, each exact in float64, put together in int64.

    A limb has 53 bits less those of `factor`: at least 12, for a sum below 2^63 of at most 2^18 terms.
    """
    bits = (FLOAT64_EXACT // max(factor, 1)).bit_length() - 1
    high, place = operand, 0
    total: Tensor | None = None
    while True:
        rest = torch.floor(high * 2.0**-bits) if most > 1 << bits else None
        limb = high if rest is None else high - rest * 2.0**bits
        product = multiply(limb).to(torch.int64) << place
        total = product if total is None else total.add_(product)
        if rest is None:
            return total
        high, place, most = rest, place + bits, -(-most >> bits) + 1


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


def sliced_product(x: Tensor, w: Tensor, magnitudes: Sequence[int]) -> Tensor:
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
