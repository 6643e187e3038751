"""RNN, LSTM and GRU, unrolled over the places of a sequence.

The product with the input is one for all places; then each place adds its product with the state and takes
the operator's step, of which only `_CELLS` knows anything.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from math import inf
from typing import Final

import numpy as np

from anh_rollup.importing.control_flow import MOST_ROUNDS, row, stacked
from anh_rollup.importing.operators.context import Array, Context, Handler, real
from anh_rollup.importing.operators.functions import FUNCTIONS_OF_ONE, sloped
from anh_rollup.importing.operators.quantized import rounded
from anh_rollup.importing.reals import Folding, Operand, Tensor
from anh_rollup.importing.record import Operation

#: An activation of a gate.
Activation = Callable[[Tensor], Tensor]


@dataclass(frozen=True, slots=True, eq=False)
class Direction:
    """What a recurrent operator has for one direction.

    Attributes:
        hidden: Elements of the state.
        w: Weights of the input (gates x hidden, inputs).
        r: Weights of the state (gates x hidden, hidden), in parts that are used at once.
        input_bias, state_bias: One number for each row of them.
        peepholes: Factors of an LSTM's cell at its gates, three times hidden.
        activations: As many as the operator has.
        turned: Whether it goes from the last place to the first.
        admit: What becomes of inputs and states before they are multiplied.
    """

    hidden: int
    w: Array
    r: list[Tensor]
    input_bias: Array
    state_bias: Array
    peepholes: Array
    activations: list[Activation]
    turned: bool
    admit: Callable[[Tensor], Tensor]

    def gate(self, array: Array, at: int) -> Array:
        """The rows of one gate."""
        return array[at * self.hidden : (at + 1) * self.hidden]


#: A step: from the direction, the input's products and the states (batch, hidden) to the new states.
Step = Callable[["Recurrence", Direction, Tensor, list[Tensor]], list[Tensor]]


@dataclass(frozen=True, slots=True, eq=False)
class Recurrence:
    """One node and what its steps share."""

    c: Context

    @property
    def reals(self) -> Folding:
        """The recorder."""
        return self.c.reals

    def gate(self, d: Direction, products: Tensor, at: int) -> Tensor:
        """The part of products (batch, gates x hidden) that is one gate's."""
        places = range(at * d.hidden, (at + 1) * d.hidden)
        return self.reals.sliced(products, [range(products.shape[0]), places])

    def mixed(self, share: Tensor, a: Tensor, b: Tensor) -> Tensor:
        """Share a + (1 - share) b."""
        return self.reals.plus(b, self.reals.times(share, self.reals.minus(a, b)))


def _rnn(n: Recurrence, d: Direction, x: Tensor, states: list[Tensor]) -> list[Tensor]:
    return [d.activations[0](n.reals.plus(x, n.reals.linear(states[0], d.r[0])))]


