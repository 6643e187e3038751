"""The compiled backend's sums of products: weights as whole numbers, and one pass over the outputs.

A weight takes four bytes, as in a float32 network, or fewer where all weights fit, and becomes a float64 in a
register. The kernel is `dense_kernel`; what float64 does not carry runs elsewhere.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.evaluation.arena import address_of
from anh_rollup.evaluation.compiled_passes import Floats, copy_into, fill, laid_out
from anh_rollup.evaluation.dense_kernel import COMPILED_FOR, VECTORS, Layer
from anh_rollup.evaluation.exact_sums import FLOAT64_EXACT
from anh_rollup.evaluation.steps import Step
from anh_rollup.evaluation.tape import Tape
from anh_rollup.tensor.opcodes import LinearFlags, Opcode
from anh_rollup.tensor.shapes import Window, term_count, window

#: Multiply-adds that are worth a part of their own (choice: about 0.1 milliseconds).
PART_WORK: Final = 1 << 21

#: Places that are worked on at once (choice: a block's weights are read from the cache for each eight).
CHUNK: Final = 96

#: Geometries that are kept, with their tables (choice): those of several networks at once.
KEPT_GEOMETRIES: Final = 64

#: Entries of a table that is kept (choice: half a MiB). Strangers choose geometries.
MOST_KEPT: Final = 1 << 16

#: Bounds are compared with an edge in floats, so one next to it counts as beyond it.
_MARGIN: Final = 1 + 2.0**-40

Table = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Exact:
    """Weights with what is done to their sums, which float64 holds.

    Attributes:
        weights: Integers (groups, channels of a group, terms).
        unit: 2^-shift of each channel, (groups, channels of a group), or of all, (1, 1).
        addend: What sums start from, bias and half a unit: as many.
    """

    weights: NDArray[Any]
    unit: Floats
    addend: Floats


@dataclass(frozen=True, slots=True)
class Packed:
    """Weights as the kernel reads them.

    Attributes:
        weights: (groups, terms * padded) int8, int16 or int32, see `dense_kernel.Layer`.
        unit: (groups, padded): 2^-shift of each channel; or for one block where all channels' are the same.
        addend: As many: bias and half a unit, as large as the sums.
        outputs: Channels of a group.
    """

    weights: NDArray[np.signedinteger[Any]]
    unit: Floats
    addend: Floats
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


def exact_weights(step: Step, weights: Sequence[NDArray[Any]]) -> Exact | None:
    """Weights of a MATMUL or CONV that are the same for all samples; None where float64 is too narrow.

    Args:
        step: The instruction.
        weights: Weights and extras, each (1, *shape).
    """
    is_conv = step.value.opcode is Opcode.CONV
    if weights[0].ndim != 3 and not is_conv:
        return None
    groups = step.value.attributes[11] if is_conv else 1
    terms = term_count(Opcode.CONV if is_conv else Opcode.MATMUL, step.shapes, step.value.attributes)
    weight = weights[0].reshape(groups, -1, terms)
    shifts, bias = _extras(step, [each[0].astype(np.float64) for each in weights[1:]])
    addend = bias + np.where(shifts > 0, np.ldexp(1.0, shifts - 1), 0.0)
    x, w = step.magnitudes[:2]
    beside = float(np.abs(addend).max())
    if (x * w * terms + beside) * _MARGIN > FLOAT64_EXACT:
        sums = np.abs(weight.astype(np.float64)).sum(2)
        if (x * float(sums.max()) + beside) * _MARGIN > FLOAT64_EXACT:
            return None
    unit, start = (
        np.broadcast_to(each, weight.shape[0] * weight.shape[1]).reshape(weight.shape[:2])
        for each in (np.ldexp(1.0, -shifts), addend)
    )
    return Exact(weight, unit, start)


def _extras(step: Step, extras: Sequence[Floats]) -> tuple[NDArray[np.int32], Floats]:
    """Shift and moved bias of each channel: (channels,) each, or (1,) where all channels' are the same."""
    shift, guard, flags = step.value.attributes[:3]
    shifts = extras[-1].astype(np.int32) if flags & LinearFlags.SHIFTS else np.array([shift], dtype=np.int32)
    bias = extras[0] * np.ldexp(1.0, shifts - guard) if flags & LinearFlags.BIAS else np.zeros(1)
    return shifts, bias


def narrowest(weights: NDArray[Any]) -> tuple[np.dtype[np.signedinteger[Any]], int]:
    """The narrowest type that holds int32 weights without the zeros that all of them end in, and these."""
    joint = int(np.bitwise_or.reduce(weights, axis=None))
    zeros = max(0, (joint & -joint).bit_length() - 1)
    most = max(int(weights.max()), -1 - int(weights.min())) >> zeros
    return np.min_scalar_type(-1 - most), zeros


