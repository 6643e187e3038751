"""Properties are evaluated once, whoever asks, and take no more memory than they may."""

import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.evaluation import evaluations
from anh_rollup.evaluation.evaluations import MOST_EVALUATIONS, Evaluations, held_bytes, property_key
from anh_rollup.evaluation.properties import Artifacts
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.protocol.jobs import Job, JobKind, Property
from tests.doubles.claimed import COUNT, trained_program

ROOT, OTHER, MODEL = (bytes([number]) * 32 for number in (1, 2, 3))
FIRST, SECOND, THIRD = ((bytes([number]) * 32,) * 4 for number in (4, 5, 6))
JOB = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, OTHER, 5),), 5000, "")


class CountingEvaluator:
    """Counts evaluations; a test may hold them up, or make them fail."""

    def __init__(self):
        self.began, self.released, self.errors = 0, threading.Event(), []
        self.released.set()

    def load(self, program, parameters):
        loaded, counting = ReferenceEvaluator().load(program, parameters), self

        class Loaded:
            trace = staticmethod(loaded.trace)
            prepare_traces = staticmethod(loaded.prepare_traces)

            def evaluate(self, *given):
                counting.began += 1
                counting.released.wait(10)
                for error in counting.errors:
                    raise error
                return loaded.evaluate(*given)

        return Loaded()


def artifacts():
    program = trained_program()
    fields = [np.ones((COUNT, *each.shape), np.int32) for each in program.fields]
    model = Model([np.ones(each.shape, np.int32) for each in program.parameters])
    return Artifacts(program, Dataset(fields), None, model)


HELD = artifacts()


def load():
    return HELD


def test_an_evaluation_depends_on_what_it_reads_and_on_nothing_else_of_a_job():
    answering = replace(JOB, kind=JobKind.INFERENCE, model=MODEL)
    again = replace(JOB, deadline=1, properties=(replace(JOB.properties[0], threshold=6),))

    assert property_key(JOB, MODEL, 0) == (ROOT, OTHER, bytes(32), MODEL)
    assert property_key(answering, ROOT, 0) == (ROOT, OTHER, ROOT, MODEL)
    assert property_key(again, MODEL, 0) == property_key(JOB, MODEL, 0)


def test_what_is_known_is_not_evaluated_again():
    made, evaluator = Evaluations(), CountingEvaluator()
    first = made.evaluate(FIRST, load, evaluator, 1)

    assert made.evaluate(FIRST, load, evaluator, 1) is first
    assert (made.known(FIRST), made.known(SECOND), evaluator.began) == (first, None, 1)


def test_who_asks_for_what_is_being_evaluated_waits_for_it_and_takes_no_turn():
    made, evaluator = Evaluations(), CountingEvaluator()
    evaluator.released.clear()
    pool = ThreadPoolExecutor(4)
    asked = [pool.submit(made.evaluate, FIRST, load, evaluator, 1)]
    while not evaluator.began:
        threading.Event().wait(0.001)
    asked += [pool.submit(made.evaluate, FIRST, load, evaluator, 1) for _ in range(2)]
    light = pool.submit(made.evaluate, SECOND, load, ReferenceEvaluator(), 1)

    assert light.result(10).scores.root == made.known(SECOND).scores.root
    evaluator.released.set()
    assert len({id(each.result(10)) for each in asked}) == 1
    assert evaluator.began == 1


def test_what_waits_for_its_turn_has_read_nothing():
    made, evaluator, read = Evaluations(), CountingEvaluator(), []
    evaluator.released.clear()
    pool = ThreadPoolExecutor(4)
    asked = [pool.submit(made.evaluate, key, load, evaluator, 1) for key in (FIRST, SECOND)]
    while evaluator.began < MOST_EVALUATIONS:
        threading.Event().wait(0.001)
    asked.append(pool.submit(made.evaluate, THIRD, lambda: read.append(1) or HELD, evaluator, 1))
    while not made.turns.waiting:
        threading.Event().wait(0.001)

    assert read == []
    evaluator.released.set()
    assert len({each.result(10).scores.root for each in asked}) == 1
    assert read == [1]


def test_an_evaluation_that_fails_is_done_again_by_who_asks_next():
    made, evaluator = Evaluations(), CountingEvaluator()
    evaluator.errors = [MemoryError()]
    with pytest.raises(MemoryError):
        made.evaluate(FIRST, load, evaluator, 1)
    evaluator.errors = []

    assert made.evaluate(FIRST, load, evaluator, 1) is made.known(FIRST)
    assert evaluator.began == 2


def test_what_was_not_used_for_longest_makes_room_and_is_not_evaluated_again():
    made, evaluator = Evaluations(2 * held_bytes(HELD)), CountingEvaluator()
    first, second = (made.evaluate(key, load, evaluator, 1) for key in (FIRST, SECOND))
    made.known(FIRST)
    made.evaluate(THIRD, load, evaluator, 1)

    assert (made.known(FIRST), made.known(SECOND), evaluator.began) == (first, None, 3)
    again = made.evaluate(SECOND, load, evaluator, 1)
    assert (again is second, again.scores.root == second.scores.root, evaluator.began) == (False, True, 3)


def test_the_latest_one_stays_however_large_it_is():
    made = Evaluations(0)
    found = made.evaluate(FIRST, load, ReferenceEvaluator(), 1)

    assert made.known(FIRST) is found


def test_what_is_forgotten_is_gone_with_its_scores():
    made, evaluator = Evaluations(), CountingEvaluator()
    for key in (FIRST, SECOND):
        made.evaluate(key, load, evaluator, 1)
    made.forget({FIRST, THIRD})

    assert (made.known(FIRST), made.keys) == (None, {SECOND})
    made.evaluate(FIRST, load, evaluator, 1)
    assert evaluator.began == 3


def test_a_data_set_of_single_numbers_is_counted_with_its_trees(monkeypatch):
    monkeypatch.setattr(evaluations, "MOST_KEPT", 0)
    small, large = HELD, replace(HELD, dataset=Dataset([np.ones(1000, np.int32)]))

    fields = sum(each.size for each in small.dataset.fields) * 4
    assert held_bytes(large) - held_bytes(small) == 1000 * 4 - fields + (1000 - COUNT) * (64 + 44)
