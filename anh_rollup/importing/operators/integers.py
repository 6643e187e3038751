"""Integers as their types have them: arithmetic that wraps around, shifts, single bits.

The program's numbers are exact up to 31 bits, and an integer DIV is the quotient not above. So what wraps
around is moved back by so many times the type's size, and a bit is the rest of a quotient by its power.
"""

from collections.abc import Sequence
from typing import Any, Final

import numpy as np

from anh_rollup.importing.operators.context import Array, Context, Handler
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Operation
from anh_rollup.tensor.opcodes import Relation

#: Types whose every number the program holds, with their least and largest.
SHORT: Final = {
    "int8": (-128, 127), "uint8": (0, 255), "int16": (-32_768, 32_767), "uint16": (0, 65_535),
}  # fmt: skip
#: Bits of magnitude of the program's numbers, which is all that a longer type has here.
MOST_BITS: Final = 31
#: The largest number of the program.
_EDGE: Final = 2.0**MOST_BITS - 1


def wrapped(reals: Folding, x: Tensor, dtype: np.dtype[Any]) -> Tensor:
    """Integers as a type has them: too large ones of a short type come in again at its other end."""
    if dtype.name not in SHORT:
        return reals.cast(x, dtype)
    low, high = SHORT[dtype.name]
    size = np.asarray(high - low + 1, np.int64)
    x = reals.cast(x, np.int64)
    times = floor_divided(reals, reals.minus(x, np.asarray(low, np.int64)), size)
    return reals.cast(reals.clamp(reals.minus(x, reals.times(times, size)), low, high), dtype)


def floor_divided(reals: Folding, a: Operand, b: Operand) -> Tensor:
    """The largest integer not above a / b, for integers."""
    return reals.elementwise(Operation.DIV, [a, b], np.int64)


def divided(reals: Folding, a: Operand, b: Operand) -> Tensor:
    """The integer next to a / b toward zero, for integers."""
    below, zero = floor_divided(reals, a, b), np.zeros((), np.int64)
    rest = reals.minus(a, reals.times(below, b))
    is_moved = reals.binary(
        Operation.MIN,
        reals.compare(below, Relation.LESS, zero),
        reals.compare(rest, Relation.NOT_EQUAL, zero),
    )
    return reals.plus(below, reals.cast(is_moved, np.int64))


def check_sign(c: Context, operands: Sequence[Operand]) -> None:
    """Refuses differences of long unsigned numbers, which below 0 become larger than any here.

    Raises:
        OperatorRefusedError: It is one.
    """
    dtype = operands[0].dtype
    if dtype.kind == "u" and dtype.name not in SHORT:
        raise c.refuse(f"a difference of {dtype} numbers, which wraps around below 0")


def shift(c: Context) -> Operand:
    """Bits moved up or down, by as many places as an operand says, element by element.

    By fewer than 0 places, or as many as the type has, all is moved out: on the right the sign is left.
    """
    x, by = c.tensor(0), c.operand(1)
    whole, count = c.reals.cast(x, np.int64), x.dtype.itemsize * 8
    is_left = c.attribute("direction", "") == "LEFT"
    if isinstance(by, Tensor):
        if x.dtype.name not in SHORT:
            raise c.unknown(by, "number of places")
        below = c.reals.compare(by, Relation.LESS, np.zeros((), np.int64))
        places = c.reals.select(below, np.asarray(count, np.int64), c.reals.cast(by, np.int64))
        powers: Operand = c.reals.gathered(np.left_shift(1, np.arange(count + 1)), places, 0)
        moved = c.reals.times(whole, powers) if is_left else floor_divided(c.reals, whole, powers)
        return wrapped(c.reals, moved, x.dtype)
    amounts = by.astype(np.int64)
    amounts = np.where((amounts < 0) | (amounts >= count), count, amounts)
    if is_left:
        return wrapped(c.reals, c.reals.times(whole, _factors(c, amounts, count)), x.dtype)
    # Two steps, for 2^31 is no number of the program.
    first = floor_divided(c.reals, whole, np.left_shift(np.int64(1), np.minimum(amounts, MOST_BITS - 1)))
    return c.reals.cast(floor_divided(c.reals, first, 1 + (amounts >= MOST_BITS)), x.dtype)


