"""Nodes that hold graphs: If with a known condition, Loop and Scan unrolled round by round."""

from collections.abc import Callable, Mapping, Sequence
from typing import Final

import numpy as np
from onnx import GraphProto

from anh_rollup.importing.operators.context import Context
from anh_rollup.importing.reals import Operand, Tensor
from anh_rollup.importing.recorder import MOST_ELEMENTS

#: Rounds of one loop (choice): each makes the program longer by the loop's body.
MOST_ROUNDS: Final = 4096

#: Gives a graph's outputs, from the values of its inputs by name.
Run = Callable[[GraphProto, Mapping[str, Operand]], list[Operand]]


def branch(c: Context, run: Run) -> list[Operand]:
    """The branch that a known condition chooses."""
    condition = c.operand(0)
    if isinstance(condition, Tensor):
        raise c.unknown(condition, "condition")
    if condition.size != 1:
        raise c.refuse(f"a condition of shape {list(condition.shape)}")
    return run(c.graph("then_branch" if bool(condition.reshape(-1)[0]) else "else_branch"), {})


def loop(c: Context, run: Run) -> list[Operand]:
    """Rounds over a state, as many as a known number or a known condition says."""
    body = c.graph("body")
    names = [each.name for each in body.input]
    states = [c.operand(place) for place in range(2, len(c.inputs))]
    if len(names) != 2 + len(states) or len(body.output) <= len(states):
        raise c.refuse(f"{len(states)} states, its body has {len(names)} inputs")
    most = _single(c, c.operand(0), "number of rounds") if c.has(0) else np.inf
    goes_on = _single(c, c.operand(1), "condition") if c.has(1) else 1
    rounds: list[list[Operand]] = []
    first = c.reals.count
    while goes_on and len(rounds) < most:
        _check_count(c, len(rounds) + 1)
        start: list[Operand] = [np.asarray(len(rounds), np.int64), np.asarray(True)]
        with c.reals.round(first):
            condition, *results = run(body, dict(zip(names, start + states, strict=True)))
        states, parts = results[: len(states)], results[len(states) :]
        goes_on = _single(c, condition, "condition")
        rounds.append(parts)
    if not rounds and len(body.output) > 1 + len(states):
        raise c.refuse("no round, so outputs without elements")
    return states + [stacked(c, list(each), 0) for each in zip(*rounds, strict=True)]


def _single(c: Context, value: Operand, name: str) -> float:
    if isinstance(value, Tensor):
        raise c.unknown(value, name)
    if value.size != 1 or value.dtype.kind not in "iub":
        raise c.refuse(f"a {name} of type {value.dtype} and shape {list(value.shape)}")
    return int(value.reshape(-1)[0])


def _check_count(c: Context, rounds: int) -> None:
    if rounds > MOST_ROUNDS:
        raise c.refuse(f"more than {MOST_ROUNDS} rounds")


def scan(c: Context, run: Run) -> list[Operand]:
    """Rounds over the places of an axis of some inputs, with a state."""
    if c.opset < 9:
        raise c.refuse("the operator of opset 8, which has an axis of samples")
    body, count = c.graph("body"), c.attribute("num_scan_inputs", 0)
    names = [each.name for each in body.input]
    given = [c.operand(place) for place in range(len(c.inputs))]
    if not 1 <= count <= len(given) or len(names) != len(given):
        raise c.refuse(f"{count} of {len(given)} inputs to go through, its body has {len(names)}")
    states, inputs = given[: len(given) - count], given[len(given) - count :]
    axes = c.attribute("scan_input_axes", list[int]()) or [0] * count
    places = [c.placed(axis, len(each.shape)) for axis, each in zip(axes, inputs, strict=True)]
    sizes = {each.shape[axis] for axis, each in zip(places, inputs, strict=True)}
    if len(sizes) != 1:
        raise c.refuse(f"inputs of {sorted(sizes)} places")
    size = sizes.pop()
    _check_count(c, size)
    turned = c.attribute("scan_input_directions", list[int]()) or [0] * count
    rounds: list[list[Operand]] = []
    first = c.reals.count
    for at in range(size):
        with c.reals.round(first):
            rows = [
                row(c, each, axis, size - 1 - at if back else at)
                for each, axis, back in zip(inputs, places, turned, strict=True)
            ]
            results = run(body, dict(zip(names, states + rows, strict=True)))
        states, parts = results[: len(states)], results[len(states) :]
        rounds.append(parts)
    return states + _scanned(c, [list(each) for each in zip(*rounds, strict=True)])


def _scanned(c: Context, outputs: Sequence[list[Operand]]) -> list[Operand]:
    """What the rounds gave, side by side along the axes and in the directions that a Scan says."""
    axes = c.attribute("scan_output_axes", list[int]()) or [0] * len(outputs)
    turned = c.attribute("scan_output_directions", list[int]()) or [0] * len(outputs)
    return [
        stacked(c, parts[::-1] if back else parts, c.placed(axis, len(parts[0].shape) + 1))
        for parts, axis, back in zip(outputs, axes, turned, strict=True)
    ]


def row(c: Context, x: Operand, axis: int, at: int) -> Operand:
    """One place of an axis, which goes."""
    if not isinstance(x, Tensor):
        return np.asarray(np.take(x, at, axis))
    ranges = [range(at, at + 1) if one == axis else range(size) for one, size in enumerate(x.shape)]
    return c.reals.reshaped(c.reals.sliced(x, ranges), (*x.shape[:axis], *x.shape[axis + 1 :]))


def stacked(c: Context, parts: Sequence[Operand], axis: int) -> Operand:
    """Values of one shape side by side along a new axis."""
    shape = parts[0].shape
    if any(each.shape != shape for each in parts):
        raise c.refuse("rounds whose outputs have different shapes")
    known = [each for each in parts if not isinstance(each, Tensor)]
    if len(known) == len(parts):
        if known[0].size * len(known) > MOST_ELEMENTS:
            raise c.refuse(f"a known value of more than {MOST_ELEMENTS} elements")
        return np.stack(known, axis)
    wide = (*shape[:axis], 1, *shape[axis:])
    each_wide = [c.reals.reshaped(c.reals.as_tensor(each), wide) for each in parts]
    return each_wide[0] if len(parts) == 1 else c.reals.joined(each_wide, axis)


CONTROL_FLOW: Final[dict[str, Callable[[Context, Run], list[Operand]]]] = {
    "If": branch,
    "Loop": loop,
    "Scan": scan,
}
