"""Functions of one number: tables, and the few that the instructions have themselves."""

from collections.abc import Callable
from math import inf, sqrt
from typing import Any, Final

import numpy as np

from anh_rollup.importing.operators.context import Context, Handler
from anh_rollup.importing.operators.integers import SHORT, wrapped
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Function, Operation, Reals
from anh_rollup.importing.special import erf
from anh_rollup.tensor.opcodes import Relation

#: Beyond this e^-x is below 2^-31, which no result of 32 bits shows.
FAR: Final = 22.0


def sigmoid(x: Reals) -> Reals:
    """1 / (1 + e^-x)."""
    return 0.5 * (1.0 + np.tanh(0.5 * x))


def softplus(x: Reals) -> Reals:
    """log(1 + e^x)."""
    return np.logaddexp(0.0, x)


def normal_share(x: Reals) -> Reals:
    """The normal distribution's share below x."""
    return 0.5 * (1.0 + erf(x / sqrt(2.0)))


def tanh_share(x: Reals) -> Reals:
    """GELU's approximation of `normal_share` by a tanh."""
    return 0.5 * (1.0 + np.tanh(sqrt(2.0 / np.pi) * (x + 0.044715 * x**3)))


def table(name: str, apply: Callable[[Reals], Reals], flat: tuple[float, float] = (-inf, inf)) -> Handler:
    """A handler that looks a function up."""
    function = Function(name, apply, flat)
    return lambda c: c.reals.function(c.tensor(0), function)


def rectified(reals: Folding, x: Tensor) -> Tensor:
    """max(x, 0)."""
    return reals.clamp(x, 0.0, inf)


def near_line(
    reals: Folding, x: Tensor, name: str, apply: Callable[[Reals], Reals], flat: tuple[float, float]
) -> Tensor:
    """A function that is 0 far to the left and x far to the right: max(x, 0) and a table of the rest."""
    rest = Function(name, lambda at: apply(at) - np.maximum(at, 0.0), flat)
    return reals.plus(rectified(reals, x), reals.function(x, rest))


def gelu(c: Context) -> Operand:
    """X times the share of a normal distribution below x."""
    share = tanh_share if c.attribute("approximate", "none") == "tanh" else normal_share
    return near_line(c.reals, c.tensor(0), "gelu", lambda x: x * share(x), (-8.0, 8.0))


def swish(c: Context) -> Operand:
    """X times the sigmoid of alpha x."""
    alpha = c.attribute("alpha", 1.0)
    if alpha <= 0:
        raise c.refuse(f"alpha {alpha}")
    far = (FAR + 4) / alpha
    return near_line(c.reals, c.tensor(0), "swish", lambda x: x * sigmoid(alpha * x), (-far, far))


def mish(c: Context) -> Operand:
    """X times the tanh of softplus of x."""
    return near_line(c.reals, c.tensor(0), "mish", lambda x: x * np.tanh(softplus(x)), (-26.0, 26.0))


def soft_plus(c: Context) -> Operand:
    """log(1 + e^x)."""
    return near_line(c.reals, c.tensor(0), "softplus", softplus, (-FAR, FAR))


def relu(c: Context) -> Operand:
    """max(x, 0)."""
    return rectified(c.reals, c.tensor(0))


def leaky(c: Context) -> Operand:
    """X above 0, alpha x below."""
    return sloped(c.reals, c.tensor(0), np.asarray(c.attribute("alpha", 0.01)))


def parametric(c: Context) -> Operand:
    """X above 0, a slope times x below."""
    return sloped(c.reals, c.tensor(0), c.operand(1))


def sloped(reals: Folding, x: Tensor, slope: Operand) -> Tensor:
    """X above 0, a slope times x below."""
    return reals.plus(rectified(reals, x), reals.times(reals.clamp(x, -inf, 0.0), slope))


def elu(c: Context) -> Operand:
    """X above 0, alpha (e^x - 1) below."""
    return _curved(c, 1.0, c.attribute("alpha", 1.0))


