"""The torch backend's convolutions with prepared weights: rows of patches, unfolded part by part, and BLAS.

Images lie with their rows outermost: (padded height, samples, padded width, channels). Then the patches of
one kernel row - width of the kernel times channels - for some rows of outputs are one matrix, and those of
the next kernel row the same matrix a row further on. So an image is unfolded as many times as the kernel is
wide, not as it has taps, and one product for each kernel row is added to the others' sums.

torch's own convolutions are not used: some of their algorithms are no sums of products.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import Final

import torch
from torch import Tensor

from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.torch_depthwise import convolve_depthwise
from anh_rollup.evaluation.torch_patches import Place, geometry, parts_of
from anh_rollup.evaluation.torch_weights import Folded, rounded
from anh_rollup.tensor.shapes import Window

#: Up to so many output channels the product is computed with the channels first, which BLAS does up to twice
#: as fast for so narrow a result, and then turned (measured).
NARROW: Final = 64
#: Image rows that are unfolded at once are at most so many times the rows of outputs (choice).
MOST_BAND: Final = 4


def convolve(step: Step, x: Tensor, folded: Folded) -> Tensor:
    """A CONV's elements, clamped: (N, *shape)."""
    g = geometry(step.shapes, step.value.attributes)
    images = x.reshape(x.shape[0], g.height, g.width, g.channels)
    if g.group_channels == 1 and g.groups > 1:
        result = convolve_depthwise(step, g, images.to(folded.dtype), folded)
    else:
        result = _convolve(step, g, images.to(folded.dtype), folded, x.dtype)
    return result.to(x.dtype).reshape(x.shape[0], *step.value.shape)


def _convolve(step: Step, g: Window, images: Tensor, folded: Folded, dtype: torch.dtype) -> Tensor:
    """Outputs (samples, out_h, out_w, groups, outputs of a group), of this type."""
    work = _Convolution(step, g, folded)
    samples, rows = images.shape[0], g.out_h
    if work.is_pointwise:
        # All images are one, and nothing has to be moved.
        samples, rows = 1, samples * rows
        images = images.reshape(1, rows, g.width, g.channels)
    result = images.new_empty((samples, rows, g.out_w, g.groups, g.outputs // g.groups), dtype=dtype)
    for some_samples, places in parts_of(result.shape, work.patch_bytes):
        padded = work.padded(images[some_samples])
        for place in places:
            work.fill(padded, place, result[some_samples, *place])
    return result


@dataclass(slots=True)
class _Convolution:
    """A CONV with the memory that all its parts share, so that it is asked for once and stays in the cache.

    Measured: asking for it part by part takes up to 1.3 times as long.
    """

    step: Step
    g: Window
    folded: Folded
    _images: Tensor | None = None
    _rows: Tensor | None = None
    _sums: Tensor | None = None

    @property
    def is_pointwise(self) -> bool:
        """Whether outputs of one row read that row only, and all rows are read."""
        vertical = (self.g.kernel_h, self.g.stride[0])
        return vertical == (1, 1) and not any(self.step.value.attributes[5:9])

    @property
    def patch_bytes(self) -> int:
        """Bytes of a patch's row."""
        return self.g.kernel_w * self.g.group_channels * self.folded.weight.element_size()

    def padded(self, images: Tensor) -> Tensor:
        """Images (n, height, width, channels) with margins, rows outermost. The next call overwrites it."""
        top, left, bottom, right = self.step.value.attributes[5:9]
        if not any((top, left, bottom, right)):
            return images.contiguous().transpose(0, 1)
        samples, height, width, channels = images.shape
        if self._images is None or self._images.shape[1] < samples:
            size = (top + height + bottom, samples, left + width + right, channels)
            self._images = images.new_zeros(size)
        padded = self._images[:, :samples]
        padded[top : top + height, :, left : left + width] = images.transpose(0, 1)
        return padded

    def fill(self, padded: Tensor, place: Place, result: Tensor) -> None:
        """Outputs (n, rows, columns, groups, channels of a group) at a place."""
        turned = result.transpose(0, 1)
        for group in range(self.g.groups):
            sums = self._started(group, turned[:, :, :, group].shape)
            for band in bands(self.g, turned.shape[0]):
                self._add_band(padded, place, group, band, sums)
            turned[:, :, :, group] = rounded(self.step, sums, self.folded).view(turned[:, :, :, group].shape)

    def _started(self, group: int, shape: Sequence[int]) -> Tensor:
        """What is added to sums of products, as rows of a group's channels. The next call overwrites it."""
        channels, count = shape[-1], prod(shape)
        if self._sums is None or self._sums.numel() < count:
            self._sums = self.folded.weight.new_empty(count)
        flat = self._sums[:count]
        sums = flat.view(channels, -1).t() if channels <= NARROW else flat.view(-1, channels)
        return sums.copy_(self.folded.addend[group])

    def _add_band(self, padded: Tensor, place: Place, group: int, band: Sequence[int], sums: Tensor) -> None:
        """Adds the products of some kernel rows."""
        rows, dilation, stride = place[0], self.g.dilation[0], self.g.stride[0]
        first = band[0] * dilation
        ahead = [(each * dilation - first) // stride for each in band]
        count, terms = rows.stop - rows.start, self.g.kernel_w * self.g.group_channels
        start = rows.start * stride + first
        unfolded = self._unfolded(padded[start::stride][: ahead[-1] + count], place[1], group)
        for kernel_row, row in zip(band, ahead, strict=True):
            weight = self.folded.weight[group, :, kernel_row * terms : (kernel_row + 1) * terms]
            matrix = unfolded[row : row + count].view(-1, terms)
            sums.addmm_(matrix, weight.t(), alpha=self.folded.unit)

    def _unfolded(self, image: Tensor, columns: slice, group: int) -> Tensor:
        """Patches of rows (rows, n, columns, kernel_w, group's channels). The next call overwrites it."""
        step, channels = image.stride(2), self.g.group_channels
        shape = (*image.shape[:2], columns.stop - columns.start, self.g.kernel_w, channels)
        strides = (*image.stride()[:2], step * self.g.stride[1], step * self.g.dilation[1], 1)
        start = columns.start * self.g.stride[1] * step + group * channels
        patches = image.as_strided(shape, strides, image.storage_offset() + start)
        if patches.is_contiguous():
            return patches
        if self._rows is None or self._rows.numel() < patches.numel():
            self._rows = patches.new_empty(patches.numel())
        return self._rows[: patches.numel()].view(shape).copy_(patches)


def bands(g: Window, rows: int) -> list[list[int]]:
    """The kernel's rows, together where the image rows that they read for so many rows of outputs overlap."""
    bands: list[list[int]] = []
    latest: dict[int, list[int]] = {}
    for each in range(g.kernel_h):
        phase = each * g.dilation[0] % g.stride[0]
        band = latest.get(phase)
        if band is None or (each - band[0]) * g.dilation[0] > (MOST_BAND - 1) * rows * g.stride[0]:
            band = latest[phase] = []
            bands.append(band)
        band.append(each)
    return bands
