"""The torch backend's sums of products on compiled code: weights as int32, and one pass over the outputs.

A weight takes four bytes, as in a float32 network, and becomes a float64 in a register. The kernel is
`dense_kernel`; what float64 does not carry, and what float32 does, runs elsewhere.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation.dense_kernel import VECTORS, Layer, kernel
from anh_rollup.evaluation.torch_passes import address_of, laid_out
from anh_rollup.evaluation.torch_patches import KEPT_GEOMETRIES, geometry, with_margins
from anh_rollup.evaluation.torch_step import Step
from anh_rollup.kernels.threads import in_parts
from anh_rollup.tensor.shapes import Window

#: Multiply-adds that are worth a part of their own (choice: about 0.1 milliseconds).
PART_WORK: Final = 1 << 21

#: Places that are worked on at once (choice: a block's weights are read from the cache for each eight).
CHUNK: Final = 96

Table = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Packed:
    """Weights as the kernel reads them.

    Attributes:
        weights: (groups, terms * padded) int32, see `dense_kernel.Layer`.
        unit: (groups, padded): 2^-shift of each channel.
        addend: (groups, padded): bias and half a unit, as large as the sums.
        outputs: Channels of a group.
    """

    weights: Tensor
    unit: Tensor
    addend: Tensor
    outputs: int


@dataclass(frozen=True, slots=True)
class _Geometry:
    """What is read for which outputs; see `dense_kernel.Layer`, where `places` and `runs` are addresses."""

    places: Table
    runs: Table
    run_terms: int
    source_group: int
    result_group: int
    result_place: int


def packed(weight: Tensor, unit: Tensor, addend: Tensor) -> Packed | None:
    """Weights made ready.

    Args:
        weight: Integers in float64 (groups, channels of a group, terms).
        unit: 2^-shift of each channel, (groups, channels of a group).
        addend: What sums start from, (groups, channels of a group).

    Returns:
        None where the system runs no code from memory.
    """
    compiled = kernel()
    if compiled is None:
        return None
    groups, outputs, terms = weight.shape
    block, padded = VECTORS * compiled.lanes, -(-outputs // compiled.lanes) * compiled.lanes
    # By numpy, for torch's threads wait for one another.
    channels = weight.numpy().swapaxes(1, 2)
    weights = np.zeros((groups, terms * padded), dtype=np.int32)
    for start in range(0, padded, block):
        size = min(block, padded - start)
        own = channels[:, :, start : start + size]
        part = weights[:, start * terms : (start + size) * terms].reshape(groups, terms, size)
        part[:, :, : own.shape[2]] = own
    extras = [functional.pad(each, (0, padded - outputs)).contiguous() for each in (unit, addend)]
    return Packed(torch.from_numpy(weights), extras[0], extras[1], outputs)


def multiply(step: Step, x: Tensor, ready: Packed) -> Tensor:
    """A MATMUL's elements with weights (N, K), clamped: (samples, *shape)."""
    terms = x.shape[-1]
    count = x.numel() // terms
    result = x.new_empty((x.shape[0], *step.value.shape))
    _run(step, x, ready, result, _Geometry(_even(count, terms), _even(1, 0), terms, 0, 0, ready.outputs))
    return result


def multiply_batches(step: Step, x: Tensor, w: Tensor) -> Tensor | None:
    """A MATMUL's elements of operands that both depend on the sample, without bias or shifts: clamped.

    Args:
        step: The instruction; its sums with half a unit stay within 2^53.
        x: (samples, ..., R, K).
        w: (samples, ..., O, K).

    Returns:
        (samples, *shape); None where the system runs no code from memory.
    """
    kernels = w.reshape(-1, *w.shape[-2:])
    shift = step.value.attributes[0]
    like = kernels.new_ones(kernels.shape[:2])
    half = 2.0 ** (shift - 1) if shift else 0.0
    ready = packed(kernels, like * 2.0**-shift, like * half)
    if ready is None:
        return None
    terms, groups = w.shape[-1], kernels.shape[0]
    rows = x.numel() // terms // groups
    result = x.new_empty((x.shape[0], *step.value.shape))
    steps = (rows * terms, rows * ready.outputs, ready.outputs)
    _run(step, x, ready, result, _Geometry(_even(rows, terms), _even(1, 0), terms, *steps))
    return result


def convolve_dense(step: Step, x: Tensor, ready: Packed) -> Tensor:
    """A CONV's elements, clamped: (samples, *shape)."""
    g = geometry(step.shapes, step.value.attributes)
    images = with_margins(x.reshape(x.shape[0], g.height, g.width, g.channels), step)
    result = x.new_empty((x.shape[0], *step.value.shape))
    places, runs = _tables(g, tuple(images.shape))
    steps = (g.group_channels, ready.outputs, g.outputs)
    _run(step, images, ready, result, _Geometry(places, runs, g.terms // len(runs), *steps))
    return result


def _run(step: Step, source: Tensor, ready: Packed, result: Tensor, at: _Geometry) -> None:
    """Fills the result."""
    compiled = kernel()
    if compiled is None:
        raise TypeError("weights are packed for a kernel that there is not")
    source = laid_out(source)
    groups, padded = ready.unit.shape
    blocks, chunk = -(-padded // (VECTORS * compiled.lanes)), _chunk(len(at.places))
    chunks = -(-len(at.places) // chunk)
    layer = Layer(
        source=source.data_ptr(),
        result=result.data_ptr(),
        weights=ready.weights.data_ptr(),
        unit=ready.unit.data_ptr(),
        addend=ready.addend.data_ptr(),
        places=address_of(at.places),
        runs=address_of(at.runs),
        place_count=len(at.places),
        chunk=chunk,
        chunks=chunks,
        blocks=blocks,
        run_count=len(at.runs),
        run_terms=at.run_terms,
        source_group=at.source_group,
        result_group=at.result_group,
        result_place=at.result_place,
        weight_group=ready.weights.shape[1],
        outputs=ready.outputs,
        padded=padded,
        low=step.value.low,
        high=step.value.high,
    )
    work = len(at.places) * ready.weights.numel()
    parts, most = groups * chunks * blocks, work // PART_WORK
    in_parts(lambda start, stop: compiled(layer, start, stop), parts, most, torch.get_num_threads())


def _chunk(places: int) -> int:
    """Places of a unit: whole tiles, in as few and as equal parts as can be."""
    parts = -(-places // CHUNK)
    return -(-places // (8 * parts)) * 8


@lru_cache(maxsize=KEPT_GEOMETRIES)
def _even(count: int, step: int) -> Table:
    return np.arange(count, dtype=np.int64) * step


@lru_cache(maxsize=KEPT_GEOMETRIES)
def _tables(g: Window, padded: tuple[int, ...]) -> tuple[Table, Table]:
    """Where the places of images (samples, height, width, channels) read from, and their runs."""
    samples, height, width, channels = padded
    row = width * channels
    lines = np.add.outer(np.arange(samples) * height * row, np.arange(g.out_h) * g.stride[0] * row)
    places = np.add.outer(lines, np.arange(g.out_w) * g.stride[1] * channels).ravel()
    rows = np.arange(g.kernel_h) * g.dilation[0] * row
    is_whole = g.groups == 1 and (g.dilation[1] == 1 or g.kernel_w == 1)
    runs = rows if is_whole else np.add.outer(rows, np.arange(g.kernel_w) * g.dilation[1] * channels).ravel()
    return places, runs
