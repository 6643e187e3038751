"""Whole games between the two strategies, with the contract's checks in between."""

import numpy as np
import pytest

from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.protocol.attack import decide_challenger
from anh_rollup.protocol.claims import Scores
from anh_rollup.protocol.defence import decide_accountant
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.game import Side, TensorPath, turn
from tests.doubles import small_program as small
from tests.doubles.referee import Referee

COUNT = 100
PROGRAM = small.small_program()
SOURCES = Sources(small.random_fields(PROGRAM, COUNT, 1), (), small.random_parameters(PROGRAM, 2))


def evaluated(program, sources, scores=None, change=lambda trace: trace):
    honest = ReferenceEvaluator().evaluate(program, sources).reshape(-1)

    def trace_of(sample):
        tensors = ReferenceEvaluator().trace(program, sources, sample)
        return change(Trace.of([TensorTree(np.asarray(each)) for each in tensors]))

    return EvaluatedProperty(
        program, ScoreTree(honest if scores is None else scores), trace_of,
        lambda *_: TensorPath(0, b"", (), ()), reference,
    )  # fmt: skip


HONEST = evaluated(PROGRAM, SOURCES)
SCORES = HONEST.scores.scores
SAMPLE = 37
WRONG_SCORE = 1 - int(SCORES[SAMPLE])


def begin(accountant, open_by_list=True):
    head = accountant.scores.header
    referee = Referee(HONEST, PROGRAM.root, Scores(head.count, head.total, head.top))
    if open_by_list:
        tree = accountant.scores
        referee.begin(SAMPLE, int(tree.scores[SAMPLE]), tree.proof(SAMPLE))
    else:
        referee.begin()
    return referee


def fight(referee, accountant, challenger, truth=None):
    """Plays until the claim is refuted or somebody has no move; gives the calls that were made."""
    if truth is not None:
        referee.truth = truth
    for _ in range(60):
        if referee.refuted:
            return referee.moves
        side = turn(referee.position.phase)
        if side is Side.ACCOUNTANT:
            move = decide_accountant(referee.view, accountant)
        else:
            move = decide_challenger(referee.view, challenger, None, None)
        if move is None:
            return referee.moves
        referee.play(move, side)
    raise AssertionError("the game does not end")


def flipped(change):
    """An accountant that claims the wrong score for one sample and shows a changed trace there."""
    scores = SCORES.copy()
    scores[SAMPLE] = WRONG_SCORE
    return evaluated(PROGRAM, SOURCES, scores, change)


def wrong_at(value, element=0, by=1):
    """A trace that is wrong in one element and ends in the wrong score."""

    def change(trace):
        elements = trace.tensors[value].elements.copy()
        elements.reshape(-1)[element] += by
        score = np.array(WRONG_SCORE, dtype=np.int32)
        return trace.changed({value: elements, len(trace.tensors) - 1: score})

    return flipped(change)


def test_a_flipped_score_is_refuted_without_opening_a_tensor():
    liar = wrong_at(small.SCORE, by=0)

    assert fight(begin(liar), liar, HONEST) == ["revealTrace", "prove"]


@pytest.mark.parametrize("element", [0, 31, 32, 100, 143])
def test_a_wrong_element_of_a_small_tensor_is_found(element):
    liar = wrong_at(small.CONV, element)

    assert fight(begin(liar), liar, HONEST) == ["revealTrace", "chooseValue", "revealElements", "prove"]


@pytest.mark.parametrize("element", [0, 5, 511, 1151])
def test_a_wrong_element_deep_in_a_large_tensor_is_found(element):
    liar = wrong_at(small.WIDE, element)

    assert fight(begin(liar), liar, HONEST) == [
        "revealTrace", "chooseValue", "revealTensor", "chooseNode", "revealChunk", "prove",
    ]  # fmt: skip


def test_wrong_partial_sums_are_found():
    liar = wrong_at(small.LOGITS, 1, by=5)
    moves = fight_with_forged_sums(liar)

    assert moves == [
        "revealTrace", "chooseValue", "revealElements", "askSums", "revealSums", "proveBlock",
    ]  # fmt: skip


def fight_with_forged_sums(liar, blocks=(0,)):
    class Forged:
        element_dependencies = staticmethod(reference.element_dependencies)
        finish_dependencies = staticmethod(reference.finish_dependencies)

        @staticmethod
        def partials(program, trace, value, element):
            sums = reference.partials(program, trace, value, element).copy()
            sums[blocks[0]] += 5 << 2
            return sums

    forger = EvaluatedProperty(liar.program, liar.scores, liar.trace_of, liar.path_of, Forged)
    return fight(begin(liar), forger, HONEST)


def test_an_accountant_without_matching_partial_sums_is_stuck():
    liar = wrong_at(small.LOGITS, 1, by=5)
    referee = begin(liar)

    with pytest.raises(Exception, match="SumsDisagree"):
        fight(referee, liar, HONEST)


@pytest.mark.parametrize("value", [small.IMAGE, small.KERNEL, small.TABLE, small.WEIGHTS])
def test_a_wrong_source_is_refuted_by_what_the_job_commits_to(value):
    liar = wrong_at(value)

    assert fight(begin(liar), liar, HONEST) == ["revealTrace", "proveSource"]


def test_an_unpublished_score_list_is_descended():
    liar = wrong_at(small.SCORE, by=0)

    assert fight(begin(liar, open_by_list=False), liar, HONEST) == [
        "revealScores", "chooseScore", "revealScores", "chooseScore", "revealTrace", "prove",
    ]  # fmt: skip


def test_against_an_honest_accountant_the_challenger_has_no_move():
    referee = begin(HONEST)

    assert fight(referee, HONEST, HONEST) == ["revealTrace"]
    assert not referee.refuted


def test_a_trace_of_more_than_64_values_takes_two_reveals():
    program = small.deep_program()
    sources = Sources(small.random_fields(program, COUNT, 3), (), ())
    honest = evaluated(program, sources)
    wrong = int(honest.scores.scores[SAMPLE]) + 1
    scores = honest.scores.scores.copy()
    scores[SAMPLE] = wrong

    def change(trace):
        raised = {value: np.array(wrong, dtype=np.int32) for value in range(77, len(trace.tensors))}
        return trace.changed(raised)

    liar = evaluated(program, sources, scores, change)
    head = liar.scores.header
    referee = Referee(honest, program.root, Scores(head.count, head.total, head.top))
    referee.begin(SAMPLE, wrong, liar.scores.proof(SAMPLE))

    assert fight(referee, liar, honest) == [
        "revealTrace", "chooseNode", "revealNodes", "chooseValue", "revealElements", "prove",
    ]  # fmt: skip