def celu(c: Context) -> Operand:
    """X above 0, alpha (e^(x / alpha) - 1) below."""
    alpha = c.attribute("alpha", 1.0)
    if alpha <= 0:
        raise c.refuse(f"alpha {alpha}")
    below = Function("celu", lambda x: alpha * np.expm1(x / alpha), (-FAR * alpha, 0.0))
    x = c.tensor(0)
    return c.reals.plus(rectified(c.reals, x), c.reals.function(x, below))


def selu(c: Context) -> Operand:
    """Gamma x above 0, gamma alpha (e^x - 1) below."""
    gamma = c.attribute("gamma", 1.0507009873554805)
    return _curved(c, gamma, gamma * c.attribute("alpha", 1.6732632423543772))


def _curved(c: Context, right: float, left: float) -> Tensor:
    x, below = c.tensor(0), Function("elu", lambda at: left * np.expm1(at), (-FAR, 0.0))
    above = rectified(c.reals, x)
    return c.reals.plus(above if right == 1 else c.reals.times(above, right), c.reals.function(x, below))


def hard_sigmoid(c: Context) -> Operand:
    """Alpha x + beta between 0 and 1."""
    x, alpha, beta = c.tensor(0), c.attribute("alpha", 0.2), c.attribute("beta", 0.5)
    return c.reals.clamp(c.reals.plus(c.reals.times(x, alpha), beta), 0.0, 1.0)


def hard_swish(c: Context) -> Operand:
    """X times (x / 6 + 1/2) between 0 and 1."""
    x = c.tensor(0)
    return c.reals.times(x, c.reals.clamp(c.reals.plus(c.reals.times(x, 1 / 6), 0.5), 0.0, 1.0))


def thresholded(c: Context) -> Operand:
    """X above alpha, else 0."""
    x = c.tensor(0)
    above = c.reals.compare(x, Relation.GREATER, np.asarray(c.attribute("alpha", 1.0)))
    return c.reals.select(above, x, np.zeros((), x.dtype))


def shrink(c: Context) -> Operand:
    """X moved by the bias toward 0 outside of [-lambd, lambd], else 0."""
    x, edge, bias = c.tensor(0), c.attribute("lambd", 0.5), c.attribute("bias", 0.0)
    low = c.reals.compare(x, Relation.LESS, np.asarray(-edge))
    high = c.reals.compare(x, Relation.GREATER, np.asarray(edge))
    inner = c.reals.select(high, c.reals.minus(x, bias), np.zeros((), x.dtype))
    return c.reals.select(low, c.reals.plus(x, bias), inner)


def softsign(c: Context) -> Operand:
    """X / (1 + |x|)."""
    x = c.tensor(0)
    return c.reals.over(x, c.reals.plus(c.reals.elementwise(Operation.ABS, [x], x.dtype), 1.0))


def truncate(reals: Folding, x: Tensor) -> Tensor:
    """The integer next to x toward zero."""
    minus = reals.minus(0.0, reals.floor(reals.minus(0.0, x)))
    return reals.select(reals.compare(x, Relation.LESS, np.zeros(())), minus, reals.floor(x))


def floor(c: Context) -> Operand:
    """The largest integer not above x."""
    return c.reals.floor(c.tensor(0))


def ceil(c: Context) -> Operand:
    """The smallest integer not below x."""
    below = c.reals.floor(c.reals.minus(0.0, c.tensor(0)))
    return c.reals.cast(c.reals.minus(0.0, below), c.tensor(0).dtype)


def round_even(c: Context) -> Operand:
    """The nearest integer; of two equally near ones the even one."""
    return to_even(c.reals, c.tensor(0))


