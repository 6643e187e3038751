"""Arithmetic, comparison and logic, element by element."""

from functools import reduce
from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Array, Context, Handler
from anh_rollup.importing.operators.functions import truncate
from anh_rollup.importing.operators.integers import SHORT, check_sign, divided, floor_divided, wrapped
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.importing.record import Operation
from anh_rollup.tensor.opcodes import Relation


def binary(operation: Operation) -> Handler:
    """A handler of two or more operands."""

    def handle(c: Context) -> Operand:
        operands = [c.operand(place) for place in range(len(c.inputs))]
        if operation is Operation.SUB:
            check_sign(c, operands)
        shape = np.broadcast_shapes(*(each.shape for each in operands))
        idle = {Operation.MAX: -np.inf, Operation.MIN: np.inf}.get(operation)
        if idle is not None and any(isinstance(each, Tensor) for each in operands):
            operands = [each for each in operands if isinstance(each, Tensor) or not _is_single(each, idle)]
        if len(operands) == 1:
            return c.reals.expanded(operands[0], shape)
        if operation in (Operation.MIN, Operation.MAX, Operation.ADD):
            # Known operands first, so that each step has a tensor.
            operands.sort(key=lambda each: not isinstance(each, Tensor))
        result = reduce(lambda a, b: c.reals.binary(operation, a, b), operands)
        return wrapped(c.reals, c.reals.expanded(result, shape), operands[0].dtype)

    return handle


def _is_single(array: Array, number: float) -> bool:
    """Whether an array is this number alone, which then changes no maximum or minimum."""
    return array.size == 1 and float(array.reshape(-1)[0]) == number


def divide(c: Context) -> Operand:
    """Division; of integers toward zero."""
    a, b = c.operand(0), c.operand(1)
    if a.dtype.kind == "f":
        if not isinstance(b, Tensor):
            if not b.all():
                raise c.refuse("a known divisor of 0")
            return c.reals.times(a, 1.0 / b.astype(np.float64))
        return c.reals.over(a, b)
    return wrapped(c.reals, divided(c.reals, a, b), a.dtype)


def mean(c: Context) -> Operand:
    """The mean of several tensors."""
    total = binary(Operation.ADD)(c)
    if isinstance(total, tuple) or len(c.inputs) == 1:
        return c.operand(0)
    return c.reals.times(total, 1 / len(c.inputs))


def compare(relation: Relation) -> Handler:
    """A handler of a comparison."""

    def handle(c: Context) -> Operand:
        return c.reals.compare(c.operand(0), relation, c.operand(1))

    return handle


def logic(operation: Operation) -> Handler:
    """AND as the smaller, OR as the larger of two truth values."""

    def handle(c: Context) -> Operand:
        return c.reals.binary(operation, c.operand(0), c.operand(1))

    return handle


def exclusive_or(c: Context) -> Operand:
    """Whether two truth values differ."""
    return c.reals.compare(c.operand(0), Relation.NOT_EQUAL, c.operand(1))


def invert(c: Context) -> Operand:
    """Whether a truth value does not hold."""
    return c.reals.compare(c.tensor(0), Relation.EQUAL, np.asarray(0))


def where(c: Context) -> Operand:
    """A choice by truth values."""
    return c.reals.select(c.operand(0), c.operand(1), c.operand(2))


def negate(c: Context) -> Operand:
    """The number with the other sign."""
    x = c.tensor(0)
    return wrapped(c.reals, c.reals.minus(np.zeros((), x.dtype), x), x.dtype)


def modulo(c: Context) -> Operand:
    """The remainder, with the sign of the second operand; with fmod=1 with that of the first."""
    a, b = c.operand(0), c.operand(1)
    if a.dtype.kind == "f":
        quotient = c.reals.over(a, b)
        whole = truncate(c.reals, quotient) if c.attribute("fmod", 0) else c.reals.floor(quotient)
        return c.reals.cast(c.reals.minus(a, c.reals.times(whole, b)), a.dtype)
    whole = c.reals.as_tensor(divide(c)) if c.attribute("fmod", 0) else floor_divided(c.reals, a, b)
    rest = c.reals.minus(a, c.reals.times(c.reals.cast(whole, np.int64), b))
    return c.reals.cast(c.reals.clamp(rest, *SHORT.get(a.dtype.name, (-np.inf, np.inf))), a.dtype)


