"""The torch backend's convolutions with folded weights: patches unfolded part by part, and BLAS.

torch's own convolutions are not used: some of their algorithms are no sums of products.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation.torch_step import Step
from anh_rollup.evaluation.torch_weights import Folded, rounded
from anh_rollup.tensor.shapes import Window, window

#: Bytes of the patches of a convolution that are unfolded at once, such that they stay in a core's cache
#: (measured: 0.5 to 2 MiB are best; all at once takes 1.1 to 1.9 times as long).
PATCH_BYTES: Final = 1 << 21
#: A product of fewer rows than this is a waste of BLAS, so that many are unfolded even where they take more,
#: up to the bytes below it (choice).
PATCH_ROWS: Final = 64
MOST_PATCH_BYTES: Final = 1 << 27
#: Up to so many output channels the product is computed with the channels first, which BLAS does up to twice
#: as fast for so narrow a result, and then turned (measured).
NARROW: Final = 64


def convolve(step: Step, x: Tensor, folded: Folded) -> Tensor:
    """A CONV's elements, clamped: (N, *shape)."""
    g = window(step.shapes[0], step.shapes[1], step.value.attributes)
    images = x.to(folded.dtype).reshape(x.shape[0], g.height, g.width, g.channels)
    work = _Convolution(step, g, folded)
    # Channel by channel the outputs are summed up in their place, else they are copied to it.
    dtype = folded.dtype if work.is_channelwise else x.dtype
    result = x.new_empty((x.shape[0], g.out_h, g.out_w, g.groups, g.outputs // g.groups), dtype=dtype)
    for samples, places in parts_of(result.shape, work.patch_bytes):
        patches = patches_of(work.padded(images[samples]), g)
        for place in places:
            work.fill(patches[:, *place], result[samples, *place])
    return result.to(x.dtype).reshape(x.shape[0], *step.value.shape)


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
    def is_channelwise(self) -> bool:
        """Whether every output reads one channel only."""
        return self.g.group_channels == 1 and self.g.groups > 1

    @property
    def patch_bytes(self) -> int:
        """Bytes to work with for one place of the outputs."""
        terms = 2 * self.g.outputs if self.is_channelwise else self.g.terms
        return terms * self.folded.weight.element_size()

    def padded(self, images: Tensor) -> Tensor:
        """Images (n, height, width, channels) with their margins, which the next call may overwrite."""
        top, left = self.step.value.attributes[5:7]
        if not any(self.step.value.attributes[5:9]):
            return images.contiguous()
        if self._images is None or len(self._images) < len(images):
            self._images = with_margins(images, self.step)
            return self._images
        padded = self._images[: len(images)]
        padded[:, top : top + self.g.height, left : left + self.g.width] = images
        return padded

    def fill(self, patches: Tensor, result: Tensor) -> None:
        """Outputs (n, rows, columns, groups, channels) of patches (n, rows, columns, kh, kw, c)."""
        if self.is_channelwise:
            self._channelwise(patches, result)
            return
        channels = self.g.group_channels
        for group in range(self.g.groups):
            of_group = patches[..., group * channels : (group + 1) * channels]
            self._product(self._matrix(of_group), group, result[:, :, :, group])

    def _matrix(self, patches: Tensor) -> Tensor:
        """Patches of a group as rows of terms, which the next call may overwrite."""
        if patches.is_contiguous():
            return patches.view(-1, self.g.terms)
        if self._rows is None or self._rows.numel() < patches.numel():
            self._rows = patches.new_empty(patches.numel())
        rows = self._rows[: patches.numel()]
        rows.view(patches.shape).copy_(patches)
        return rows.view(-1, self.g.terms)

    def _product(self, rows: Tensor, group: int, result: Tensor) -> None:
        """One group's outputs (n, rows, columns, channels of the group)."""
        weight, addend, unit = self.folded.weight[group], self.folded.addend[group], self.folded.unit
        if self._sums is None or self._sums.numel() < result.numel():
            self._sums = rows.new_empty(result.numel())
        sums = self._sums[: result.numel()]
        if len(weight) <= NARROW:
            sums = sums.view(len(weight), -1)
            torch.addmm(addend[:, None], weight, rows.t(), alpha=unit, out=sums)
            sums = sums.t()
        else:
            sums = sums.view(-1, len(weight))
            torch.addmm(addend, rows, weight.t(), alpha=unit, out=sums)
        result.copy_(rounded(self.step, sums, self.folded).view(result.shape))

    def _channelwise(self, patches: Tensor, result: Tensor) -> None:
        """Every channel by itself, tap by tap, summed up where the outputs are."""
        weight = self.folded.weight
        taps = weight.reshape(*weight.shape[:2], *patches.shape[3:5]).permute(2, 3, 0, 1)
        # One row of outputs long, so that whole rows are multiplied at once.
        row = (patches.shape[2], *self.folded.addend.shape)
        sums = self.folded.addend.expand(row).contiguous()
        for dy, dx in np.ndindex(*patches.shape[3:5]):
            tap = taps[dy, dx].expand(row).contiguous()
            sums = torch.addcmul(
                sums, patches[:, :, :, dy, dx, :, None], tap, value=self.folded.unit, out=result
            )
        rounded(self.step, result, self.folded)


#: Some rows and columns of outputs.
Place = tuple[slice, slice]


def parts_of(shape: Sequence[int], patch_bytes: int) -> Iterator[tuple[slice, list[Place]]]:
    """What is worked on at once of outputs (N, rows, columns, ...): samples, else rows, else columns."""
    samples, rows, columns = shape[:3]
    at_once = max(1, PATCH_BYTES // patch_bytes, min(PATCH_ROWS, MOST_PATCH_BYTES // patch_bytes))
    places = [
        (some_rows, some_columns)
        for some_rows in _slices(rows, at_once // columns)
        for some_columns in _slices(columns, at_once)
    ]
    for some_samples in _slices(samples, at_once // (rows * columns)):
        yield some_samples, places


def _slices(count: int, most: int) -> list[slice]:
    """Parts of `count` that are no larger than `most`, or 1: as few and as equal as can be."""
    parts = -(-count // max(1, most))
    size = -(-count // parts)
    return [slice(start, start + size) for start in range(0, count, size)]


def with_margins(image: Tensor, step: Step) -> Tensor:
    """Images (N, height, width, channels) with a CONV's margins of zeros."""
    top, left, bottom, right = step.value.attributes[5:9]
    if not any((top, left, bottom, right)):
        return image.contiguous()
    # Padding keeps an order in memory that torch takes for its own, with the channels apart.
    return functional.pad(image, (0, 0, left, right, top, bottom)).contiguous()


def patches_of(image: Tensor, g: Window) -> Tensor:
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
