"""One element of every instruction, a second time: unbounded integers, loops, nothing of the package.

Written from the text of the instruction table, not from the evaluator. Tensors are flat lists with a shape.
"""

from collections.abc import Iterator, Sequence
from itertools import product
from math import isqrt, prod

Shape = tuple[int, ...]
Flat = Sequence[int]

KEY = 2**32


def rs(v: int, s: int) -> int:
    return v * 2**-s if s <= 0 else (v + 2 ** (s - 1)) // 2**s


def flat(place: Sequence[int], shape: Shape) -> int:
    index = 0
    for at, size in zip(place, shape, strict=True):
        assert 0 <= at < size
        index = index * size + at
    return index


def unflat(index: int, shape: Shape) -> tuple[int, ...]:
    place = []
    for size in reversed(shape):
        index, at = divmod(index, size)
        place.append(at)
    assert index == 0
    return tuple(reversed(place))


def element(
    opcode: int,
    attributes: Sequence[int],
    bounds: tuple[int, int],
    shapes: Sequence[Shape],
    inputs: Sequence[Flat],
    output: Shape,
    index: int,
) -> int:
    """The element `index` of the output, clamped."""
    place = unflat(index, output)
    if opcode in (1, 2):
        raw = linear(opcode, attributes, shapes, inputs, place)
    elif opcode in (3, 4, 5, 7, 8, 10, 11, 13):
        raw = pointwise(
            opcode, attributes, bounds, [at(s, t, place) for s, t in zip(shapes, inputs, strict=True)]
        )
    elif opcode in (6, 9, 14):
        raw = unary(opcode, attributes, inputs[0][index])
    elif opcode == 12:
        raw = table(attributes, inputs[0][index], inputs[1])
    elif opcode == 15:
        raw = reduce(attributes, reduced(attributes, shapes[0], inputs[0], place))
    else:
        raw = moved(opcode, attributes, shapes, inputs, output, place)
    return max(bounds[0], min(bounds[1], raw))


def at(shape: Shape, tensor: Flat, place: tuple[int, ...]) -> int:
    """Broadcasting: the own dimensions are the last ones of the place, and 1 stretches."""
    own = place[len(place) - len(shape) :] if shape else ()
    return tensor[flat([0 if size == 1 else p for p, size in zip(own, shape, strict=True)], shape)]


def pointwise(opcode: int, attributes: Sequence[int], bounds: tuple[int, int], given: list[int]) -> int:
    if opcode == 11:
        return given[1] if given[0] != 0 else given[2]
    a, b = given
    if opcode in (3, 4):
        p, q, s = attributes
        return rs(a * 2**p + (b if opcode == 3 else -b) * 2**q, s)
    if opcode == 5:
        return rs(a * b, attributes[0])
    if opcode in (7, 8):
        return min(a, b) if opcode == 7 else max(a, b)
    if opcode == 10:
        return int([a == b, a != b, a < b, a <= b, a > b, a >= b][attributes[0]])
    if b == 0:
        return bounds[1] if a > 0 else bounds[0] if a < 0 else 0
    return (a * 2 ** attributes[0]) // b


def unary(opcode: int, attributes: Sequence[int], a: int) -> int:
    if opcode == 6:
        return rs(a, attributes[0])
    if opcode == 9:
        return a if a >= 0 else -a
    return 0 if a <= 0 else isqrt(a * 2 ** attributes[0])


def table(attributes: Sequence[int], x: int, t: Flat) -> int:
    origin, step = attributes
    d = x - origin
    if d < 0:
        return t[0]
    i = d // 2**step
    if i >= len(t) - 1:
        return t[len(t) - 1]
    f = d - i * 2**step
    return t[i] + rs((t[i + 1] - t[i]) * f, step)


def linear(
    opcode: int,
    attributes: Sequence[int],
    shapes: Sequence[Shape],
    inputs: Sequence[Flat],
    place: tuple[int, ...],
) -> int:
    shift, guard, flags = attributes[:3]
    channel = place[-1]
    extras = list(inputs[2:])
    bias = extras.pop(0)[channel] if flags & 1 else 0
    s = extras.pop(0)[channel] if flags & 2 else shift
    acc = sum(linear_terms(opcode, attributes, shapes, inputs, place))
    return rs(acc + bias * 2 ** (s - guard), s)