def clip(c: Context) -> Operand:
    """Saturation at two bounds, which may be tensors."""
    x: Operand = c.tensor(0)
    if c.opset < 11:
        return c.reals.clamp(c.tensor(0), c.attribute("min", -np.inf), c.attribute("max", np.inf))
    low, high = (c.operand(place) if c.has(place) else None for place in (1, 2))
    if all(each is None or not isinstance(each, Tensor) for each in (low, high)):
        bounds = [
            float(given.reshape(-1)[0]) if given is not None and not isinstance(given, Tensor) else default
            for given, default in ((low, -np.inf), (high, np.inf))
        ]
        return c.reals.clamp(c.tensor(0), min(bounds), bounds[1])
    x = x if low is None else c.reals.binary(Operation.MAX, x, low)
    return x if high is None else c.reals.binary(Operation.MIN, x, high)


def power(c: Context) -> Operand:
    """A power with known exponents that products, roots and quotients make."""
    x, exponents = c.tensor(0), c.array(1, "exponents")
    kinds = np.unique(exponents)
    if kinds.size > MOST_POWERS:
        raise c.refuse(f"{kinds.size} different exponents, {MOST_POWERS} are the most")
    result: Tensor | None = None
    for kind in kinds:
        raised = _raised(c, x, float(kind))
        result = raised if result is None else c.reals.select(exponents == kind, raised, result)
    if result is None:
        raise c.refuse("no exponent")
    return c.reals.expanded(result, np.broadcast_shapes(x.shape, exponents.shape))


def _raised(c: Context, x: Tensor, exponent: float) -> Tensor:
    """X to the power of a number that is whole or a half more."""
    size = abs(exponent)
    if size > MOST_POWER or not (2 * size).is_integer() or (exponent < 0 and x.is_whole):
        raise c.refuse(f"exponent {exponent}; halves from -{MOST_POWER} to {MOST_POWER} are done")
    if exponent == 0:
        return c.reals.cast(c.reals.as_tensor(np.ones(x.shape)), x.dtype)
    factors = [] if size % 1 == 0 else [c.reals.elementwise(Operation.SQRT, [x], x.dtype)]
    square, left = x, int(size)
    while left:
        factors += [square] if left % 2 else []
        left //= 2
        square = c.reals.times(square, square) if left else square
    result = reduce(c.reals.times, factors)
    return result if exponent > 0 else c.reals.over(np.ones((), x.dtype), result)


#: The largest exponent, and how many different ones a node has (choices): each takes products of its own.
MOST_POWER: Final = 64
MOST_POWERS: Final = 64


def square_root(c: Context) -> Operand:
    """The square root."""
    x = c.tensor(0)
    return c.reals.elementwise(Operation.SQRT, [x], x.dtype)


def reciprocal(c: Context) -> Operand:
    """1 / x."""
    return c.reals.over(np.ones((), c.tensor(0).dtype), c.tensor(0))


def absolute(c: Context) -> Operand:
    """The magnitude."""
    x = c.tensor(0)
    return wrapped(c.reals, c.reals.elementwise(Operation.ABS, [x], x.dtype), x.dtype)


def sign(c: Context) -> Operand:
    """-1, 0 or 1."""
    x, zero = c.tensor(0), np.zeros(())
    above = c.reals.compare(x, Relation.GREATER, zero)
    below = c.reals.compare(x, Relation.LESS, zero)
    return c.reals.cast(c.reals.minus(above, below), x.dtype)


ELEMENTWISE: Final[dict[str, Handler]] = {
    "Add": binary(Operation.ADD),
    "Sub": binary(Operation.SUB),
    "Mul": binary(Operation.MUL),
    "Div": divide,
    "Sum": binary(Operation.ADD),
    "Mean": mean,
    "Min": binary(Operation.MIN),
    "Max": binary(Operation.MAX),
    "Mod": modulo,
    "Pow": power,
    "Sqrt": square_root,
    "Reciprocal": reciprocal,
    "Abs": absolute,
    "Neg": negate,
    "Sign": sign,
    "Clip": clip,
    "Less": compare(Relation.LESS),
    "LessOrEqual": compare(Relation.LESS_OR_EQUAL),
    "Greater": compare(Relation.GREATER),
    "GreaterOrEqual": compare(Relation.GREATER_OR_EQUAL),
    "And": logic(Operation.MIN),
    "Or": logic(Operation.MAX),
    "Xor": exclusive_or,
    "Not": invert,
    "Where": where,
}
