"""The torch backend's convolutions of which every output reads one channel only.

With one output for each channel, compiled code does all of it in one pass (`depthwise_kernel`). Elsewhere
the sums are put together tap by tap where the outputs are.
"""

from functools import lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from anh_rollup.evaluation.depthwise_kernel import TILES, Layer, Taps, kernel
from anh_rollup.evaluation.torch_passes import laid_out
from anh_rollup.evaluation.torch_patches import KEPT_GEOMETRIES, parts_of, patches_of, with_margins
from anh_rollup.evaluation.torch_step import Step
from anh_rollup.evaluation.torch_weights import Folded, rounded
from anh_rollup.kernels.machine_code import Kernel
from anh_rollup.kernels.threads import in_parts
from anh_rollup.tensor.shapes import Window

#: Multiply-adds that are worth a part of their own (choice: about 0.05 milliseconds).
PART_WORK: Final = 1 << 18

#: Tables of geometries with no more rows and columns than this are kept (choice: 10 MiB for all of them).
MOST_KEPT: Final = 1 << 12

IntVector = NDArray[np.int64]
Table = NDArray[np.void]


def convolve_depthwise(step: Step, g: Window, images: Tensor, folded: Folded) -> Tensor:
    """Outputs (N, out_h, out_w, channels, outputs of a channel) of images (N, height, width, channels)."""
    compiled = kernel() if g.outputs == g.groups else None
    if compiled is None:
        return _tap_by_tap(step, g, images.to(folded.dtype), folded)
    return _compiled(compiled, step, g, laid_out(images.to(torch.float64)), folded)


def _compiled(compiled: Kernel, step: Step, g: Window, images: Tensor, folded: Folded) -> Tensor:
    result = images.new_empty((images.shape[0], g.out_h, g.out_w, g.groups, 1))
    taps = folded.weight.view(g.groups, g.kernel_h, g.kernel_w).permute(1, 2, 0)
    weights = (taps.to(torch.float64) * folded.unit).contiguous()
    addend = folded.addend.to(torch.float64).contiguous()
    rows, tiles = _kept_tables(g) if g.out_h + g.out_w <= MOST_KEPT else _tables(g)
    layer = Layer(
        images=images.data_ptr(),
        result=result.data_ptr(),
        weights=weights.data_ptr(),
        addend=addend.data_ptr(),
        rows=rows.ctypes.data,
        tiles=tiles.ctypes.data,
        channels=g.channels,
        out_h=g.out_h,
        image=g.height * g.width * g.channels,
        out_row=g.out_w * g.channels,
        column=g.stride[1] * g.channels,
        tap_row=g.dilation[0] * g.width * g.channels,
        tap_column=g.dilation[1] * g.channels,
        kernel_row=g.kernel_w * g.channels,
        tile_count=len(tiles),
        low=step.value.low,
        high=step.value.high,
    )
    count, most = images.shape[0] * g.out_h, result.numel() * g.terms // PART_WORK
    in_parts(lambda start, stop: compiled(layer, start, stop), count, most, torch.get_num_threads())
    return result


def _tables(g: Window) -> tuple[Table, Table]:
    return _rows(g), _tiles(g)


_kept_tables: Final = lru_cache(maxsize=KEPT_GEOMETRIES)(_tables)


def _rows(g: Window) -> Table:
    """`Taps` of each row of outputs."""
    first, count = _inside(g, 0)
    top = np.arange(g.out_h) * g.stride[0] - g.top_left[0] + first * g.dilation[0]
    table = np.ones(g.out_h, dtype=Taps)
    table["source"] = top * g.width * g.channels
    table["weight"] = first * g.kernel_w * g.channels
    table["count"] = count
    return table


def _tiles(g: Window) -> Table:
    """`Taps` of columns that read the image with the same taps, as few tiles as can be."""
    first, count = _inside(g, 1)
    changes = np.flatnonzero(np.diff(first) | np.diff(count)) + 1
    sizes = np.concatenate([_sizes(int(run)) for run in np.diff(changes, prepend=0, append=g.out_w)])
    columns = np.cumsum(sizes) - sizes
    table = np.empty(len(sizes), dtype=Taps)
    left = columns * g.stride[1] - g.top_left[1] + first[columns] * g.dilation[1]
    table["size"] = sizes
    table["result"] = columns * g.channels
    table["source"] = left * g.channels
    table["weight"] = first[columns] * g.channels
    table["count"] = count[columns]
    return table


def _inside(g: Window, axis: int) -> tuple[IntVector, IntVector]:
    """The first tap inside the image, and how many are, for each row (axis 0) or column (1) of outputs."""
    size, taps, outputs = ((g.height, g.kernel_h, g.out_h), (g.width, g.kernel_w, g.out_w))[axis]
    start = np.arange(outputs) * g.stride[axis] - g.top_left[axis]
    first = -(np.minimum(start, 0) // g.dilation[axis])
    stop = -((start - size) // g.dilation[axis])
    return first, np.maximum(np.minimum(stop, taps) - first, 0)


def _sizes(columns: int) -> IntVector:
    """Tiles of a run of columns, the largest first."""
    sizes = []
    for size in TILES:
        sizes.append(np.full(columns // size, size, dtype=np.int64))
        columns %= size
    return np.concatenate(sizes)


def _tap_by_tap(step: Step, g: Window, images: Tensor, folded: Folded) -> Tensor:
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