def to_even(reals: Folding, x: Tensor) -> Tensor:
    """The nearest integer; of two equally near ones the even one."""
    moved = reals.plus(x, 0.5)
    near = reals.floor(moved)
    is_tie = reals.compare(moved, Relation.EQUAL, near)
    half = reals.floor(reals.times(near, 0.5))
    is_odd = reals.minus(near, reals.times(half, 2.0))
    odd_tie = reals.binary(Operation.MIN, reals.cast(is_odd, np.bool_), is_tie)
    return reals.cast(reals.minus(near, odd_tie), x.dtype)


def cast(c: Context) -> Operand:
    """The same number by another type; reals become integers toward zero."""
    return converted(c, c.dtype("to"))


def cast_like(c: Context) -> Operand:
    """The same number by the type of another tensor."""
    return converted(c, c.operand(1).dtype)


def converted(c: Context, dtype: np.dtype[Any]) -> Tensor:
    """The same numbers by another type."""
    x = c.tensor(0)
    if dtype.name not in _CASTS:
        raise c.refuse(f"a cast to {dtype}")
    if dtype.kind == "b":
        return c.reals.compare(x, Relation.NOT_EQUAL, np.zeros(()))
    if dtype.kind in "iu":
        is_whole = c.reals.node(x.place).is_whole
        whole = c.reals.cast(x if is_whole else truncate(c.reals, x), np.int64)
        return wrapped(c.reals, whole, dtype)
    return c.reals.cast(x, dtype)


_CASTS: Final = frozenset(
    {"float16", "float32", "float64", "int32", "int64", "uint32", "uint64", "bool", *SHORT}
)


def same(c: Context) -> Operand:
    """X as it is."""
    return c.operand(0)


def dropout(c: Context) -> tuple[Operand, ...]:
    """X as it is, for inference drops nothing."""
    training = c.optional(2, "training mode")
    if training is not None and bool(training.any()):
        raise c.refuse("training mode, which draws at random")
    return c.operand(0), np.ones(c.tensor(0).shape, np.bool_)


def logarithm(x: Reals) -> Reals:
    """The natural logarithm of what is above 0; of anything else that of the least float."""
    return np.log(np.maximum(x, np.finfo(np.float64).tiny))


#: The natural logarithm of what is above 0.
LOG: Final = Function("log", logarithm, of_root=True)
#: Functions that other operators have inside, too.
FUNCTIONS_OF_ONE: Final = {
    "Sigmoid": Function("sigmoid", sigmoid, (-FAR, FAR)),
    "Tanh": Function("tanh", np.tanh, (-FAR / 2, FAR / 2)),
}

FUNCTIONS: Final[dict[str, Handler]] = {
    "Exp": table("exp", np.exp, (-FAR, inf)),
    "Log": lambda c: c.reals.function(c.tensor(0), LOG),
    "Sigmoid": lambda c: c.reals.function(c.tensor(0), FUNCTIONS_OF_ONE["Sigmoid"]),
    "Tanh": lambda c: c.reals.function(c.tensor(0), FUNCTIONS_OF_ONE["Tanh"]),
    "Erf": table("erf", erf, (-5.0, 5.0)),
    "Sin": table("sin", np.sin),
    "Cos": table("cos", np.cos),
    "Atan": table("atan", np.arctan),
    "Sinh": table("sinh", np.sinh),
    "Cosh": table("cosh", np.cosh),
    "Asinh": table("asinh", np.arcsinh),
    "Softplus": soft_plus,
    "Gelu": gelu,
    "Swish": swish,
    "Mish": mish,
    "Relu": relu,
    "LeakyRelu": leaky,
    "PRelu": parametric,
    "Elu": elu,
    "Celu": celu,
    "Selu": selu,
    "HardSigmoid": hard_sigmoid,
    "HardSwish": hard_swish,
    "ThresholdedRelu": thresholded,
    "Shrink": shrink,
    "Softsign": softsign,
    "Floor": floor,
    "Ceil": ceil,
    "Round": round_even,
    "Cast": cast,
    "CastLike": cast_like,
    "Identity": same,
    "Dropout": dropout,
}
