"""Weights of a MATMUL or CONV with their bias and shifts folded in, in the narrowest float that is exact.

A sum of products of integers is exact in a float of p bits, in any order and on any hardware, while the sum
of their magnitudes stays within 2^p. So a product runs in float32 (p = 24) or float64 (p = 53), whichever the
weights at hand prove enough; the rounding shift is folded into it, for a factor of 2^-s changes no
significant bit.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anh_rollup.evaluation.steps import FLOAT32_EXACT, FLOAT64_EXACT, Step
from anh_rollup.evaluation.torch_step import clamped, float32_is_exact
from anh_rollup.tensor.opcodes import LinearFlags, Opcode
from anh_rollup.tensor.shapes import term_count

Floats = NDArray[np.float64]
IntVector = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Folded:
    """Weights with everything that is applied to their sums, such that one product and a floor do it all.

    Attributes:
        weight: (groups, channels of a group, terms); times 2^-shift where shifts differ between channels.
        addend: (groups, channels of a group): bias and half a unit, times 2^-shift.
        unit: What products are multiplied by: 2^-shift where it is the same for all channels.
        rounds: Whether there is anything to round.
    """

    weight: Tensor
    addend: Tensor
    unit: float
    rounds: bool

    @property
    def dtype(self) -> torch.dtype:
        """float32 or float64."""
        return self.weight.dtype


def fold(step: Step, weights: Sequence[Tensor]) -> Folded | None:
    """Weights prepared once for all samples.

    Args:
        step: A MATMUL or CONV.
        weights: Weights and extras that are the same for all samples, each (1, *shape).

    Returns:
        None where weights have leading axes, or float64 is too narrow.
    """
    if step.value.opcode is Opcode.MATMUL and weights[0].ndim != 3:
        return None
    groups = step.value.attributes[11] if step.value.opcode is Opcode.CONV else 1
    weight = weights[0].reshape(-1, products(step))
    shifts, bias = _extras(step, [each[0].numpy() for each in weights[1:]])
    addend = bias + np.where(shifts > 0, np.ldexp(1.0, shifts - 1), 0.0)
    dtype = _exact_type(weight, step, float(np.abs(addend).max()))
    if dtype is None:
        return None
    units, alike = np.ldexp(1.0, -shifts), bool((shifts == shifts[0]).all())
    scaled = weight if alike else weight * torch.from_numpy(units)[:, None]
    return Folded(
        scaled.to(dtype).reshape(groups, -1, weight.shape[1]),
        torch.from_numpy(addend * units).to(dtype).expand(weight.shape[0]).reshape(groups, -1),
        float(units[0]) if alike else 1.0,
        bool((shifts > 0).any()),
    )


def _exact_type(weight: Tensor, step: Step, addend: float) -> torch.dtype | None:
    """The narrowest float that holds every sum of products with what is added to it; None where none does.

    Where the declared ranges do for float64, the first channel mostly tells that float32 is too narrow, and
    the others need not be looked at. Float sums of bounds are rounded, so a bound next to an edge counts as
    beyond it.
    """
    x, w = step.magnitudes[:2]
    margin = 1 + 2.0**-40
    declared = (x * w * weight.shape[1] + addend) * margin
    if declared <= FLOAT64_EXACT and float(weight[0].abs().sum()) * x > FLOAT32_EXACT:
        return torch.float64
    bound = (float(weight.abs().sum(1).max()) * x + addend) * margin
    # A bound that all sums are clamped to is a result, too.
    kept = step.value.low <= FLOAT32_EXACT and step.value.high >= -FLOAT32_EXACT
    if bound <= FLOAT32_EXACT and kept and float32_is_exact():
        return torch.float32
    return torch.float64 if bound <= FLOAT64_EXACT else None


def products(step: Step) -> int:
    """How many products a sum of a MATMUL or CONV has."""
    opcode = Opcode.CONV if step.value.opcode is Opcode.CONV else Opcode.MATMUL
    return term_count(opcode, step.shapes, step.value.attributes)


def _extras(step: Step, extras: Sequence[Floats]) -> tuple[IntVector, Floats]:
    """Shift and moved bias of each channel: (channels,) each, or (1,) where all channels' are the same."""
    shift, guard, flags = step.value.attributes[:3]
    shifts = extras[-1].astype(np.int32) if flags & LinearFlags.SHIFTS else np.array([shift], dtype=np.int32)
    bias = extras[0] * np.ldexp(1.0, shifts - guard) if flags & LinearFlags.BIAS else np.zeros(1)
    return shifts, bias


def rounded(step: Step, sums: Tensor, folded: Folded) -> Tensor:
    """The elements that sums end in, rounded and clamped in place."""
    return clamped(step, sums.floor_() if folded.rounds else sums, shared=False)
