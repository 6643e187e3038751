"""Known places: elements that are put, added or read where indices say that do not depend on the input."""

from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Array, Context, Handler
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.importing.record import Operation

#: How many updates one element takes (choice): each is an instruction over the whole tensor.
MOST_UPDATES: Final = 256

#: What a reduction by this name does.
_REDUCTIONS: Final = {
    "add": Operation.ADD,
    "mul": Operation.MUL,
    "max": Operation.MAX,
    "min": Operation.MIN,
}


def flat(c: Context, x: Tensor) -> Tensor:
    """All elements in one dimension."""
    return c.reals.reshaped(x, (int(np.prod(x.shape)),))


def picked(c: Context, x: Tensor, places: Array) -> Tensor:
    """Elements of x by their places among all of them, in the shape of the places."""
    return c.reals.gathered(flat(c, x), np.asarray(places, np.int64), 0)


def places_of(c: Context, x: Tensor) -> Array:
    """The place of each element among all of them."""
    c.bound(*x.shape)
    return np.arange(int(np.prod(x.shape))).reshape(x.shape)


def updated(c: Context, x: Tensor, targets: Array, updates: Tensor, reduction: str) -> Tensor:
    """X with updates put to, or combined with, the elements at these flat places, in the order of updates."""
    if reduction != "none" and reduction not in _REDUCTIONS:
        raise c.refuse(f"reduction {reduction!r}")
    size, wanted = int(np.prod(x.shape)), targets.reshape(-1)
    if wanted.min() < 0 or wanted.max() >= size:
        raise c.refuse(f"indices outside of {size} elements")
    both = c.reals.joined([flat(c, x), flat(c, updates)], 0)
    order = np.argsort(wanted, kind="stable")
    first = np.searchsorted(wanted[order], np.arange(size))
    counts = np.bincount(wanted, minlength=size)
    if reduction == "none":
        last = order[np.maximum(first + counts - 1, 0).clip(max=order.size - 1)]
        found = c.reals.gathered(both, np.where(counts > 0, size + last, np.arange(size)), 0)
        return c.reals.reshaped(found, x.shape)
    if counts.max() > MOST_UPDATES:
        raise c.refuse(f"{counts.max()} updates of one element, {MOST_UPDATES} are the most")
    result = flat(c, x)
    for at in range(int(counts.max())):
        each = order[np.minimum(first + at, order.size - 1)]
        part = c.reals.gathered(both, size + each, 0)
        combined = c.reals.binary(_REDUCTIONS[reduction], result, part)
        result = c.reals.select(counts > at, combined, result) if (counts <= at).any() else combined
    return c.reals.reshaped(result, x.shape)


def _inside(c: Context, indices: Array, size: Array | int) -> Array:
    """Indices counted from the start."""
    counted = np.where(indices < 0, indices + size, indices)
    if (counted < 0).any() or (counted >= size).any():
        raise c.refuse("indices outside of the tensor")
    return counted


def scatter_nd(c: Context) -> Operand:
    """Updates of rows by known indices of several axes."""
    x, indices, updates = c.tensor(0), c.array(1, "indices"), c.tensor(2)
    depth = indices.shape[-1]
    inside = _inside(c, indices, np.array(x.shape[:depth]))
    targets = places_of(c, x)[tuple(np.moveaxis(inside, -1, 0))]
    return updated(c, x, targets, updates, c.attribute("reduction", "none"))


def scatter_elements(c: Context) -> Operand:
    """Updates of elements by known indices of one axis."""
    x, indices, updates = c.tensor(0), c.array(1, "indices"), c.tensor(2)
    axis = c.axis(x.rank, 0)
    places = c.indices(indices.shape)
    places[axis] = _inside(c, indices, x.shape[axis])
    return updated(c, x, places_of(c, x)[tuple(places)], updates, c.attribute("reduction", "none"))


def tensor_scatter(c: Context) -> Operand:
    """A cache with new places of an axis written from a known one on, for each sample its own."""
    x, updates = c.tensor(0), c.tensor(1)
    axis, is_circular = c.axis(x.rank, -2), c.attribute("mode", "linear") == "circular"
    given = c.optional(2, "indices")
    start = np.zeros(x.shape[0], np.int64) if given is None else given.reshape(-1).astype(np.int64)
    places = c.indices(updates.shape)
    moved = places[axis] + start.reshape(-1, *(1,) * (x.rank - 1))
    places[axis] = moved % x.shape[axis] if is_circular else _inside(c, moved, x.shape[axis])
    return updated(c, x, places_of(c, x)[tuple(places)], updates, "none")


def gather_nd(c: Context) -> Operand:
    """Rows by known indices of several axes, behind those of a batch."""
    x, indices, batch = c.tensor(0), c.array(1, "indices"), c.attribute("batch_dims", 0)
    depth = indices.shape[-1]
    inside = _inside(c, indices, np.array(x.shape[batch : batch + depth]))
    lead = c.indices(indices.shape[:-1])[:batch]
    return picked(c, x, places_of(c, x)[(*lead, *np.moveaxis(inside, -1, 0))])


