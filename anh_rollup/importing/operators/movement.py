"""Operators that move elements."""

from itertools import pairwise
from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Array, Context, Handler
from anh_rollup.importing.operators.functions import truncate
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.tensor.opcodes import Relation


def shape(c: Context) -> Operand:
    """The shape, which is known."""
    x = c.operand(0)
    rank = len(x.shape)
    start, end = c.attribute("start", 0), c.attribute("end", rank)
    return np.array(x.shape[slice(start, end)], np.int64)


def size(c: Context) -> Operand:
    """The number of elements, which is known."""
    return np.asarray(int(np.prod(c.operand(0).shape)), np.int64)


def reshape(c: Context) -> Operand:
    """The same elements in another shape."""
    x, wanted = c.tensor(0), c.integers(1, "shape")
    if not c.attribute("allowzero", 0):
        wanted = [x.shape[at] if each == 0 and at < x.rank else each for at, each in enumerate(wanted)]
    return reshaped(c, x, wanted)


def reshaped(c: Context, x: Tensor, wanted: list[int]) -> Tensor:
    """X in a shape of which one dimension may be -1."""
    count, known = int(np.prod(x.shape)), int(np.prod([each for each in wanted if each != -1]))
    if wanted.count(-1) > 1 or known < 1 or count % known or (-1 not in wanted and known != count):
        raise c.refuse(f"shape {list(x.shape)} to {wanted[:8]}")
    return c.reals.reshaped(x, tuple(count // known if each == -1 else each for each in wanted))


def flatten(c: Context) -> Operand:
    """Two dimensions: what is before an axis, and the rest."""
    x, axis = c.tensor(0), c.attribute("axis", 1)
    axis = axis + c.tensor(0).rank if axis < 0 else axis
    return reshaped(c, x, [int(np.prod(x.shape[:axis])), int(np.prod(x.shape[axis:]))])


def squeeze(c: Context) -> Operand:
    """Takes dimensions of 1 away."""
    x = c.tensor(0)
    axes = c.axes(x.rank, 1, [axis for axis, each in enumerate(x.shape) if each == 1])
    if any(x.shape[axis] != 1 for axis in axes):
        raise c.refuse(f"axes {axes} of shape {list(x.shape)}")
    return c.reals.reshaped(x, tuple(each for axis, each in enumerate(x.shape) if axis not in axes))


def unsqueeze(c: Context) -> Operand:
    """Puts dimensions of 1 in."""
    x = c.tensor(0)
    given = c.integers(1, "axes") if c.has(1) else c.attribute("axes", list[int]())
    axes = {c.placed(axis, x.rank + len(given)) for axis in given}
    left = iter(x.shape)
    return c.reals.reshaped(x, tuple(1 if at in axes else next(left) for at in range(x.rank + len(axes))))


def transpose(c: Context) -> Operand:
    """The axes in another order."""
    x = c.tensor(0)
    order = c.attribute("perm", list[int]()) or list(range(x.rank))[::-1]
    if sorted(order) != list(range(x.rank)):
        raise c.refuse(f"axes {order[:8]} of shape {list(x.shape)}")
    return c.reals.transposed(x, order)


def concat(c: Context) -> Operand:
    """Tensors one after the other."""
    parts = [c.operand(place) for place in range(len(c.inputs))]
    parts = [each for each in parts if 0 not in each.shape]
    axis = c.axis(len(parts[0].shape), 0)
    return parts[0] if len(parts) == 1 else c.reals.joined(parts, axis)


def split(c: Context) -> tuple[Operand, ...]:
    """Parts along an axis."""
    x = c.tensor(0)
    axis, count = c.axis(x.rank, 0), len(c.node.output)
    if c.has(1):
        sizes = c.integers(1, "split")
    else:
        share = -(-x.shape[axis] // c.attribute("num_outputs", count))
        even = [min(share, x.shape[axis] - share * at) for at in range(count)]
        sizes = c.attribute("split", list[int]()) or even
    if sum(sizes) != x.shape[axis] or min(sizes) < 0:
        raise c.refuse(f"parts {sizes[:8]} of {x.shape[axis]}")
    starts = np.cumsum([0, *sizes])
    return tuple(_part(c, x, axis, range(int(a), int(b))) for a, b in pairwise(starts))


def _part(c: Context, x: Tensor, axis: int, places: range) -> Operand:
    return _cut(c, x, [places if at == axis else range(each) for at, each in enumerate(x.shape)])


def _cut(c: Context, x: Tensor, ranges: list[range]) -> Operand:
    """A part of x; where nothing is left of it, it is known."""
    shape = tuple(map(len, ranges))
    return c.reals.sliced(x, ranges) if all(shape) else np.zeros(shape, x.dtype)


def slice_(c: Context) -> Operand:
    """Parts along several axes, with any step."""
    x = c.tensor(0)
    starts, ends = c.listed(1, "starts", 10), c.listed(2, "ends", 10)
    axes = c.listed(3, "axes", 10) or list(range(len(starts)))
    steps = c.integers(4, "steps") if c.has(4) else [1] * len(starts)
    ranges = [range(each) for each in x.shape]
    for start, end, axis, step in zip(starts, ends, axes, steps, strict=True):
        at = c.placed(axis, x.rank)
        ranges[at] = range(*slice(start, end, step).indices(x.shape[at])) if step else range(0)
    return _cut(c, x, ranges)


def expand(c: Context) -> Operand:
    """Stretches to a shape."""
    return c.reals.expanded(c.tensor(0), tuple(c.integers(1, "shape")))


def tile(c: Context) -> Operand:
    """Repeats along each axis."""
    return c.reals.tiled(c.tensor(0), c.integers(1, "repeats"))


def pad(c: Context) -> Operand:
    """Margins of a number, of the edge, mirrored or from the other side."""
    x, given = c.tensor(0), c.listed(1, "pads", 11)
    axes = [c.placed(axis, x.rank) for axis in c.integers(3, "axes")] if c.has(3) else list(range(x.rank))
    if len(given) != 2 * len(axes):
        raise c.refuse(f"{len(given)} pads for {len(axes)} axes")
    margins = [(0, 0)] * x.rank
    for at, axis in enumerate(axes):
        margins[axis] = (given[at], given[at + len(axes)])
    mode = c.attribute("mode", "constant")
    if mode == "constant":
        fill = c.optional(2, "fill")
        number = c.attribute("value", 0.0) if fill is None else float(fill.reshape(-1)[0])
        return c.padded(x, margins, number)
    for axis, (before, after) in enumerate(margins):
        c.refuse_nothing([before + x.shape[axis] + after])
        c.bound(before + x.shape[axis] + after)
        places = np.arange(-before, x.shape[axis] + after)
        x = _taken(c, x, axis, _edges(c, mode, places, x.shape[axis]))
    return x


def _edges(c: Context, mode: str, places: Array, size: int) -> list[int]:
    if mode == "edge":
        return [int(each) for each in np.clip(places, 0, size - 1)]
    if mode == "wrap":
        return [int(each) for each in places % size]
    if mode == "reflect":
        period = max(1, 2 * (size - 1))
        folded = places % period
        return [int(each) for each in np.where(folded >= size, period - folded, folded)]
    raise c.refuse(f"mode {mode!r}")


def _taken(c: Context, x: Tensor, axis: int, places: list[int]) -> Tensor:
    if places == list(range(x.shape[axis])):
        return x
    runs = _runs(places)
    if len(runs) <= MOST_RUNS:
        parts = [_part(c, x, axis, run) for run in runs]
        return c.reals.joined(parts, axis) if len(runs) > 1 else c.reals.as_tensor(parts[0])
    return c.reals.gathered(x, np.array(places, np.int64), axis)


#: Parts that are put together rather than gathered element by element (choice).
MOST_RUNS: Final = 8


def _runs(places: list[int]) -> list[range]:
    """Places in runs of equal steps, the first ones where there are too many."""
    runs: list[range] = []
    for each in places:
        last = runs[-1] if runs else None
        if last is not None and each != last[-1] and (len(last) == 1 or last.step == each - last[-1]):
            step = each - last[-1]
            runs[-1] = range(last[0], each + (1 if step > 0 else -1), step)
        elif len(runs) > MOST_RUNS:
            break
        else:
            runs.append(range(each, each + 1))
    return runs


def gather(c: Context) -> Operand:
    """Takes places of an axis; negative ones count from the end."""
    x, indices = c.operand(0), c.operand(1)
    axis = c.axis(len(x.shape), 0)
    size = x.shape[axis]
    if isinstance(indices, Tensor):
        below = c.reals.compare(indices, Relation.LESS, np.asarray(0))
        inside = c.reals.plus(indices, np.asarray(size, np.int64))
        return c.reals.gathered(x, c.reals.select(below, inside, indices), axis)
    places = np.where(indices < 0, indices + size, indices)
    if places.size == 0 or places.min() < 0 or places.max() >= size:
        raise c.refuse(f"indices outside of an axis of {size}")
    tensor = c.reals.as_tensor(x)
    taken = _taken(c, tensor, axis, [int(each) for each in places.reshape(-1)])
    return c.reals.reshaped(taken, (*x.shape[:axis], *places.shape, *x.shape[axis + 1 :]))


def gather_elements(c: Context) -> Operand:
    """Takes elements by indices of their own shape, as one gather of the flat tensor."""
    x, indices = c.tensor(0), c.operand(1)
    axis, size = c.axis(x.rank, 0), x.shape[c.axis(x.rank, 0)]
    strides = np.array([int(np.prod(x.shape[at + 1 :])) for at in range(x.rank)])
    grid = np.reshape(c.indices(indices.shape), (x.rank, -1))
    base = sum(grid[at] * strides[at] for at in range(x.rank) if at != axis)
    base = np.asarray(base + np.zeros(grid.shape[1], np.int64), np.int64).reshape(indices.shape)
    rows = c.reals.reshaped(x, (int(np.prod(x.shape)),))
    if not isinstance(indices, Tensor):
        places = np.where(indices < 0, indices + size, indices)
        if places.min() < 0 or places.max() >= size:
            raise c.refuse(f"indices outside of an axis of {size}")
        return c.reals.gathered(rows, base + places * strides[axis], 0)
    below = c.reals.compare(indices, Relation.LESS, np.asarray(0))
    inside = c.reals.select(below, c.reals.plus(indices, np.asarray(size, np.int64)), indices)
    flat = c.reals.plus(c.reals.times(inside, np.asarray(strides[axis], np.int64)), base)
    return c.reals.gathered(rows, flat, 0)


def trilu(c: Context) -> Operand:
    """The upper or lower triangle, zeros elsewhere."""
    x, k = c.tensor(0), c.optional(1, "diagonal")
    c.bound(*x.shape[-2:])
    keep = np.tri(
        x.shape[-2], x.shape[-1], k=(0 if k is None else int(k.reshape(-1)[0])) - c.attribute("upper", 1)
    )
    kept = keep == 0 if c.attribute("upper", 1) else keep != 0
    return c.reals.select(kept, x, np.zeros((), x.dtype))


def depth_to_space(c: Context) -> Operand:
    """Channels become blocks of places."""
    x, b = c.tensor(0), c.attribute("blocksize", 1)
    n, depth, height, width = x.shape
    if c.attribute("mode", "DCR") == "DCR":
        cut, order = (n, b, b, depth // b**2, height, width), (0, 3, 4, 1, 5, 2)
    else:
        cut, order = (n, depth // b**2, b, b, height, width), (0, 1, 4, 2, 5, 3)
    turned = c.reals.transposed(c.reals.reshaped(x, cut), order)
    return c.reals.reshaped(turned, (n, depth // b**2, height * b, width * b))


def space_to_depth(c: Context) -> Operand:
    """Blocks of places become channels."""
    x, b = c.tensor(0), c.attribute("blocksize", 1)
    n, depth, height, width = x.shape
    cut = c.reals.reshaped(x, (n, depth, height // b, b, width // b, b))
    turned = c.reals.transposed(
        cut, (0, 3, 5, 1, 2, 4) if c.attribute("mode", "DCR") == "DCR" else (0, 1, 3, 5, 2, 4)
    )
    return c.reals.reshaped(turned, (n, depth * b**2, height // b, width // b))


def one_hot(c: Context) -> Operand:
    """One value at an index, another elsewhere."""
    indices, depth, values = c.tensor(0), int(c.array(1, "depth").reshape(-1)[0]), c.operand(2)
    axis = c.attribute("axis", -1) % (indices.rank + 1)
    shape = (*indices.shape[:axis], 1, *indices.shape[axis:])
    if not 1 <= depth <= MOST_DEPTH:
        raise c.refuse(f"a depth of {depth}, expected 1 to {MOST_DEPTH}")
    inside: Operand = c.reals.cast(truncate(c.reals, indices), np.int64) if not indices.is_whole else indices
    if c.opset >= 11:
        below = c.reals.compare(inside, Relation.LESS, np.asarray(0))
        inside = c.reals.select(below, c.reals.plus(inside, np.asarray(depth, np.int64)), inside)
    steps = np.arange(depth).reshape([depth if at == axis else 1 for at in range(len(shape))])
    found = c.reals.compare(c.reals.reshaped(c.reals.as_tensor(inside), shape), Relation.EQUAL, steps)
    off, on = _apart(c, values)
    return c.reals.select(found, on, off)


def _apart(c: Context, values: Operand) -> tuple[Operand, Operand]:
    """The two elements of a tensor."""
    if values.shape != (2,):
        raise c.refuse(f"values of shape {list(values.shape)}")
    if not isinstance(values, Tensor):
        return values[0], values[1]
    off, on = (c.reals.reshaped(c.reals.sliced(values, [range(at, at + 1)]), ()) for at in (0, 1))
    return off, on


#: Places of a one-hot axis (choice).
MOST_DEPTH: Final = 1 << 20

MOVEMENT: Final[dict[str, Handler]] = {
    "Shape": shape,
    "Size": size,
    "Reshape": reshape,
    "Flatten": flatten,
    "Squeeze": squeeze,
    "Unsqueeze": unsqueeze,
    "Transpose": transpose,
    "Concat": concat,
    "Split": split,
    "Slice": slice_,
    "Expand": expand,
    "Tile": tile,
    "Pad": pad,
    "Gather": gather,
    "GatherElements": gather_elements,
    "Trilu": trilu,
    "DepthToSpace": depth_to_space,
    "SpaceToDepth": space_to_depth,
    "OneHot": one_hot,
}
