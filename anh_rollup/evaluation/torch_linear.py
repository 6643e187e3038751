"""The torch backend's MATMUL and CONV: exact sums of products on ordinary floating-point BLAS.

A sum of products of integers is exact in a float of p bits, in any order and on any hardware, while the sum
of their magnitudes stays within 2^p. So a product runs in float32 (p = 24) or float64 (p = 53), whichever the
weights at hand prove enough; the rounding shift is folded into it, for a factor of 2^-s changes no
significant bit. Sums that float64 cannot carry are put together in int64 from limbs of the larger operand.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation.operations import apply, finish_linear
from anh_rollup.evaluation.torch_step import FLOAT32_EXACT, FLOAT64_EXACT, Step, clamped, shifted
from anh_rollup.tensor.opcodes import LinearFlags, Opcode
from anh_rollup.tensor.shapes import Window, term_count, window

#: Bytes of the patches of a convolution that are unfolded at once, such that they stay in a core's cache
#: (measured: 0.5 to 2 MiB are best; all at once takes 1.1 to 1.9 times as long).
PATCH_BYTES: Final = 1 << 21
#: A product of fewer rows than this is a waste of BLAS, so that many are unfolded even where they take more,
#: up to the bytes below it (choice).
PATCH_ROWS: Final = 64
MOST_PATCH_BYTES: Final = 1 << 27
#: A padded image so many times larger than input and output together is never written down: its margins are
#: read by no tap or by few (choice; strangers choose strides and margins).
MOST_MARGIN: Final = 16
#: Up to so many output channels the product is computed with the channels first, which BLAS does up to twice
#: as fast for so narrow a result, and then turned (measured).
NARROW: Final = 64


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


def fold(step: Step, inputs: Sequence[Tensor | None], *, float32: bool) -> Folded | None:
    """Weights prepared once for all samples.

    Args:
        step: A MATMUL or CONV.
        inputs: x, which is not looked at, then weights and extras, each (1, *shape).
        float32: Whether float32 may be used.

    Returns:
        None where an operand differs from sample to sample, weights have leading axes, or float64 is too
        narrow.
    """
    given = [each for each in inputs[1:] if each is not None and each.shape[0] == 1]
    if len(given) != len(inputs) - 1 or (step.value.opcode is Opcode.MATMUL and given[0].ndim != 3):
        return None
    groups = step.value.attributes[11] if step.value.opcode is Opcode.CONV else 1
    weight = given[0].reshape(-1, term_count(_opcode(step), step.shapes, step.value.attributes))
    shifts, bias = _extras(step, [each[0] for each in given[1:]], weight.shape[0])
    half = torch.where(shifts > 0, _power(shifts - 1), 0.0)
    bound = _bound(weight, step.magnitudes[0], float((bias.abs() + half).max()))
    if bound > FLOAT64_EXACT:
        return None
    dtype = torch.float32 if float32 and bound <= FLOAT32_EXACT else torch.float64
    units, alike = _power(-shifts), bool((shifts == shifts[0]).all())
    scaled = (weight if alike else weight * units[:, None]).to(dtype)
    return Folded(
        scaled.reshape(groups, -1, weight.shape[1]),
        ((bias + half) * units).to(dtype).reshape(groups, -1),
        float(units[0]) if alike else 1.0,
        bool((shifts > 0).any()),
    )


def _bound(weight: Tensor, most: int, addend: float) -> float:
    """No sum of products, with what is added to it, is larger: from the largest weight, or else from all.

    Float sums of bounds are rounded, so a bound next to an edge counts as beyond it.
    """
    low, high = torch.aminmax(weight)
    peak = max(-float(low), float(high)) * most
    simple = (peak * weight.shape[1] + addend) * (1 + 2.0**-40)
    if simple <= FLOAT32_EXACT or (peak > FLOAT32_EXACT and simple <= FLOAT64_EXACT):
        return simple
    return (float(weight.abs().sum(1).max()) * most + addend) * (1 + 2.0**-40)


def _opcode(step: Step) -> Opcode:
    return Opcode.CONV if step.value.opcode is Opcode.CONV else Opcode.MATMUL


def _extras(step: Step, extras: Sequence[Tensor], channels: int) -> tuple[Tensor, Tensor]:
    """Shift and moved bias of each channel, (channels,) each."""
    shift, guard, flags = step.value.attributes[:3]
    like = torch.zeros(channels, dtype=torch.float64)
    shifts = extras[-1] if flags & LinearFlags.SHIFTS else like + shift
    bias = extras[0] * _power(shifts - guard) if flags & LinearFlags.BIAS else like
    return shifts, bias


def _power(exponents: Tensor) -> Tensor:
    """2^n for each integer n, exactly, which exp2 does not promise."""
    return torch.from_numpy(np.ldexp(1.0, exponents.numpy().astype(np.int32)))


def linear(step: Step, inputs: Sequence[Tensor], folded: Folded | None) -> Tensor:
    """A MATMUL's or CONV's elements, clamped: (N or 1, *shape). `folded` is what `fold` gave for it."""
    if step.value.opcode is Opcode.CONV and padded_size(step) > _most_padded(step):
        return _by_reference(step, inputs)
    if folded is None:
        return _general(step, inputs)
    if step.value.opcode is Opcode.MATMUL:
        return _matmul(step, inputs[0], folded)
    return _conv(step, inputs[0], folded)


def padded_size(step: Step) -> int:
    """Elements of a CONV's input with its margins."""
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    top, left, bottom, right = step.value.attributes[5:9]
    return (g.height + top + bottom) * (g.width + left + right) * g.channels


