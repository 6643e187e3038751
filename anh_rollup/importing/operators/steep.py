"""Functions that are too steep somewhere for a table, by others that are not.

Near 1 an arc cosine is a root, near its poles a tangent a quotient, near the ends an inverse hyperbolic
tangent a logarithm; roots, quotients and logarithms keep their bits there.
"""

from collections.abc import Callable
from math import inf, pi, sqrt
from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.operators.functions import LOG
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Function, Operation, Reals
from anh_rollup.tensor.opcodes import Relation

#: Twice the arc sine, up to the root of a half.
TWICE_ARC_SINE: Final = Function("asin", lambda x: 2.0 * np.arcsin(x), (0.0, sqrt(0.5)))


def _of(reals: Folding, x: Tensor, name: str, apply: Callable[[Reals], Reals]) -> Tensor:
    return reals.function(x, Function(name, apply))


def _root_of_half(reals: Folding, x: Tensor) -> Tensor:
    half = reals.clamp(reals.times(x, 0.5), 0.0, inf)
    return reals.elementwise(Operation.SQRT, [half], x.dtype)


def _arc_cosine(reals: Folding, x: Tensor) -> Tensor:
    """Acos |x| = 2 asin of the root of (1 - |x|) / 2; of a negative x it is pi less that."""
    size = reals.clamp(reals.elementwise(Operation.ABS, [x], x.dtype), 0.0, 1.0)
    angle = reals.function(_root_of_half(reals, reals.minus(1.0, size)), TWICE_ARC_SINE)
    below = reals.compare(x, Relation.LESS, np.zeros(()))
    return reals.select(below, reals.minus(pi, angle), angle)


def arc_cosine(c: Context) -> Operand:
    """The angle in 0 to pi whose cosine is x."""
    return _arc_cosine(c.reals, c.tensor(0))


def arc_sine(c: Context) -> Operand:
    """The angle in -pi/2 to pi/2 whose sine is x."""
    return c.reals.minus(pi / 2, _arc_cosine(c.reals, c.tensor(0)))


def tangent(c: Context) -> Operand:
    """The sine over the cosine."""
    x = c.tensor(0)
    return c.reals.over(_of(c.reals, x, "sin", np.sin), _of(c.reals, x, "cos", np.cos))


def area_cosine(c: Context) -> Operand:
    """Acosh x = 2 asinh of the root of (x - 1) / 2."""
    root = _root_of_half(c.reals, c.reals.minus(c.tensor(0), 1.0))
    return _of(c.reals, root, "asinh", lambda x: 2.0 * np.arcsinh(x))


def area_tangent(c: Context) -> Operand:
    """Half of log(1 + x) - log(1 - x)."""
    x = c.tensor(0)
    ends = [c.reals.function(each, LOG) for each in (c.reals.plus(x, 1.0), c.reals.minus(1.0, x))]
    return c.reals.times(c.reals.minus(*ends), 0.5)


STEEP: Final[dict[str, Handler]] = {
    "Acos": arc_cosine,
    "Asin": arc_sine,
    "Tan": tangent,
    "Acosh": area_cosine,
    "Atanh": area_tangent,
}
