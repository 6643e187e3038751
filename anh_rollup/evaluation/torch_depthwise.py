"""The torch backend's convolutions of which every output reads one channel only.

The sums are put together tap by tap where the outputs are.
"""

import numpy as np
import torch
from torch import Tensor

from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.torch_patches import parts_of, patches_of, with_margins
from anh_rollup.evaluation.torch_weights import Folded, rounded
from anh_rollup.tensor.shapes import Window


def convolve_depthwise(step: Step, g: Window, images: Tensor, folded: Folded) -> Tensor:
    """Outputs (N, out_h, out_w, channels, outputs of a channel) of images (N, height, width, channels)."""
    result = images.new_empty((images.shape[0], g.out_h, g.out_w, g.groups, g.outputs // g.groups))
    for samples, places in parts_of(result.shape, 2 * g.outputs * images.element_size()):
        patches = patches_of(with_margins(images[samples], step), g)
        for place in places:
            _sum_up(step, patches[:, *place], folded, result[samples, *place])
    return result


def _sum_up(step: Step, patches: Tensor, folded: Folded, result: Tensor) -> None:
    """Outputs (n, rows, columns, channels, outputs) of patches (n, rows, columns, kh, kw, channels)."""
    weight, sizes = folded.weight, patches.shape[3:5]
    taps = weight.reshape(*weight.shape[:2], *sizes).permute(2, 3, 0, 1)
    # One row of outputs long, so that whole rows are multiplied at once.
    row = (patches.shape[2], *folded.addend.shape)
    sums = folded.addend.expand(row).contiguous()
    for dy, dx in np.ndindex(*sizes):
        tap = taps[dy, dx].expand(row).contiguous()
        patch = patches[:, :, :, dy, dx, :, None]
        sums = torch.addcmul(sums, patch, tap, value=folded.unit, out=result)
    rounded(step, result, folded)
