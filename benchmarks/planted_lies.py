"""Lies planted anywhere in a trace: one wrong element, under a tree and a score that agree with it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from anh_rollup.accountant.conduct import Conduct
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.reference import finish
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.moves import Move, RevealSums
from anh_rollup.tensor.program import Program

#: What can be added to a partial sum so that it stays an int64.
_FAR: Final = 1 << 61

#: Keys of an argmax for one value, and the first one of the largest int32 (docs/tensor-programs.md).
_KEYS: Final = 1 << 32
_HIGHEST: Final = ((1 << 31) - 1) * _KEYS


@dataclass(frozen=True, slots=True)
class Lie:
    """A wrong element in the trace of a sample whose score is claimed to be one higher than it is.

    Attributes:
        sample: The sample.
        value: The instruction.
        element: Flat index of its wrong element.
    """

    sample: int
    value: int
    element: int

    def wrong(self, program: Program, right: int) -> int:
        """The wrong element: off by one, within the value's bounds where they leave room."""
        return right + 1 if right < program.values[self.value].high else right - 1

    def told(self, evaluated: EvaluatedProperty) -> EvaluatedProperty:
        """The property as the liar tells it; the trace of the sample is made once."""
        scores = evaluated.scores.scores.copy()
        scores[self.sample] += 1
        kept: list[Trace] = []

        def trace_of(sample: int) -> Trace:
            if sample != self.sample:
                return evaluated.trace_of(sample)
            if not kept:
                kept.append(self._changed(evaluated, int(scores[sample])))
            return kept[0]

        return replace(evaluated, scores=ScoreTree(scores), trace_of=trace_of)

    def _changed(self, evaluated: EvaluatedProperty, score: int) -> Trace:
        program, trace = evaluated.program, evaluated.trace_of(self.sample)
        last = len(program.values) - 1
        changed: dict[int, Elements] = {last: np.array(score, dtype=np.int32)}
        if self.value != last:
            elements = trace.tensors[self.value].elements.copy()
            elements.reshape(-1)[self.element] = self.wrong(program, int(elements.reshape(-1)[self.element]))
            changed[self.value] = elements
        return trace.changed(changed)


@dataclass(slots=True)
class Liar:
    """Plants one lie: evaluates like everybody, and keeps to its lie through the whole game.

    Attributes:
        lie: What it is.
    """

    lie: Lie
    _told: EvaluatedProperty | None = None

    @property
    def conduct(self) -> Conduct:
        """The honest one with this corruption."""
        return Conduct("planted", evaluated=self._evaluated, move=self._move, checks=False)

    def _evaluated(self, _index: int, evaluated: EvaluatedProperty) -> EvaluatedProperty:
        if self._told is None:
            self._told = self.lie.told(evaluated)
        return self._told

    def _move(self, move: Move) -> Move | None:
        """Partial sums that end in the claimed element."""
        if not isinstance(move, RevealSums) or self._told is None:
            return move
        trace = self._told.trace_of(self.lie.sample).elements
        claimed = int(trace[self.lie.value].reshape(-1)[self.lie.element])
        program, value, element = self._told.program, self.lie.value, self.lie.element
        forged = forged_sums(
            move.partials, claimed, lambda sums: finish(program, trace, value, element, sums)
        )
        return replace(move, partials=forged)


def forged_sums(
    partials: tuple[int, ...], claimed: int, finish_of: Callable[[tuple[int, ...]], int]
) -> tuple[int, ...]:
    """Partial sums that end in a claimed element: the first one changed, or all; the true ones if none do.

    Args:
        partials: The true ones.
        claimed: The element.
        finish_of: What partial sums end in.
    """
    low, high = -_FAR, _FAR
    while low < high:
        middle = (low + high) // 2
        if finish_of((partials[0] + middle, *partials[1:])) < claimed:
            low = middle + 1
        else:
            high = middle
    summed = (partials[0] + low, *partials[1:])
    # A maximum, whose other blocks must not be higher, and the largest key of a place.
    highest = tuple(min(each, claimed) for each in partials)
    placed = (_HIGHEST + _KEYS - 1 - claimed, *partials[1:])
    return next((each for each in (summed, highest, placed) if finish_of(each) == claimed), partials)
