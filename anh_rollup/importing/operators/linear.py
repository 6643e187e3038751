"""Matrix products."""

from typing import Final

import numpy as np

from anh_rollup.importing.operators.context import Array, Context, Handler, real
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.importing.record import Operation


def matmul(c: Context) -> Operand:
    """Numpy's matmul."""
    return product(c, c.operand(0), c.operand(1))


def product(c: Context, a: Operand, b: Operand) -> Tensor:
    """Numpy's matmul, of which one operand may be known."""
    if not a.shape or not b.shape or a.shape[-1] != b.shape[max(0, len(b.shape) - 2)]:
        raise c.refuse(f"shapes {list(a.shape)} and {list(b.shape)}")
    shape = (
        *np.broadcast_shapes(a.shape[:-2], b.shape[:-2]),
        *a.shape[-2:-1],
        *b.shape[-1:][: len(b.shape) - 1],
    )
    left, right = _with_axes(c, a, (1, *a.shape)), _with_axes(c, b, (*b.shape, 1))
    return c.reals.reshaped(c.reals.matmul(left, right), shape)


def _with_axes(c: Context, x: Operand, shape: tuple[int, ...]) -> Operand:
    if len(x.shape) > 1:
        return x if isinstance(x, Tensor) else _weights(x)
    return c.reals.reshaped(x, shape) if isinstance(x, Tensor) else _weights(x.reshape(shape))


def _weights(x: Array) -> Array:
    return x if x.dtype.kind in "iub" else real(x)


def gemm(c: Context) -> Operand:
    """Alpha a b + beta c, with a and b transposed where asked."""
    a, b = _turned(c, 0, "transA"), _turned(c, 1, "transB")
    alpha, beta = c.attribute("alpha", 1.0), c.attribute("beta", 1.0)
    bias = c.operand(2) if c.has(2) and beta != 0 else None
    if isinstance(a, Tensor) and not isinstance(b, Tensor) and _is_row(bias, b.shape[1]):
        row = None
        if bias is not None and not isinstance(bias, Tensor):
            row = np.broadcast_to(real(bias) * beta, (1, b.shape[1])).reshape(-1)
        return c.reals.linear(a, real(b).T * alpha, row)
    result = product(c, a, b)
    result = result if alpha == 1 else c.reals.times(result, alpha)
    if bias is None:
        return result
    scaled = bias if beta == 1 else c.reals.times(c.reals.as_tensor(bias), beta)
    return c.reals.plus(result, scaled)


def _is_row(bias: Operand | None, outputs: int) -> bool:
    if bias is None:
        return True
    return (
        not isinstance(bias, Tensor)
        and bias.size in (1, outputs)
        and bias.shape[-1:] in ((), (1,), (outputs,))
    )


def _turned(c: Context, place: int, name: str) -> Operand:
    x = c.operand(place)
    if len(x.shape) != 2:
        raise c.refuse(f"shape {list(x.shape)}")
    if not c.attribute(name, 0):
        return x
    return c.reals.transposed(x, (1, 0)) if isinstance(x, Tensor) else x.T


def einsum(c: Context) -> Operand:
    """Sums of products over named axes, as products of matrices, pair by pair."""
    equation = c.attribute("equation", "").replace(" ", "")
    if "." in equation:
        raise c.refuse("an ellipsis")
    left, arrow, right = equation.partition("->")
    terms = left.split(",")
    if not arrow:
        right = "".join(sorted(name for name in set(left) - {","} if left.count(name) == 1))
    operands = [c.tensor(place) for place in range(len(c.inputs))]
    if len(terms) != len(operands) or any(
        len(set(t)) != len(t) or len(t) != x.rank for t, x in zip(terms, operands, strict=True)
    ):
        raise c.refuse(f"equation {equation[:60]!r}")
    names, result = terms[0], operands[0]
    for place in range(1, len(operands)):
        kept = set(right).union(*terms[place + 1 :])
        names, result = _contracted(c, (names, result), (terms[place], operands[place]), kept)
    gone = [names.index(name) for name in names if name not in right]
    if gone:
        result = c.reals.reduced(Operation.SUM, result, gone, keeps=False)
        names = "".join(name for name in names if name in right)
    return c.reals.transposed(result, [names.index(name) for name in right])


def _contracted(
    c: Context, a: tuple[str, Tensor], b: tuple[str, Tensor], kept: set[str]
) -> tuple[str, Tensor]:
    """Two operands as one: shared axes that are kept are a batch, others that are shared are summed over."""
    (first, x), (second, y) = a, b
    batch = [name for name in first if name in second and name in kept]
    summed = [name for name in first if name in second and name not in kept]
    rows = [name for name in first if name not in second]
    columns = [name for name in second if name not in first]
    sizes = {**dict(zip(second, y.shape, strict=True)), **dict(zip(first, x.shape, strict=True))}
    count = {kind: int(np.prod([sizes[name] for name in group])) for kind, group in
             (("b", batch), ("m", rows), ("k", summed), ("n", columns))}  # fmt: skip
    left = c.reals.transposed(x, [first.index(name) for name in (*batch, *rows, *summed)])
    right = c.reals.transposed(y, [second.index(name) for name in (*batch, *summed, *columns)])
    product_ = c.reals.matmul(
        c.reals.reshaped(left, (count["b"], count["m"], count["k"])),
        c.reals.reshaped(right, (count["b"], count["k"], count["n"])),
    )
    names = (*batch, *rows, *columns)
    return "".join(names), c.reals.reshaped(product_, tuple(sizes[name] for name in names))


LINEAR: Final[dict[str, Handler]] = {"MatMul": matmul, "Gemm": gemm, "Einsum": einsum}