def _most_padded(step: Step) -> int:
    return max(PATCH_BYTES, MOST_MARGIN * (prod(step.shapes[0]) + step.value.size))


def _by_reference(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    """The reference's rule, which looks at nothing but taps inside the input."""
    wide = apply(step.value, [one.to(torch.int64).numpy() for one in inputs])
    return torch.from_numpy(wide).to(torch.float64)


def _rounded(step: Step, sums: Tensor, folded: Folded) -> Tensor:
    return clamped(step, sums.floor_() if folded.rounds else sums, shared=False)


def _matmul(step: Step, x: Tensor, folded: Folded) -> Tensor:
    rows = x.reshape(-1, x.shape[-1]).to(folded.dtype)
    sums = torch.addmm(folded.addend[0], rows, folded.weight[0].t(), alpha=folded.unit)
    return _rounded(step, sums, folded).to(x.dtype).reshape(x.shape[0], *step.value.shape)


def _conv(step: Step, x: Tensor, folded: Folded) -> Tensor:
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    image = _padded(x.to(folded.dtype).reshape(x.shape[0], g.height, g.width, g.channels), step)
    patches = _patches(image, g)
    result = x.new_empty((x.shape[0], g.out_h, g.out_w, g.groups, g.outputs // g.groups))
    channelwise = g.group_channels == 1 and g.groups > 1
    terms = 2 * g.outputs if channelwise else g.terms
    for part in _parts(patches.shape, terms * folded.weight.element_size()):
        if channelwise:
            result[part] = _channelwise(step, patches[part], folded)
            continue
        for group in range(g.groups):
            of_group = slice(group * g.group_channels, (group + 1) * g.group_channels)
            _product(step, patches[part][..., of_group], folded, group, result[part][:, :, :, group])
    return result.reshape(x.shape[0], *step.value.shape)


def _product(step: Step, patches: Tensor, folded: Folded, group: int, result: Tensor) -> None:
    """One group's outputs, into (n, rows, columns, channels), for patches (n, rows, columns, kh, kw, c)."""
    weight, addend = folded.weight[group], folded.addend[group]
    rows = patches.reshape(-1, weight.shape[1])
    if weight.shape[0] <= NARROW:
        turned = torch.addmm(addend[:, None], weight, rows.t(), alpha=folded.unit)
        result.copy_(_rounded(step, turned, folded).t().reshape(result.shape))
    else:
        sums = torch.addmm(addend, rows, weight.t(), alpha=folded.unit)
        result.copy_(_rounded(step, sums, folded).reshape(result.shape))


def _channelwise(step: Step, patches: Tensor, folded: Folded) -> Tensor:
    """Every channel by itself, tap by tap: (n, rows, columns, channels, outputs of a channel)."""
    kernel = patches.shape[3:5]
    taps = folded.weight.reshape(*folded.weight.shape[:2], *kernel).permute(2, 3, 0, 1)
    sums = folded.addend.expand(*patches.shape[:3], *folded.addend.shape).contiguous()
    for dy, dx in np.ndindex(*kernel):
        # One row of outputs long, so that whole rows are multiplied at once.
        row = taps[dy, dx].expand(patches.shape[2], *taps.shape[2:]).contiguous()
        sums.addcmul_(patches[:, :, :, dy, dx, :, None], row, value=folded.unit)
    return _rounded(step, sums, folded)


#: Some samples, rows and columns.
Part = tuple[slice, slice, slice]


def _parts(shape: Sequence[int], patch_bytes: int) -> Iterator[Part]:
    """What is worked on at once of patches (N, rows, columns, ...): samples, else rows, else columns."""
    samples, rows, columns = shape[:3]
    at_once = max(1, PATCH_BYTES // patch_bytes, min(PATCH_ROWS, MOST_PATCH_BYTES // patch_bytes))
    some_samples = max(1, at_once // (rows * columns))
    some_rows = min(rows, max(1, at_once // columns))
    some_columns = min(columns, at_once)
    for sample in range(0, samples, some_samples):
        for row in range(0, rows, some_rows):
            for column in range(0, columns, some_columns):
                yield (
                    slice(sample, sample + some_samples),
                    slice(row, row + some_rows),
                    slice(column, column + some_columns),
                )


def _padded(image: Tensor, step: Step) -> Tensor:
    top, left, bottom, right = step.value.attributes[5:9]
    if not any((top, left, bottom, right)):
        return image.contiguous()
    return functional.pad(image, (0, 0, left, right, top, bottom))


def _patches(image: Tensor, g: Window) -> Tensor:
    """What each output element reads: (N, out_h, out_w, kernel_h, kernel_w, channels), without a copy."""
    samples, row, column, _ = image.stride()
    strides = (
        samples,
        row * g.stride[0],
        column * g.stride[1],
        row * g.dilation[0],
        column * g.dilation[1],
        1,
    )
    size = (image.shape[0], g.out_h, g.out_w, g.kernel_h, g.kernel_w, g.channels)
    return image.as_strided(size, strides)


def _general(step: Step, inputs: Sequence[Tensor]) -> Tensor:
    """Operands that differ from sample to sample, or sums beyond float64."""
    x, w = inputs[:2]
    if step.value.opcode is Opcode.CONV:
        sums = _general_conv(step, x, w)
    else:
        rows = x if w.ndim > 3 else x.reshape(x.shape[0], -1, x.shape[-1])
        sums = exact_product(rows, w, step.magnitudes)
    return _finished(step, sums.reshape(sums.shape[0], *step.value.shape), inputs[2:])


def _general_conv(step: Step, x: Tensor, w: Tensor) -> Tensor:
    """Sums of products (N, rows, columns, groups, outputs of a group)."""
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    samples = max(x.shape[0], w.shape[0])
    patches = _patches(_padded(x.reshape(x.shape[0], g.height, g.width, g.channels), step), g)
    patches = patches.expand(samples, *patches.shape[1:])
    kernels = w.reshape(w.shape[0], g.groups, g.outputs // g.groups, g.terms)
    result: Tensor | None = None
    for part in _parts(patches.shape, g.groups * g.terms * x.element_size()):
        some = patches[part]
        split = some.reshape(*some.shape[:-1], g.groups, g.group_channels).permute(0, 5, 1, 2, 3, 4, 6)
        rows = split.reshape(some.shape[0], g.groups, -1, g.terms)
        sums = exact_product(rows, kernels if w.shape[0] == 1 else kernels[part[0]], step.magnitudes)
        if result is None:
            result = sums.new_empty((*patches.shape[:3], g.groups, g.outputs // g.groups))
        result[part] = sums.transpose(1, 2).reshape(result[part].shape)
    return patches.new_empty(0) if result is None else result


def _finished(step: Step, sums: Tensor, extras: Sequence[Tensor]) -> Tensor:
    """Bias, shift and clamp of exact sums, in float64 where that is simple, else by the reference's rule."""
    value, (x, w) = step.value, step.magnitudes[:2]
    if not extras and sums.dtype == torch.float64:
        most = x * w * term_count(_opcode(step), step.shapes, value.attributes)
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