def compress(c: Context) -> Operand:
    """Places of an axis, or elements, where a known condition holds."""
    x, condition = c.tensor(0), c.array(1, "condition").reshape(-1).astype(bool)
    given = c.attribute("axis", x.rank)
    places = places_of(c, x).reshape(-1) if given == x.rank else places_of(c, x)
    axis = 0 if given == x.rank else c.placed(given, x.rank)
    kept = np.compress(condition, places, axis)
    if kept.size == 0:
        raise c.refuse("a condition that holds nowhere")
    return picked(c, x, kept)


def reverse_sequence(c: Context) -> Operand:
    """Each sequence's first places, as many as is known, in the other order."""
    x, lengths = c.tensor(0), c.array(1, "lengths")
    batch, time = (
        c.placed(c.attribute("batch_axis", 1), x.rank),
        c.placed(c.attribute("time_axis", 0), x.rank),
    )
    places = c.indices(x.shape)
    sizes = lengths.reshape([-1 if at == batch else 1 for at in range(x.rank)])
    places[time] = np.where(places[time] < sizes, sizes - 1 - places[time], places[time])
    return picked(c, x, places_of(c, x)[tuple(places)])


def max_unpool(c: Context) -> Operand:
    """Elements put back where a pooling found them, zeros elsewhere."""
    x, indices = c.tensor(0), c.array(1, "indices")
    kernel = c.attribute("kernel_shape", list[int]())
    strides = c.attribute("strides", list[int]()) or [1] * len(kernel)
    pads = c.attribute("pads", list[int]()) or [0] * (2 * len(kernel))
    own = tuple(
        (size - 1) * stride + window - pads[at] - pads[at + len(kernel)]
        for at, (size, stride, window) in enumerate(zip(x.shape[2:], strides, kernel, strict=True))
    )
    shape = (*x.shape[:2], *own)
    given = c.integers(2, "shape") if c.has(2) else list(shape)
    c.bound(*shape)
    c.bound(*given)
    places = np.arange(int(np.prod(shape))).reshape(shape).reshape(-1)[indices.reshape(-1)]
    there = np.stack(np.unravel_index(places, shape))
    wide = np.ravel_multi_index(tuple(there), tuple(given))
    zeros = c.reals.as_tensor(np.zeros(given, x.dtype))
    return updated(c, zeros, wide, x, "none")


def columns_to_image(c: Context) -> Operand:
    """Blocks of an image added up where they overlap."""
    x, image, block = c.tensor(0), c.integers(1, "image's shape"), c.integers(2, "block's shape")
    rank = len(image)
    strides = c.attribute("strides", list[int]()) or [1] * rank
    dilations = c.attribute("dilations", list[int]()) or [1] * rank
    pads = c.attribute("pads", list[int]()) or [0] * (2 * rank)
    wide = [size + pads[at] + pads[at + rank] for at, size in enumerate(image)]
    counts = [
        (size - dilation * (k - 1) - 1) // stride + 1
        for size, dilation, k, stride in zip(wide, dilations, block, strides, strict=True)
    ]
    c.bound(rank, *block, *counts)
    taps, starts = (np.reshape(c.indices(sizes), (rank, -1)) for sizes in (block, counts))
    there = taps[:, :, None] * np.array(dilations)[:, None, None]
    there = there + starts[:, None, :] * np.array(strides)[:, None, None]
    places = np.ravel_multi_index(tuple(there), tuple(wide))
    planes = int(np.prod(x.shape)) // places.size
    c.bound(planes, *wide)
    targets = places[None] + np.arange(planes).reshape(-1, 1, 1) * int(np.prod(wide))
    zeros = c.reals.as_tensor(np.zeros((planes, *wide), x.dtype))
    total = updated(c, zeros, targets, x, "add")
    inner = [range(pads[at], pads[at] + size) for at, size in enumerate(image)]
    cut = c.reals.sliced(total, [range(planes), *inner])
    return c.reals.reshaped(cut, (x.shape[0], planes // x.shape[0], *image))


def wholly_known(c: Context) -> Operand:
    """Refuses a node whose result's shape depends on its input's elements."""
    tensor = next(each for each in c.inputs if isinstance(each, Tensor))
    raise c.unknown(tensor, "input")


def eye_like(c: Context) -> Operand:
    """Ones on a diagonal of a matrix as large as the input."""
    x = c.operand(0)
    dtype = c.dtype("dtype") if c.attribute("dtype", 0) else x.dtype
    c.bound(*x.shape)
    return np.eye(x.shape[0], x.shape[1], c.attribute("k", 0), dtype)


SCATTERING: Final[dict[str, Handler]] = {
    "ScatterND": scatter_nd,
    "ScatterElements": scatter_elements,
    "Scatter": scatter_elements,
    "TensorScatter": tensor_scatter,
    "GatherND": gather_nd,
    "Compress": compress,
    "ReverseSequence": reverse_sequence,
    "MaxUnpool": max_unpool,
    "Col2Im": columns_to_image,
    "EyeLike": eye_like,
    "ConstantOfShape": wholly_known,
    "NonZero": wholly_known,
    "Unique": wholly_known,
    "MelWeightMatrix": wholly_known,
}
