"""The compiled backend's convolutions of which every output reads one channel, with one output for each.

One pass over the outputs does all of it: see `depthwise_kernel`.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.evaluation import depthwise_kernel
from anh_rollup.evaluation.arena import address_of
from anh_rollup.evaluation.compiled_dense import KEPT_GEOMETRIES, Exact, geometry
from anh_rollup.evaluation.compiled_passes import Floats, laid_out
from anh_rollup.evaluation.depthwise_kernel import TILES, Layer, Taps
from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.tape import Tape
from anh_rollup.tensor.shapes import Window

#: Multiply-adds that are worth a part of their own (choice: about 0.05 milliseconds).
PART_WORK: Final = 1 << 18

#: Tables of geometries with no more rows and columns than this are kept (choice: 10 MiB for all of them).
MOST_KEPT: Final = 1 << 12

IntVector = NDArray[np.int64]
Table = NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Scaled:
    """Weights as the kernel reads them.

    Attributes:
        weights: (taps, channels), times 2^-shift of the channel.
        addend: (channels,): bias and half a unit, times 2^-shift.
    """

    weights: Floats
    addend: Floats


def scaled(exact: Exact) -> Scaled:
    """Weights of one output for each channel made ready."""
    weights = (exact.weights * exact.unit[:, :, None])[:, 0].T
    return Scaled(np.ascontiguousarray(weights), (exact.addend * exact.unit).ravel())


def convolve_depthwise(tape: Tape, step: Step, x: Floats, ready: Scaled) -> Floats:
    """A CONV's elements, clamped: (samples, *shape)."""
    g = geometry(step.shapes, step.value.attributes)
    images = laid_out(tape, x)
    result: Floats = tape.empty((x.shape[0], *step.value.shape))
    rows, tiles = _kept_tables(g) if g.out_h + g.out_w <= MOST_KEPT else _tables(g)
    arrays: tuple[NDArray[Any], ...] = (images, result, ready.weights, ready.addend, rows, tiles)
    layer = Layer(
        *(address_of(each) for each in arrays),
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
    kernel = tape.kernel(depthwise_kernel.compiled_for)
    tape.call(kernel, layer, x.shape[0] * g.out_h, result.size * g.terms // PART_WORK, arrays)
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