def linear_terms(
    opcode: int,
    attributes: Sequence[int],
    shapes: Sequence[Shape],
    inputs: Sequence[Flat],
    place: tuple[int, ...],
) -> Iterator[int]:
    """Every product, in the order of the terms."""
    if opcode == 2:
        yield from conv_terms(attributes, shapes, inputs, place)
        return
    x, w = shapes[:2]
    lead = place[:-2] if len(w) > 2 else ()
    for k in range(x[-1]):
        yield inputs[0][flat((*place[:-1], k), x)] * inputs[1][flat((*lead, place[-1], k), w)]


def conv_terms(
    attributes: Sequence[int], shapes: Sequence[Shape], inputs: Sequence[Flat], place: tuple[int, ...]
) -> Iterator[int]:
    x, w = shapes[:2]
    if len(x) == 2:
        x, w, place = (1, *x), (w[0], 1, *w[1:]), (0, *place)
    stride, pad, dilation, groups = attributes[3:5], attributes[5:7], attributes[9:11], attributes[11]
    row, column, o = place
    group = o // (w[0] // groups)
    for dy, dx, c in product(range(w[1]), range(w[2]), range(w[3])):
        i = row * stride[0] - pad[0] + dy * dilation[0]
        j = column * stride[1] - pad[1] + dx * dilation[1]
        if 0 <= i < x[0] and 0 <= j < x[1]:
            yield inputs[0][flat((i, j, group * w[3] + c), x)] * inputs[1][flat((o, dy, dx, c), w)]
        else:
            yield 0


def reduced(attributes: Sequence[int], shape: Shape, x: Flat, place: tuple[int, ...]) -> list[int]:
    """The elements that are folded, in the order of the reduction index."""
    first, count = attributes[2:4]
    inner = product(*(range(size) for size in shape[first : first + count]))
    return [x[flat((*place[:first], *middle, *place[first:]), shape)] for middle in inner]


def reduce(attributes: Sequence[int], folded: list[int]) -> int:
    if attributes[0] == 0:
        return rs(sum(folded), attributes[1])
    return max(folded) if attributes[0] == 1 else folded.index(max(folded))


def moved(
    opcode: int,
    attributes: Sequence[int],
    shapes: Sequence[Shape],
    inputs: Sequence[Flat],
    output: Shape,
    place: tuple[int, ...],
) -> int:
    x, shape = inputs[0], shapes[0]
    if opcode == 16:
        n = attributes[1]
        along = unflat(flat(place, output), tuple(attributes[2 : 2 + n]))
        return x[
            attributes[0] + sum(i * stride for i, stride in zip(along, attributes[2 + n :], strict=True))
        ]
    if opcode == 17:
        inside = tuple(p - before for p, before in zip(place, attributes[1:], strict=True))
        if all(0 <= p < size for p, size in zip(inside, shape, strict=True)):
            return x[flat(inside, shape)]
        return attributes[0]
    axis = attributes[0]
    if opcode == 18:
        p = place[axis]
        for shape, tensor in zip(shapes, inputs, strict=True):
            if p < shape[axis]:
                return tensor[flat((*place[:axis], p, *place[axis + 1 :]), shape)]
            p -= shape[axis]
    rank = len(shapes[1])
    pointed = inputs[1][flat(place[axis : axis + rank], shapes[1])]
    pointed = max(0, min(shape[axis] - 1, pointed))
    return x[flat((*place[:axis], pointed, *place[axis + rank :]), shape)]


def terms(
    opcode: int,
    attributes: Sequence[int],
    shapes: Sequence[Shape],
    inputs: Sequence[Flat],
    output: Shape,
    index: int,
) -> list[int]:
    """The terms that a MATMUL, CONV or REDUCE folds; an ARGMAX folds keys."""
    place = unflat(index, output)
    if opcode != 15:
        return list(linear_terms(opcode, attributes, shapes, inputs, place))
    folded = reduced(attributes, shapes[0], inputs[0], place)
    return [x * KEY + KEY - 1 - r for r, x in enumerate(folded)] if attributes[0] == 2 else folded


def blocks(opcode: int, attributes: Sequence[int], folded: list[int]) -> list[int]:
    """The partial of every block of terms."""
    size = 512
    while size * 64 < len(folded):
        size += 32
    combine = max if opcode == 15 and attributes[0] else sum
    return [combine(folded[start : start + size]) for start in range(0, len(folded), size)]


def count(shape: Shape) -> int:
    return prod(shape)
