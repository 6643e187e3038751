"""Putting a withheld result together from answers, some of which strangers asked for."""

from dataclasses import replace

import numpy as np
import pytest

from anh_rollup.accountant.answers import answer_from_answers, answer_from_model
from anh_rollup.challenger import recover
from anh_rollup.challenger.recover import MOST_PIECES, ResultTooLargeError, Withheld
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.l1.contracts.claims import Demand
from anh_rollup.protocol.refutations import RefuteResult, RefuteShape
from tests.doubles.claimed import COUNT, answered, inference_case, training_case


@pytest.fixture
def case(tmp_path):
    return training_case(tmp_path)


@pytest.fixture
def answering(tmp_path):
    return inference_case(tmp_path)


def withheld(case, **changes):
    record = case.withheld(**changes)
    return Withheld(record.identifier, record.claim, case.job, 0, case.program)


def answers(of, result, asked):
    make = answer_from_model if isinstance(result, Model) else answer_from_answers
    return [answered(of.identifier, each, make(each, result)) for each in asked]


def test_a_model_is_asked_for_tensor_by_tensor_and_put_together(case):
    of = withheld(case)
    pieces = of.pieces()

    assert pieces == [Demand(of.identifier, leaf, 0, 0, 32) for leaf in (0, 1)]
    assert of.recover(answers(of, case.model, pieces[:1])) == tuple(pieces)
    assert of.recover(answers(of, case.model, pieces)).root == case.model.root


def test_answers_are_asked_for_sample_by_sample_and_put_together(answering):
    of = withheld(answering)

    assert of.pieces() == [Demand(of.identifier, leaf, 0, 0, 32) for leaf in range(COUNT)]
    assert of.recover(answers(of, answering.answers, of.pieces())).root == answering.answers.root


def test_a_tensor_of_many_chunks_takes_several_demands(case, monkeypatch):
    monkeypatch.setattr(recover, "MOST_CHUNKS", 2)
    of = withheld(case)

    assert [(each.leaf, each.first_chunk) for each in of.pieces()] == [(0, 0), (0, 2), (1, 0)]
    assert of.recover(answers(of, case.model, of.pieces())).root == case.model.root


@pytest.mark.parametrize(
    ("leaf", "field", "first"),
    [(0, 0, 900), (0, 1, 0), (0, 255, 900), (2, 0, 0), (2**32 - 1, 255, 2**32 - 1), (1, 0, 1)],
)
def test_a_strangers_demand_for_what_a_model_lacks_shows_nothing(case, leaf, field, first):
    of = withheld(case)
    hostile = Demand(of.identifier, leaf, field, first, 1)

    assert of.recover(answers(of, case.model, [hostile])) == tuple(of.pieces())
    assert of.recover(answers(of, case.model, [hostile, *of.pieces()])).root == case.model.root


@pytest.mark.parametrize(
    ("leaf", "field", "first"), [(0, 1, 0), (COUNT, 0, 0), (2**32 - 1, 255, 7), (4, 0, 7)]
)
def test_a_strangers_demand_for_what_answers_lack_shows_nothing(answering, leaf, field, first):
    of = withheld(answering)
    hostile = Demand(of.identifier, leaf, field, first, 1)

    assert of.recover(answers(of, answering.answers, [hostile])) == tuple(of.pieces())


def test_a_spare_tensor_is_refuted_by_any_answer(case):
    spare = Model([*case.model.parameters, np.zeros(3, np.int32)])
    of = withheld(case, result=spare.root)
    found = of.recover(answers(of, spare, [Demand(of.identifier, 900, 3, 0, 1)]))

    assert found == RefuteResult(of.claim, of.job, 0, case.program.header, found.sample, found.path)
    assert found.path.count == 3


def test_a_spare_answer_is_refuted_at_the_leaf_that_is_shown(answering):
    spare = Dataset([*answering.answers.fields, np.zeros(COUNT, np.int32)])
    of = withheld(answering, result=spare.root)
    for asked, shown in ((1, 1), (900, COUNT - 1)):
        found = of.recover(answers(of, spare, [Demand(of.identifier, asked, 0, 0, 1)]))

        assert isinstance(found, RefuteResult)
        assert (found.sample, found.path.tensors) == (shown, spare.tensors(shown))


def test_a_wrong_shape_is_refuted_with_the_chunks_that_were_opened(case):
    first, second = case.model.parameters
    flat = Model([first.reshape(1, 80), second])
    of = withheld(case, result=flat.root)
    (event,) = answers(of, flat, of.pieces()[:1])
    # L1 compares the opening alone, so a liar may show any root beside it.
    misled = replace(event, path=replace(event.path, chunks_root=b"\x66" * 32))
    for each in (event, misled):
        found = of.recover([each])

        assert isinstance(found, RefuteShape)
        assert found.path.chunks_root == flat.tensors[0].tree_root


def test_a_shape_that_is_none_is_passed_on_as_it_was_shown(case):
    of = withheld(case)
    (event,) = answers(of, case.model, of.pieces()[:1])
    odd = replace(event, path=replace(event.path, shape=b"\xff", chunks_root=b"\x66" * 32))

    assert of.recover([odd]).path == odd.path


def test_something_behind_the_last_tensor_is_asked_for(case):
    of = withheld(case, result=b"\x44" * 32)

    assert of.recover(answers(of, case.model, of.pieces())) == (Demand(of.identifier, 2, 0, 0, 32),)


def test_something_behind_the_last_chunk_is_asked_for(case):
    of = withheld(case, result=b"\x44" * 32)
    events = answers(of, case.model, of.pieces())
    first = events[0]
    other = replace(first, path=replace(first.path, tensors=(b"\x33" * 32,)))
    chunks = TensorTree(case.model.parameters[0]).chunk_count

    assert of.recover([other, events[1]]) == (Demand(of.identifier, 0, 0, chunks, 32),)


def test_a_result_that_nobody_would_pay_for_is_probed_once_and_then_left(answering):
    count = MOST_PIECES + 1
    scores = (replace(answering.claim.scores[0], count=count),)
    many = Dataset([np.zeros((count, 2), np.int32)])
    of = withheld(answering, result=many.root, scores=scores)
    first = Demand(of.identifier, 0, 0, 0, 32)

    assert of.recover([]) == (first,)
    with pytest.raises(ResultTooLargeError) as raised:
        of.recover(answers(of, many, [first]))
    assert (
        raised.value.message == f"the withheld result takes {count} demands, and {MOST_PIECES} are the most"
    )
    with pytest.raises(ResultTooLargeError):
        of.pieces()


def test_the_most_pieces_are_still_planned(answering):
    scores = (replace(answering.claim.scores[0], count=MOST_PIECES),)

    assert len(withheld(answering, scores=scores).pieces()) == MOST_PIECES
