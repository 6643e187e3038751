"""Score programs: what a property asks of a result, made from the architecture that it is about.

A score program maps one sample, and where it applies its answer, to one integer; a property holds if the sum
over the data set reaches the threshold. All of these keep the architecture's values first, so its fields,
parameters and their order are those of the architecture. `decisions` is no score program: it is the
architecture whose answers `near_largest` judges.
"""

from collections.abc import Callable
from enum import Enum
from math import prod

import numpy as np

from anh_rollup.encoding.checks import INT32_MOST
from anh_rollup.tensor.builder import Node, ProgramBuilder
from anh_rollup.tensor.errors import AttributesRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import MOST_TERMS
from anh_rollup.tensor.program import Program


def accuracy(architecture: Program) -> Program:
    """Scores 1 where the largest output is the labelled one.

    Adds one field, the label, of the output's shape without its last axis; where it holds several labels, the
    score counts those that are right.

    Raises:
        ShapeRefusedError: Where the output has no axis.
    """
    builder, output = _started(architecture)
    label = _label(builder, output)
    return builder.build(_total(builder, builder.equal(builder.argmax(output), label)))


def closeness(architecture: Program, tolerance: int) -> Program:
    """Scores 1 where every element of the answer is within a tolerance of the output.

    Adds one answer of the output's shape and scale.

    Args:
        architecture: The program whose output is judged.
        tolerance: How far off an element may be, in steps of the output's format: 2^-scale.

    Raises:
        AttributesRefusedError: Where the tolerance is not in [0, 2^31 - 2].
    """
    _check_tolerance("closeness", tolerance)
    builder, output = _started(architecture)
    answer = builder.answer(output.shape, scale=output.scale)
    distance = builder.abs(builder.sub(output, answer, low=-INT32_MOST, high=INT32_MOST))
    worst = _folded(distance, builder.max)
    return builder.build(worst <= builder.constant(tolerance, scale=output.scale))


def decisions(architecture: Program) -> Program:
    """An architecture that gives which of the scores along its last axis is the largest, and not the scores.

    Raises:
        ShapeRefusedError: Where the output has no axis, or a last one of more than `MOST_TERMS` scores.
    """
    builder, output = _started(architecture)
    _expect_axis("decisions", output)
    return builder.build(builder.argmax(output))


def near_largest(architecture: Program, tolerance: int) -> Program:
    """Scores 1 where every answer names a score that is within a tolerance of the largest beside it.

    Adds one answer, of the output's shape without its last axis: places along that axis, as `decisions` gives
    them. A place outside of the axis is wrong.

    Args:
        architecture: The program whose output (..., C) are scores.
        tolerance: How far below the largest one a score may be, in steps of the output's format.

    Raises:
        ShapeRefusedError: As for `decisions`.
        AttributesRefusedError: As for `closeness`.
    """
    _check_tolerance("near_largest", tolerance)
    builder, output = _started(architecture)
    _expect_axis("near_largest", output)
    *rows, places = output.shape
    answer = builder.answer(tuple(rows))
    inside = builder.clamp(answer, low=0, high=places - 1)
    starts = np.arange(prod(rows)).reshape(rows) * places
    named = builder.gather(builder.reshape(output, (-1,)), builder.add(inside, builder.constant(starts)))
    below = builder.sub(builder.max(output, -1), named, low=0, high=INT32_MOST)
    never = builder.constant(INT32_MOST, scale=output.scale)
    worst = _folded(builder.where(builder.equal(answer, inside), below, never), builder.max)
    return builder.build(worst <= builder.constant(tolerance, scale=output.scale))


class Answers(Enum):
    """What an inference job gets of a network."""

    OUTPUT = "output"
    DECISIONS = "decisions"

    def architecture(self, network: Program) -> Program:
        """The program that gives them."""
        return network if self is Answers.OUTPUT else decisions(network)

    def score(self, network: Program, tolerance: int) -> Program:
        """The score program that says which are right; arguments and errors as for `closeness`."""
        return (closeness if self is Answers.OUTPUT else near_largest)(network, tolerance)


def squared_loss(architecture: Program, *, scale: int | None = None) -> Program:
    """Scores the negated sum of squared differences between the output and a target.

    Adds one field, the target, of the output's shape and scale, within the output's range.

    Args:
        architecture: The program whose output is judged.
        scale: Fraction bits of the score; those of the output where not given.
    """
    builder, output = _started(architecture)
    low, high = output.interval.low, output.interval.high
    target = builder.field(output.shape, scale=output.scale, low=low, high=high)
    difference = builder.sub(output, target, low=-INT32_MOST, high=INT32_MOST)
    squares = builder.square(difference, scale=scale, high=INT32_MOST)
    total = _total(builder, squares)
    return builder.build(builder.sub(0, total, low=-INT32_MOST))


def cross_entropy_loss(architecture: Program, *, scale: int = 16) -> Program:
    """Scores log softmax(output)[label], which is the negated cross entropy, rounded.

    Adds one field, the label; outputs more than 16 below the largest count as 16 below it in the sum.

    Args:
        architecture: The program whose output (C,) are the logits.
        scale: Fraction bits of the score and of the tables that it comes from.

    Raises:
        ShapeRefusedError: Where the output has another rank than 1.
    """
    builder, output = _started(architecture)
    if len(output.shape) != 1:
        raise ShapeRefusedError("cross_entropy_loss", f"output {output.shape} is no (C,)")
    label = _label(builder, output)
    below = builder.sub(output, builder.max(output))
    powers = builder.sum(builder.exp(below, scale=scale), high=INT32_MOST)
    loss = builder.log(powers, span=(1.0, float(output.shape[0] + 1)), entries=4097)
    chosen = builder.rescale(builder.gather(below, label), scale)
    return builder.build(builder.sub(chosen, loss, low=-INT32_MOST, high=INT32_MOST))


def _started(architecture: Program) -> tuple[ProgramBuilder, Node]:
    builder = ProgramBuilder()
    return builder, builder.inline(architecture)


def _check_tolerance(program_name: str, tolerance: int) -> None:
    if not 0 <= tolerance < INT32_MOST:
        raise AttributesRefusedError(program_name, f"tolerance {tolerance} is not in [0, {INT32_MOST - 1}]")


def _expect_axis(program_name: str, output: Node) -> None:
    if not output.shape:
        raise ShapeRefusedError(program_name, "the output has no axis of classes")


def _label(builder: ProgramBuilder, output: Node) -> Node:
    _expect_axis("label", output)
    return builder.field(output.shape[:-1], low=0, high=output.shape[-1] - 1)


def _total(builder: ProgramBuilder, scores: Node) -> Node:
    return _folded(scores, lambda x, axes: builder.sum(x, axes, high=INT32_MOST))


def _folded(x: Node, fold: Callable[[Node, range], Node]) -> Node:
    """One number of all elements: from the last axis on, as many axes at a time as an instruction folds."""
    while x.shape:
        rank = len(x.shape)
        fitting = [first for first in range(rank) if prod(x.shape[first:]) <= MOST_TERMS]
        x = fold(x, range(fitting[0] if fitting else rank - 1, rank))
    return x