def _lstm(n: Recurrence, d: Direction, x: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Gates in ONNX's order: input, output, forget, cell; peepholes: input, output, forget."""
    state, cell = states
    products = n.reals.plus(x, n.reals.linear(d.admit(state), d.r[0]))
    i, o, f, g = (n.gate(d, products, at) for at in range(4))
    inner, outer, last = d.activations
    admitted = inner(_peeped(n, d, i, cell, 0))
    kept = (
        n.reals.minus(1.0, admitted) if n.c.attribute("input_forget", 0) else inner(_peeped(n, d, f, cell, 2))
    )
    new = n.reals.plus(n.reals.times(kept, cell), n.reals.times(admitted, outer(g)))
    shown = inner(_peeped(n, d, o, new, 1))
    return [n.reals.times(shown, last(new)), new]


def _peeped(n: Recurrence, d: Direction, gate: Tensor, cell: Tensor, at: int) -> Tensor:
    factors = d.gate(d.peepholes, at)
    return n.reals.plus(gate, n.reals.times(cell, factors)) if factors.any() else gate


def _gru(n: Recurrence, d: Direction, x: Tensor, states: list[Tensor]) -> list[Tensor]:
    """Gates in ONNX's order: update, reset, hidden."""
    (state,), both = states, 2 * d.hidden
    inner, outer = d.activations
    products = n.reals.plus(
        n.reals.sliced(x, [range(x.shape[0]), range(both)]), n.reals.linear(state, d.r[0])
    )
    update, reset = (inner(n.gate(d, products, at)) for at in range(2))
    bias = d.gate(d.state_bias, 2)
    if n.c.attribute("linear_before_reset", 0):
        recalled = n.reals.times(reset, n.reals.plus(n.reals.linear(state, d.r[1]), bias))
    else:
        recalled = n.reals.plus(n.reals.linear(n.reals.times(reset, state), d.r[1]), bias)
    return [n.mixed(update, state, outer(n.reals.plus(n.gate(d, x, 2), recalled)))]


@dataclass(frozen=True, slots=True)
class Cell:
    """What tells the operators apart.

    Attributes:
        gates: Gates, states and activations there are.
        activations: Those that it has by default.
        joined: Gates whose two biases are added before the step, and whose products with the state are one.
        step: The step.
    """

    gates: int
    states: int
    activations: tuple[str, ...]
    joined: int
    step: Step


#: Onnxruntime's own LSTM, whose weights are integers, with inputs and states rounded to 8 bits.
QUANTIZED_LSTM: Final = "DynamicQuantizeLSTM"
_CELLS: Final = {
    QUANTIZED_LSTM: Cell(4, 2, ("Sigmoid", "Tanh", "Tanh"), 4, _lstm),
    "RNN": Cell(1, 1, ("Tanh",), 1, _rnn),
    "LSTM": Cell(4, 2, ("Sigmoid", "Tanh", "Tanh"), 4, _lstm),
    "GRU": Cell(3, 1, ("Sigmoid", "Tanh"), 2, _gru),
}
_DIRECTIONS: Final = {"forward": (False,), "reverse": (True,), "bidirectional": (False, True)}


def recurrent(c: Context) -> tuple[Operand, ...]:
    """All states (places, directions, batch, hidden); the last ones (directions, batch, hidden)."""
    cell, x = _CELLS[c.node.op_type], c.tensor(0)
    if x.rank != 3:
        raise c.refuse(f"an input of shape {list(x.shape)}")
    is_batch_first = c.attribute("layout", 0)
    x = c.reals.transposed(x, (1, 0, 2)) if is_batch_first else x
    if x.shape[0] > MOST_ROUNDS:
        raise c.refuse(f"{x.shape[0]} places, {MOST_ROUNDS} are the most")
    lengths = _lengths(c, x)
    found = [
        _unrolled(c, cell, x, d, _initial(c, cell, at, x.shape[1], d.hidden), lengths)
        for at, d in enumerate(_directions(c, cell, x))
    ]
    all_states = stacked(c, [stacked(c, each[0], 0) for each in found], 1)
    last = [stacked(c, [each[1][at] for each in found], 0) for at in range(cell.states)]
    outputs = [all_states, *last]
    if is_batch_first:
        orders = [(2, 0, 1, 3)] + [(1, 0, 2)] * cell.states
        outputs = [
            c.reals.transposed(c.reals.as_tensor(each), order)
            for each, order in zip(outputs, orders, strict=True)
        ]
    return tuple(outputs)


def _lengths(c: Context, x: Tensor) -> Array | None:
    """How long each sequence is, where some are shorter."""
    lengths = c.optional(4, "lengths of sequences")
    if lengths is None or (lengths == x.shape[0]).all():
        return None
    if lengths.shape != x.shape[1:2] or lengths.min() < 1 or lengths.max() > x.shape[0]:
        raise c.refuse(f"lengths {lengths.tolist()[:8]} of {x.shape[1]} sequences of {x.shape[0]} places")
    return lengths


def _directions(c: Context, cell: Cell, x: Tensor) -> Iterator[Direction]:
    name = c.attribute("direction", "forward")
    if name not in _DIRECTIONS:
        raise c.refuse(f"direction {name!r}")
    turned, (w, r) = _DIRECTIONS[name], (_weights(c, at) for at in (1, 2))
    count, hidden = len(turned), r.shape[-1]
    rows = cell.gates * hidden
    b, p = (c.optional(at, "weights") if at < len(c.inputs) else None for at in (3, 7))
    b = np.zeros((count, 2 * rows)) if b is None else real(b)
    p = np.zeros((count, 3 * hidden)) if p is None else real(p)
    shapes = [each.shape for each in (w, r, b, p)]
    if shapes != [(count, rows, x.shape[2]), (count, rows, hidden), (count, 2 * rows), (count, 3 * hidden)]:
        raise c.refuse(f"weights of shapes {[list(each) for each in shapes]}")
    activations = _activations(c, cell, count)
    is_rounded = c.node.op_type == QUANTIZED_LSTM
    for at, back in enumerate(turned):
        joined = cell.joined * hidden
        bias = b[at, :rows].copy()
        bias[:joined] += b[at, rows : rows + joined]
        parts = [c.reals.as_tensor(each) for each in (r[at, :joined], r[at, joined:]) if each.size]
        yield Direction(
            hidden, w[at], parts, bias, b[at, rows:], p[at], next(activations), back,
            (lambda x: rounded(c.reals, x)) if is_rounded else (lambda x: x),
        )  # fmt: skip


def _weights(c: Context, at: int) -> Array:
    """The weights at an input, (directions, gates x hidden, ...); quantized ones lie the other way round."""
    w = real(c.array(at, "weights"))
    if c.node.op_type != QUANTIZED_LSTM:
        return w
    scale, zero = (real(c.array(each, "scales")) for each in (6 + 2 * at, 7 + 2 * at))
    scale, zero = (each.reshape(len(w), 1, -1) for each in (scale, zero))
    return np.ascontiguousarray(((w - zero) * scale).transpose(0, 2, 1))


def _activations(c: Context, cell: Cell, count: int) -> Iterator[list[Activation]]:
    """The activations of each direction; those with numbers take them from two lists, in order."""
    given = c.attribute("activations", list[bytes]())
    names = [each.decode("utf-8", "replace") for each in given] or list(cell.activations) * count
    size = len(cell.activations)
    if len(names) != size * count:
        raise c.refuse(f"{len(names)} activations for {count} directions")
    alphas = iter(c.attribute("activation_alpha", list[float]()))
    betas = iter(c.attribute("activation_beta", list[float]()))
    clip = c.attribute("clip", 0.0)
    made = [_activation(c, name, clip, alphas, betas) for name in names]
    return iter([made[at : at + size] for at in range(0, len(made), size)])


def _activation(
    c: Context, name: str, clip: float, alphas: Iterator[float], betas: Iterator[float]
) -> Activation:
    kind = name.lower()
    if kind not in {*_SIMPLE, *_WITH_NUMBERS}:
        raise c.refuse(f"activation {name!r}")
    if kind in _SIMPLE:
        apply = _SIMPLE[kind]
    else:
        alpha, beta, make = _WITH_NUMBERS[kind]
        first, second = next(alphas, alpha), None if beta is None else next(betas, beta)
        if first is None:
            raise c.refuse(f"activation {name!r} without its numbers")
        apply = make(first, second)
    return lambda x: apply(c.reals, c.reals.clamp(x, -clip, clip) if clip else x)


Apply = Callable[[Folding, Tensor], Tensor]

_SIMPLE: Final[Mapping[str, Apply]] = {
    "relu": lambda reals, x: reals.clamp(x, 0.0, inf),
    "tanh": lambda reals, x: reals.function(x, FUNCTIONS_OF_ONE["Tanh"]),
    "sigmoid": lambda reals, x: reals.function(x, FUNCTIONS_OF_ONE["Sigmoid"]),
    "softsign": lambda reals, x: reals.over(x, reals.plus(reals.elementwise(Operation.ABS, [x], x.dtype), 1)),
}
#: Their alpha and beta by default, where ONNX has them, and how they are made with both.
_WITH_NUMBERS: Final[Mapping[str, tuple[float | None, float | None, Callable[..., Apply]]]] = {
    "leakyrelu": (0.01, None, lambda a, _: lambda reals, x: sloped(reals, x, np.asarray(a))),
    "affine": (None, 0.0, lambda a, b: lambda reals, x: reals.plus(reals.times(x, a), b)),
    "hardsigmoid": (
        0.2,
        0.5,
        lambda a, b: lambda reals, x: reals.clamp(reals.plus(reals.times(x, a), b), 0.0, 1.0),
    ),
    "scaledtanh": (
        None,
        1.0,
        lambda a, b: (
            lambda reals, x: reals.times(reals.function(reals.times(x, b), FUNCTIONS_OF_ONE["Tanh"]), a)
        ),
    ),
}


def _initial(c: Context, cell: Cell, at: int, batch: int, hidden: int) -> list[Tensor]:
    """The states that one direction begins with: zeros where none are given."""
    states: list[Tensor] = []
    for place in range(5, 5 + cell.states):
        if not c.has(place):
            states.append(c.reals.as_tensor(np.zeros((batch, hidden), np.float32)))
            continue
        given = c.operand(place)
        states.append(c.reals.as_tensor(row(c, given, 1 if c.attribute("layout", 0) else 0, at)))
        if states[-1].shape != (batch, hidden):
            raise c.refuse(f"an initial state of shape {list(given.shape)}")
    return states


def _unrolled(
    c: Context, cell: Cell, x: Tensor, d: Direction, states: list[Tensor], lengths: Array | None
) -> tuple[list[Tensor], list[Tensor]]:
    """The state at each place, and the last states."""
    n, reals = Recurrence(c), c.reals
    products = reals.linear(d.admit(x), np.ascontiguousarray(d.w), d.input_bias)
    shown: dict[int, Tensor] = {}
    loop = reals.count
    for at in sorted(range(x.shape[0]), reverse=d.turned):
        with reals.round(loop):
            new = cell.step(n, d, reals.as_tensor(row(c, products, 0, at)), states)
            shown[at] = new[0]
            if lengths is not None:
                inside = (lengths > at).reshape(-1, 1)
                shown[at] = reals.select(inside, new[0], np.zeros((), np.float32))
                new = [reals.select(inside, a, b) for a, b in zip(new, states, strict=True)]
            states = new
    return [shown[at] for at in range(x.shape[0])], states


RECURRENT: Final[dict[str, Handler]] = dict.fromkeys(_CELLS, recurrent)
