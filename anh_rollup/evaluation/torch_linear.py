"""The torch backend's MATMUL and CONV: exact sums of products on ordinary floating-point BLAS.

With weights that are the same for all samples they run in float32 or float64 (`torch_weights`). Sums that
float64 cannot carry are put together in int64 from limbs of the larger operand.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anh_rollup.evaluation.operations import apply, finish_linear
from anh_rollup.evaluation.steps import FLOAT64_EXACT, Step
from anh_rollup.evaluation.torch_convolution import convolve
from anh_rollup.evaluation.torch_patches import parts_of, patches_of, with_margins
from anh_rollup.evaluation.torch_step import clamped, shifted
from anh_rollup.evaluation.torch_weights import Folded, products, rounded
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.shapes import window


def linear(step: Step, inputs: Sequence[Tensor], folded: Folded | None) -> Tensor:
    """A MATMUL's or CONV's elements, clamped: (N or 1, *shape).

    Args:
        step: The instruction.
        inputs: What it reads; with prepared weights the first input is enough.
        folded: Its prepared weights, where it has any; a CONV with wide margins has none.
    """
    if folded is None:
        return _by_reference(step, inputs) if step.has_wide_margins else _general(step, inputs)
    if step.value.opcode is Opcode.MATMUL:
        return _matmul(step, inputs[0], folded)
    return convolve(step, inputs[0], folded)


def on_arrays(step: Step) -> Callable[..., None]:
    """Work that gives an array the elements of a MATMUL or CONV, from arrays of float64."""

    def work(result: NDArray[np.float64], *inputs: NDArray[np.float64]) -> None:
        with torch.inference_mode():
            result[...] = linear(step, [torch.from_numpy(each) for each in inputs], None).numpy()

    return work


def _by_reference(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    """The reference's rule, which looks at nothing but taps inside the input."""
    wide = apply(step.value, [one.to(torch.int64).numpy() for one in inputs])
    return torch.from_numpy(wide).to(torch.float64)


def _matmul(step: Step, x: Tensor, folded: Folded) -> Tensor:
    rows = x.reshape(-1, x.shape[-1]).to(folded.dtype)
    sums = torch.addmm(folded.addend[0], rows, folded.weight[0].t(), alpha=folded.unit)
    return rounded(step, sums, folded).to(x.dtype).reshape(x.shape[0], *step.value.shape)


def _general(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    """Operands that differ from sample to sample, or sums beyond float64."""
    x, w = inputs[:2]
    if step.value.opcode is Opcode.CONV:
        sums = _general_conv(step, x, w)
    elif w.shape[0] == 1:
        # torch would copy such weights for each sample.
        sums = _shared_product(x, w[0], step.magnitudes)
    else:
        rows = x if w.ndim > 3 else x.reshape(x.shape[0], -1, x.shape[-1])
        sums = exact_product(rows, w, step.magnitudes)
    return _finished(step, sums.reshape(-1, *step.value.shape), inputs[2:])


def _shared_product(x: Tensor, w: Tensor, magnitudes: Sequence[int]) -> Tensor:
    """Sums of products of weights (..., O, K) that are the same for all samples: (N, ..., R, O)."""
    if w.ndim == 2:
        return exact_product(x.reshape(-1, x.shape[-1]), w, magnitudes)
    together = x.movedim(0, -3)
    rows = together.reshape(*w.shape[:-2], -1, x.shape[-1])
    sums = exact_product(rows, w, magnitudes)
    return sums.reshape(*together.shape[:-1], -1).movedim(-3, 0)


def _general_conv(step: Step, x: Tensor, w: Tensor) -> Tensor:
    """Sums of products (N, rows, columns, groups, outputs of a group)."""
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    samples = max(x.shape[0], w.shape[0])
    patches = patches_of(with_margins(x.reshape(x.shape[0], g.height, g.width, g.channels), step), g)
    patches = patches.expand(samples, *patches.shape[1:])
    kernels = w.reshape(w.shape[0], g.groups, g.outputs // g.groups, g.terms)
    result: Tensor | None = None
    parts = parts_of(patches.shape, g.groups * g.terms * x.element_size())
    for part in ((some_samples, *place) for some_samples, places in parts for place in places):
        some = patches[part]
        split = some.reshape(*some.shape[:-1], g.groups, g.group_channels).permute(0, 5, 1, 2, 3, 4, 6)
        rows = split.reshape(some.shape[0], g.groups, -1, g.terms)
        if w.shape[0] == 1:
            sums = _shared_product(rows, kernels[0], step.magnitudes)
        else:
            sums = exact_product(rows, kernels[part[0]], step.magnitudes)
        if result is None:
            result = sums.new_empty((*patches.shape[:3], g.groups, g.outputs // g.groups))
        result[part] = sums.transpose(1, 2).reshape(result[part].shape)
    return patches.new_empty(0) if result is None else result


def _finished(step: Step, sums: Tensor, extras: Sequence[Tensor]) -> Tensor:
    """Bias, shift and clamp of exact sums, in float64 where that is simple, else by the reference's rule."""
    value, (x, w) = step.value, step.magnitudes[:2]
    if not extras and sums.dtype == torch.float64:
        most = x * w * products(step)
        done = shifted(sums, value.attributes[0], most)
        if done is not None:
            return clamped(step, done, shared=False)
    wide = [each.to(torch.int64).numpy() for each in (sums, *extras)]
    finished = finish_linear(value, wide[0], wide[1:])
    return torch.from_numpy(np.clip(finished, value.low, value.high)).to(torch.float64)


def exact_product(x: Tensor, w: Tensor, magnitudes: Sequence[int]) -> Tensor:
    """Sums of products x (..., R, K) by w (..., O, K), which are proven to stay below 2^63.

    Args:
        x: Integers in float64.
        w: Integers in float64.
        magnitudes: The largest of each.

    Returns:
        (..., R, O), in float64 where that is exact, else in int64.
    """
    turned, terms = w.transpose(-1, -2), x.shape[-1]
    if magnitudes[0] * magnitudes[1] * terms <= FLOAT64_EXACT:
        return x @ turned
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
