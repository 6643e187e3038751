"""Sums of products of convolutions on any device of torch, from patches that are unfolded part by part.

torch's own convolutions are not used: some of their algorithms are no sums of products.
"""

from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation.exact_sums import needs_limbs
from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.torch_products import exact_product
from anh_rollup.tensor.shapes import Window, window

#: Elements that are unfolded at once, by device. On a processor they stay in a core's cache (measured: 1 to
#: 2 MiB are best; all at once takes 1.1 to 1.9 times as long), elsewhere they take 512 MiB (choice).
UNFOLDED: Final = {"cpu": 1 << 18, "cuda": 1 << 26}
#: A product of fewer rows than this is a waste of BLAS (choice).
LEAST_UNFOLDED: Final = 64


def convolve(step: Step, x: Tensor, w: Tensor, worth: int) -> Tensor:
    """Sums of products of a CONV, of the type that `exact_product` gives: (N, rows, columns, channels).

    Args:
        step: The instruction, without wide margins.
        x: Images, (N or 1, *shape), as `exact_product` takes them.
        w: Kernels, (N or 1, *shape), likewise.
        worth: How many products of slices are faster than one in float64.
    """
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    kernels = w.reshape(len(w), g.groups, g.outputs // g.groups, g.terms)
    patches = _patches(_padded(step, x.reshape(len(x), g.height, g.width, g.channels)), g)
    patches = patches.expand(max(len(x), len(w)), *patches.shape[1:])
    is_depthwise = g.group_channels == 1 < g.groups
    sums, unfolded = (_taps, 2 * g.outputs) if is_depthwise else (_products, g.terms * g.groups)
    at_once = UNFOLDED[x.device.type] // (len(patches) * unfolded)
    at_once = max(at_once, LEAST_UNFOLDED // len(patches), 1)
    bands = torch.split(patches, max(1, at_once // g.out_w), 1)
    parts = [[sums(step, part, kernels, worth) for part in torch.split(band, at_once, 2)] for band in bands]
    return torch.cat([torch.cat(each, 2) for each in parts], 1)


def _padded(step: Step, image: Tensor) -> Tensor:
    """Images (N, height, width, channels) with a CONV's margins of zeros, in order in memory."""
    top, left, bottom, right = step.value.attributes[5:9]
    margins = (0, 0, left, right, top, bottom)
    # What torch adds margins to keeps the order that it has in memory.
    return (functional.pad(image, margins) if any(margins) else image).contiguous()


def _patches(image: Tensor, g: Window) -> Tensor:
    """What each output element reads: (N, out_h, out_w, kernel_h, kernel_w, channels), without a copy."""
    samples, row, column, _ = image.stride()
    down, across = (row * g.stride[0], column * g.stride[1]), (row * g.dilation[0], column * g.dilation[1])
    size = (len(image), g.out_h, g.out_w, g.kernel_h, g.kernel_w, g.channels)
    return image.as_strided(size, (samples, *down, *across, 1))


def _products(step: Step, patches: Tensor, kernels: Tensor, worth: int) -> Tensor:
    """Sums for patches (N, rows, columns, kernel_h, kernel_w, channels): (N, rows, columns, outputs)."""
    samples, rows, columns = patches.shape[:3]
    groups, terms = kernels.shape[1], kernels.shape[3]
    split = patches.reshape(*patches.shape[:5], groups, -1).permute(0, 5, 1, 2, 3, 4, 6)
    shared = kernels[0, 0] if groups == 1 else kernels[0]
    sums = exact_product(
        split.reshape(samples, groups, rows * columns, terms),
        shared if len(kernels) == 1 else kernels,
        step.magnitudes[:2],
        step.sums,
        worth,
    )
    return sums.transpose(1, 2).reshape(samples, rows, columns, -1)


def _taps(step: Step, patches: Tensor, kernels: Tensor, _worth: int) -> Tensor:
    """The same where every output reads one channel, put together tap by tap."""
    if needs_limbs(step.sums):
        patches, kernels = patches.to(torch.int64), kernels.to(torch.int64)
    sums = patches.new_zeros((*patches.shape[:3], *kernels.shape[1:3]))
    # One row of outputs long, so that whole rows are multiplied at once.
    rows = kernels.permute(3, 0, 1, 2)[:, :, None, None].expand(-1, -1, -1, patches.shape[2], -1, -1)
    taps = rows.contiguous()
    for tap, (dy, dx) in zip(taps, np.ndindex(*patches.shape[3:5]), strict=True):
        sums.addcmul_(patches[:, :, :, dy, dx, :, None], tap)
    return sums.flatten(3)