def packed(tape: Tape, exact: Exact, *, narrows: bool) -> Packed:
    """Weights made ready, in memory of the tape; what reads them may run as often as it likes.

    Args:
        tape: Where it is done.
        exact: The weights.
        narrows: Whether they take as few bytes as they can, for those that stay as they are. Sums are then
            smaller by a power of two, and as exact.
    """
    lanes = tape.processor.lanes
    groups, outputs, terms = exact.weights.shape
    padded = -(-outputs // lanes) * lanes
    given = exact.weights.astype(np.int32, copy=False) if narrows else exact.weights
    kind, zeros = narrowest(given) if narrows else (np.dtype(np.int32), 0)
    weights: NDArray[np.signedinteger[Any]] = tape.empty((groups, terms * padded), kind)
    tape.do(_packing(VECTORS * lanes, padded, zeros), weights, given)
    extras = []
    is_alike = exact.unit.size == 1
    for each in (np.ldexp(exact.unit, zeros), np.ldexp(exact.addend, -zeros)):
        extra = np.zeros((1, VECTORS * lanes) if is_alike else (groups, padded))
        extra[:, : None if is_alike else outputs] = each
        extras.append(extra)
    return Packed(weights, extras[0], extras[1], outputs)


def _packing(block: int, padded: int, zeros: int) -> Any:
    def work(weights: NDArray[np.signedinteger[Any]], given: NDArray[Any]) -> None:
        groups, _, terms = given.shape
        channels = given.swapaxes(1, 2)
        for start in range(0, padded, block):
            size = min(block, padded - start)
            own = channels[:, :, start : start + size]
            part = weights[:, start * terms : (start + size) * terms].reshape(groups, terms, size)
            part[:, :, : own.shape[2]] = own >> zeros if zeros else own
            part[:, :, own.shape[2] :] = 0

    return work


def multiply(tape: Tape, step: Step, x: Floats, ready: Packed) -> Floats:
    """A MATMUL's elements with weights (N, K), clamped: (samples, *shape)."""
    x, terms = laid_out(tape, x), x.shape[-1]
    count = x.size // terms
    at = _Geometry(_even(count, terms), _even(1, 0), terms, 0, 0, ready.outputs)
    return _run(tape, step, x, ready, at)


def multiply_batches(tape: Tape, step: Step, x: Floats, w: Floats) -> Floats | None:
    """A MATMUL's elements of operands that both depend on the sample: clamped.

    Args:
        tape: Where it is done.
        step: The instruction.
        x: (samples, ..., R, K).
        w: (samples, ..., O, K).

    Returns:
        (samples, *shape); None where there is a bias or shifts, or float64 is too narrow.
    """
    shift, terms = step.value.attributes[0], w.shape[-1]
    half = (1 << shift) >> 1
    wide = step.magnitudes[0] * step.magnitudes[1] * terms + half > FLOAT64_EXACT
    if wide or len(step.shapes) > 2 or x.shape[0] != w.shape[0]:
        return None
    kernels = laid_out(tape, w).reshape(-1, *w.shape[-2:])
    ready = packed(
        tape, Exact(kernels, np.full((1, 1), 2.0**-shift), np.full((1, 1), float(half))), narrows=False
    )
    x = laid_out(tape, x)
    rows = x.size // terms // len(kernels)
    steps = (rows * terms, rows * ready.outputs, ready.outputs)
    return _run(tape, step, x, ready, _Geometry(_even(rows, terms), _even(1, 0), terms, *steps))


def convolve(tape: Tape, step: Step, x: Floats, ready: Packed) -> Floats:
    """A CONV's elements, clamped: (samples, *shape)."""
    g = geometry(step.shapes, step.value.attributes)
    images = _with_margins(tape, laid_out(tape, x).reshape(x.shape[0], g.height, g.width, g.channels), step)
    few = images.shape[0] * g.out_h * g.out_w + g.kernel_h * g.kernel_w <= MOST_KEPT
    places, runs = (_kept_tables if few else _tables)(g, images.shape)
    steps = (g.group_channels, ready.outputs, g.outputs)
    return _run(tape, step, images, ready, _Geometry(places, runs, g.terms // len(runs), *steps))


@lru_cache(maxsize=KEPT_GEOMETRIES)
def geometry(shapes: Sequence[tuple[int, ...]], attributes: tuple[int, ...]) -> Window:
    """The geometry of a CONV, from the shapes of what it reads."""
    return window(shapes[0], shapes[1], attributes)


def _with_margins(tape: Tape, images: Floats, step: Step) -> Floats:
    """Images (N, height, width, channels) with a CONV's margins of zeros."""
    top, left, bottom, right = step.value.attributes[5:9]
    if not any((top, left, bottom, right)):
        return images
    samples, height, width, channels = images.shape
    result: Floats = tape.empty((samples, top + height + bottom, left + width + right, channels))
    fill(tape, result, 0)
    copy_into(tape, result[:, top : top + height, left : left + width], images)
    return result


def _run(tape: Tape, step: Step, source: Floats, ready: Packed, at: _Geometry) -> Floats:
    """The elements of a result."""
    kernel = tape.kernel(COMPILED_FOR[ready.weights.itemsize])
    result: Floats = tape.empty((source.shape[0], *step.value.shape))
    groups, padded = len(ready.weights), -(-ready.outputs // kernel.lanes) * kernel.lanes
    blocks, chunk = -(-padded // (VECTORS * kernel.lanes)), _chunk(len(at.places))
    chunks = -(-len(at.places) // chunk)
    arrays: tuple[NDArray[Any], ...] = (
        source,
        result,
        ready.weights,
        ready.unit,
        ready.addend,
        at.places,
        at.runs,
    )
    layer = Layer(
        *(address_of(each) for each in arrays),
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
        extra_step=int(ready.unit.shape == (groups, padded)),
        low=step.value.low,
        high=step.value.high,
    )
    work = len(at.places) * ready.weights.size
    tape.call(kernel, layer, groups * chunks * blocks, work // PART_WORK, arrays)
    return result


def _chunk(places: int) -> int:
    """Places of a unit: whole tiles, in as few and as equal parts as can be."""
    parts = -(-places // CHUNK)
    return -(-places // (8 * parts)) * 8


def _even(count: int, step: int) -> Table:
    return _kept_steps(count, step) if count <= MOST_KEPT else _steps(count, step)


def _steps(count: int, step: int) -> Table:
    return np.arange(count, dtype=np.int64) * step


_kept_steps: Final = lru_cache(maxsize=KEPT_GEOMETRIES)(_steps)


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


_kept_tables: Final = lru_cache(maxsize=KEPT_GEOMETRIES)(_tables)
