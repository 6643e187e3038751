"""What the torch rules of single instructions share."""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from anh_rollup.evaluation.steps import FLOAT64_EXACT, Step

#: An instruction's results before the clamp, exact in float64; None where float64 is too narrow for it.
Rule = Callable[[Step, Sequence[Tensor]], Tensor | None]


def aligned(inputs: Sequence[Tensor]) -> list[Tensor]:
    """The inputs with ones put in after the sample axis, so that torch broadcasts them from the right."""
    rank = max(each.ndim for each in inputs)
    return [each.reshape(each.shape[0], *(1,) * (rank - each.ndim), *each.shape[1:]) for each in inputs]


def clamped(step: Step, raw: Tensor, *, shared: bool) -> Tensor:
    """Results inside the instruction's bounds; in place unless they share memory with an input."""
    low = step.value.low if step.raw.low < step.value.low else None
    high = step.value.high if step.raw.high > step.value.high else None
    if low is None and high is None:
        return raw
    return raw.clamp(low, high) if shared else raw.clamp_(low, high)


def shifted(raw: Tensor, shift: int, most: int) -> Tensor | None:
    """rs(raw, shift) in place; None where float64 is too narrow.

    Args:
        raw: Integers in float64, to be overwritten.
        shift: Right where positive.
        most: Their largest magnitude.
    """
    if shift == 0:
        return raw
    if shift < 0:
        return raw.mul_(2.0**-shift) if most << -shift <= FLOAT64_EXACT else None
    if most + (1 << (shift - 1)) > FLOAT64_EXACT:
        return None
    return raw.add_(2.0 ** (shift - 1)).mul_(2.0**-shift).floor_()


def float32_is_exact() -> bool:
    """Whether float32 products are computed as such, and not in a shorter type that a setting allows."""
    ramp = torch.arange(64, dtype=torch.float32)
    left, right = 4033 + ramp.reshape(-1, 1).expand(64, 64), torch.eye(64)
    return bool(torch.equal(left @ right, left))