def _factors(c: Context, amounts: Array, count: int) -> Array:
    inside = amounts < count
    if (inside & (amounts >= MOST_BITS)).any():
        raise c.refuse(f"a shift by {int(amounts[inside].max())} places, {MOST_BITS - 1} are the most")
    return np.where(inside, np.left_shift(np.int64(1), np.minimum(amounts, MOST_BITS - 1)), 0)


def bits_of(reals: Folding, x: Tensor) -> tuple[Tensor, Array]:
    """Bits along a new last axis, and what each stands for; the sign's, where there is one, is the last."""
    width = x.dtype.itemsize * 8 if x.dtype.name in SHORT else MOST_BITS + (x.dtype.kind == "i")
    count = width - (x.dtype.kind == "i")
    powers = np.left_shift(np.int64(1), np.arange(count))
    column = reals.cast(reals.reshaped(x, (*x.shape, 1)), np.int64)
    quotients = floor_divided(reals, column, powers)
    above = floor_divided(reals, quotients, np.asarray(2, np.int64))
    rest = reals.minus(quotients, reals.times(above, np.asarray(2, np.int64)))
    digits = reals.clamp(rest, 0, 1)
    if x.dtype.kind != "i":
        return digits, powers
    sign = reals.cast(reals.compare(column, Relation.LESS, np.zeros((), np.int64)), np.int64)
    return reals.joined([digits, sign], x.rank), np.append(powers, -(1 << count))


def bitwise(operation: Operation | None) -> Handler:
    """A handler of AND as the smaller, OR as the larger of two bits; of XOR where None is given."""

    def handle(c: Context) -> Operand:
        a, b = c.tensor(0), c.tensor(1)
        (x, weights), (y, _) = bits_of(c.reals, a), bits_of(c.reals, b)
        both = (
            c.reals.compare(x, Relation.NOT_EQUAL, y)
            if operation is None
            else c.reals.binary(operation, x, y)
        )
        worth = c.reals.times(c.reals.cast(both, np.int64), weights)
        total = c.reals.reduced(Operation.SUM, worth, [worth.rank - 1], keeps=False)
        return c.reals.cast(c.reals.clamp(total, *SHORT.get(a.dtype.name, (-_EDGE, _EDGE))), a.dtype)

    return handle


def bitwise_not(c: Context) -> Operand:
    """All bits turned: -1 - x, and of unsigned numbers the type's largest less x."""
    x = c.tensor(0)
    if x.dtype.kind == "u" and x.dtype.name not in SHORT:
        raise c.refuse(f"bits of {x.dtype}, which are more than {MOST_BITS}")
    most = SHORT[x.dtype.name][1] if x.dtype.kind == "u" else -1
    return c.reals.minus(np.asarray(most, x.dtype), x)


def same_bits(c: Context) -> Operand:
    """The bits of an integer read as one of another sign."""
    x, wanted = c.tensor(0), c.dtype("to")
    if x.dtype.kind == "f" or wanted.kind == "f":
        raise c.refuse(f"the bits of {x.dtype} as {wanted}")
    if wanted.name not in SHORT and "u" in (x.dtype.kind, wanted.kind):
        raise c.refuse(f"the bits of {x.dtype} as {wanted}, which may be beyond {MOST_BITS}")
    return wrapped(c.reals, x, wanted)


INTEGERS: Final[dict[str, Handler]] = {
    "BitShift": shift,
    "BitwiseAnd": bitwise(Operation.MIN),
    "BitwiseOr": bitwise(Operation.MAX),
    "BitwiseXor": bitwise(None),
    "BitwiseNot": bitwise_not,
    "BitCast": same_bits,
}
