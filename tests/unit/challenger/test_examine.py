"""Examining a claim with an own store: what is wrong is found, and before anything is paid for."""

import threading
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from anh_rollup.accountant.answers import answer_from_model
from anh_rollup.background import MOST_AT_ONCE, Background
from anh_rollup.challenger import examine
from anh_rollup.challenger.examine import TransactionUnknownError, Verdict
from anh_rollup.challenger.recover import MOST_PIECES
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.evaluation import evaluations
from anh_rollup.evaluation.errors import SourcesRefusedError, UndisputableError, WorkTooLargeError
from anh_rollup.evaluation.evaluations import Evaluations
from anh_rollup.evaluation.properties import evaluate_property
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.protocol.claims import Scores
from anh_rollup.protocol.jobs import terms
from anh_rollup.protocol.refutations import OpenGame, RefuteCount, RefuteRecord, RefuteShape, RefuteThreshold
from anh_rollup.storage.artifacts import ArtifactKind, name_of
from anh_rollup.storage.errors import ArtifactMissingError
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode, Relation
from anh_rollup.tensor.program import Kind, Program, Value
from tests.doubles.claimed import (
    COUNT,
    Case,
    Demand,
    answered,
    inference_case,
    trained_program,
    training_case,
    void_batch,
)


@pytest.fixture(params=[training_case, inference_case])
def case(request, tmp_path):
    return request.param(tmp_path)


@pytest.fixture
def training(tmp_path):
    return training_case(tmp_path)


def higher(case, **changes):
    """The claim with a sum that is one too high."""
    head = replace(case.claim.scores[0], sum=case.claim.scores[0].sum + 1)
    return case.says(scores=(head,), **changes)


def test_a_true_claim_is_left_alone(case):
    assert case.examiner().examine(case.says()) == Verdict()


def test_a_wrong_sum_is_disputed(case):
    assert case.examiner().examine(higher(case, uri="")).missing
    found = case.examiner().examine(higher(case))

    assert found == Verdict(OpenGame(0, None))


def test_a_claim_about_another_order_is_refuted_before_anything_is_fetched(training):
    other = keccak256(training.order.batches[0].records[1])
    record = training.says(index=1, transaction=other, uri="file:///nowhere")
    examiner = training.examiner()

    assert isinstance(examiner.examine(record).refutation, RefuteRecord)
    assert not examiner.store.has(ArtifactKind.DATASET, training.dataset.root)


def test_a_list_of_another_length_is_refuted_before_its_result_is_demanded(case):
    """Its length says how many demands a withheld result takes: a lie there could cost a challenger a lot."""
    head, tree = Scores(MOST_PIECES + 1, 0, bytes(32)), case.dataset.tree
    claim = replace(case.claim, scores=(head,), uri="")

    assert case.examiner().examine(case.withheld(scores=(head,))) == Verdict(
        RefuteCount(claim, case.job, 0, COUNT, tree.root)
    )


def test_a_withheld_result_is_demanded_and_examined_once_it_is_there(training):
    record, examiner = training.withheld(), training.examiner()
    pieces = tuple(Demand(record.identifier, leaf, 0, 0, 32) for leaf in (0, 1))
    shown = [answered(record.identifier, each, answer_from_model(each, training.model)) for each in pieces]

    assert examiner.examine(record) == Verdict(missing=pieces)
    assert examiner.examine(record, shown[:1]) == Verdict(missing=pieces, answers=1)
    assert examiner.examine(record, shown) == Verdict()


def test_a_withheld_result_of_another_shape_is_refuted_by_the_answer(training):
    first, second = training.model.parameters
    flat = Model([first.reshape(1, 80), second])
    record = training.withheld(result=flat.root)
    asked = Demand(record.identifier, 0, 0, 0, 32)
    shown = [answered(record.identifier, asked, answer_from_model(asked, flat))]

    assert isinstance(training.examiner().examine(record, shown).refutation, RefuteShape)


def test_bytes_that_are_no_result_count_as_withheld(training):
    path = training.theirs.folder / name_of(ArtifactKind.MODEL, training.model.root)
    path.write_bytes(path.read_bytes()[:-1])

    assert training.examiner().examine(training.says()).missing


@pytest.mark.parametrize("uri", ["http://xn--/", "http://a:b/", "nowhere:", "\udcff"])
def test_a_result_at_no_readable_place_counts_as_withheld(training, uri):
    assert training.examiner().examine(training.says(uri=uri)).missing


@pytest.mark.parametrize("error", [KeyError, UnicodeError, MemoryError, RecursionError])
def test_a_result_counts_as_withheld_whatever_reading_it_ends_in(training, error, monkeypatch):
    examiner = training.examiner()

    def fail(*_):
        raise error

    monkeypatch.setattr(examiner.store, "get_model", fail)
    assert examiner.examine(training.says()).missing


def test_a_job_whose_data_set_lacks_a_field_opens_no_game(tmp_path):
    """Nothing of it can be evaluated, so nothing can be shown to be wrong: a game would be lost."""
    case = training_case(tmp_path)
    lacking = Dataset(case.dataset.fields[:1])
    wanted = replace(case.job.properties[0], dataset=case.user.put_dataset(lacking))
    case.job = replace(case.job, properties=(wanted,))
    claim = replace(case.claim, terms=terms(case.job), index=3)
    case.order.batches = [void_batch(1, 4)]

    with pytest.raises(SourcesRefusedError) as raised:
        case.examiner().examine(replace(case.says(), claim=claim))
    assert raised.value.message == "fields: 1 given, 2 declared"


def test_a_claim_whose_job_is_gone_cannot_be_judged(training):
    (training.user.folder / name_of(ArtifactKind.DATASET, training.dataset.root)).unlink()

    with pytest.raises(ArtifactMissingError):
        training.examiner().examine(training.says())


def columns_summed(rows=784, columns=512):
    """Sums whose terms lie so far from each other that no L1 transaction holds them."""
    b = ProgramBuilder()
    b.field((1, 2), low=-9, high=9)
    weights = b.parameter((rows, columns), low=-9, high=9)
    return b.build(b.compare(b.max(b.sum(weights, axes=(0,))), Relation.GREATER, 0))


def vector_scored():
    """The program of the training case, which gives a list of one number instead of a number."""
    program = trained_program()
    last = len(program.values) - 1
    listed = Value(Kind.INSTRUCTION, (1,), 0, 1, opcode=Opcode.VIEW, inputs=(last,), attributes=(0, 0))
    return Program((*program.values, listed), program.constants)


def lie_about(folder, program):
    """A false claim about a program, with the model that it takes; and an examiner."""
    chance = np.random.default_rng(5)
    model = Model([chance.integers(-9, 10, each.shape, dtype=np.int32) for each in program.parameters])
    fields = [np.zeros((COUNT, *each.shape), np.int32) for each in program.fields]
    case = Case(folder, program, Dataset(fields), model)
    return higher(case), case.examiner()


def test_no_game_is_opened_over_sums_that_do_not_fit_a_transaction(tmp_path):
    record, examiner = lie_about(tmp_path, columns_summed())

    with pytest.raises(UndisputableError):
        examiner.examine(record)


def test_no_game_is_opened_over_a_program_that_gives_no_score(tmp_path):
    record, examiner = lie_about(tmp_path, vector_scored())

    with pytest.raises(SourcesRefusedError, match="expected one number"):
        examiner.examine(record)


def test_a_property_that_cannot_be_judged_does_not_hide_a_lie_about_another(tmp_path):
    case = training_case(tmp_path)
    unfit = replace(case.job.properties[0], program=case.user.put_program(vector_scored()))
    case.job = replace(case.job, properties=(unfit, *case.job.properties))
    lie = higher(case).claim.scores[0]
    claim = replace(case.claim, terms=terms(case.job), index=3, scores=(case.claim.scores[0], lie))
    case.order.batches = [void_batch(1, 4)]

    assert case.examiner().examine(replace(case.says(), claim=claim)) == Verdict(OpenGame(1, None))


@pytest.mark.parametrize("error", [MemoryError, IndexError])
def test_a_property_that_breaks_the_evaluator_does_not_hide_a_lie_about_another(tmp_path, monkeypatch, error):
    case = training_case(tmp_path)
    case.job = replace(case.job, properties=case.job.properties * 2)
    heads = (case.claim.scores[0], higher(case).claim.scores[0])
    claim = replace(case.claim, terms=terms(case.job), index=3, scores=heads)
    case.order.batches, broken = [void_batch(1, 4)], iter([error()])

    def breaking(*given):
        for each in broken:
            raise each
        return evaluate_property(*given)

    monkeypatch.setattr(evaluations, "evaluate_property", breaking)
    assert case.examiner().examine(replace(case.says(), claim=claim)) == Verdict(OpenGame(1, None))


def test_what_takes_too_much_work_is_not_begun(training, monkeypatch):
    examiner = training.examiner()
    examiner.most_work = multiply_adds(training.program, COUNT) - 1
    monkeypatch.setattr(evaluations, "evaluate_property", pytest.fail)

    with pytest.raises(WorkTooLargeError):
        examiner.examine(higher(training))


def test_light_claims_are_judged_whatever_heavy_ones_wait(training, monkeypatch):
    """One heavy evaluation for each thread: two go on, and the others do not keep the threads."""
    heavy, examiner = inference_case(training.folder), training.examiner()
    going, released, examinations = threading.Barrier(3), threading.Event(), Background()
    monkeypatch.setattr(examine, "check_work", lambda program, *_: 9 if program == heavy.program else 1)
    monkeypatch.setattr(examine, "property_key", lambda job, *_: (terms(job),))

    def slow(held, evaluator, scores):
        if held.program == heavy.program and not released.is_set():
            going.wait(10)
            released.wait(10)
        return evaluate_property(held, evaluator)

    monkeypatch.setattr(evaluations, "evaluate_property", slow)
    for key in range(MOST_AT_ONCE):
        work = partial(examiner.evaluated, heavy.claim, replace(heavy.job, deadline=key), 0)
        examinations.begin(key, f"claim {key}", work)
    going.wait(10)
    judged = []
    examinations.begin("light", "claim", lambda: judged.append(examiner.examine(higher(training))))
    while examiner.evaluations.turns.waiting[:1] != (1,) and "light" in examinations.running:
        examinations.wait(0.01)
    first = examiner.evaluations.turns.waiting[:1]
    released.set()
    examinations.wait(10)
    examinations.close()

    assert (first, judged) == ((1,), [Verdict(OpenGame(0, None))])


def test_all_that_is_evaluated_is_fetched_before_its_turn(tmp_path, monkeypatch):
    """A slow server must not hold up the other evaluations."""
    b = ProgramBuilder()
    x, answer = b.field((2,), low=-9, high=9), b.answer((2,), low=-9, high=9)
    program = b.build(b.sum(b.equal(x + b.parameter((2,), low=0, high=0), answer)))
    zeros, model = np.zeros((COUNT, 2), np.int32), Model([np.zeros(2, np.int32)])
    case = Case(tmp_path, program, Dataset([zeros]), model, Dataset([zeros]))
    case.job = replace(case.job, model=case.user.put_model(model))
    claim, examiner, there = replace(case.claim, terms=terms(case.job), index=3), case.examiner(), []
    case.order.batches = [void_batch(1, 4)]
    evaluate = Evaluations.evaluate

    def evaluating(*given, **how):
        fetched = (ArtifactKind.MODEL, model), (ArtifactKind.DATASET, case.dataset)
        there.append([examiner.store.has(kind, each.root) for kind, each in fetched])
        return evaluate(*given, **how)

    monkeypatch.setattr(Evaluations, "evaluate", evaluating)
    with pytest.raises(TransactionUnknownError):
        examiner.examine(replace(case.says(), claim=claim))
    assert there == [[True, True]]


# --- void batches


def on_void(case, **changes):
    case.order.batches.append(void_batch(2))
    return case.says(batch=2, index=2, **changes)


def test_a_reward_of_another_job_is_not_paid_out_by_way_of_a_void_batch(training):
    stolen = keccak256(training.order.batches[0].records[1])
    found = training.examiner().examine(on_void(training, transaction=stolen))

    assert isinstance(found.refutation, RefuteRecord)
    assert found.refutation.record == training.order.batches[0].records[1]


def test_the_right_order_named_in_a_void_batch_is_judged_by_its_numbers(training):
    assert training.examiner().examine(on_void(training)) == Verdict()


def test_a_transaction_that_is_not_ordered_yet_is_looked_at_again(training):
    record = on_void(training, transaction=b"\x99" * 32)

    with pytest.raises(TransactionUnknownError) as raised:
        training.examiner().examine(record)
    assert raised.value.message == f"transaction 0x{'99' * 32} is not ordered, and batch 2 cannot be opened"


def test_what_is_wrong_on_a_void_batch_is_found_though_the_place_is_not(training):
    record = higher(training, batch=7, transaction=b"\x99" * 32)

    assert training.examiner().examine(record) == Verdict(OpenGame(0, None))


# --- evaluations


def test_a_property_is_evaluated_once_and_known_from_then_on(training, monkeypatch):
    examiner, evaluated = training.examiner(), []

    def counted(*given):
        evaluated.append(given)
        return evaluate_property(*given)

    monkeypatch.setattr(evaluations, "evaluate_property", counted)

    assert examiner.known(training.claim, training.job, 0) is None
    examiner.examine(training.says())
    examiner.examine(training.says())
    found = examiner.known(training.claim, training.job, 0)
    assert (len(evaluated), found.scores.root) == (1, training.evaluated.scores.root)


def test_the_same_property_is_evaluated_once_for_all_claims_and_jobs(training, monkeypatch):
    examiner, evaluated = training.examiner(), []

    def counted(*given):
        evaluated.append(given)
        return evaluate_property(*given)

    monkeypatch.setattr(evaluations, "evaluate_property", counted)
    training.job = replace(training.job, properties=training.job.properties * 4)
    training.order.batches = [void_batch(1, 4)]
    for deadline in (1000, 2000):
        job = replace(training.job, deadline=deadline)
        claim = replace(training.claim, terms=terms(job), index=3, scores=training.claim.scores * 4)
        record = replace(training.says(), claim=claim, job=job)
        with pytest.raises(TransactionUnknownError):
            examiner.examine(record)

    assert len(evaluated) == 1


def test_an_examiner_with_a_time_limit_shares_what_it_evaluates(training):
    examiner = training.examiner()

    assert examiner.within(60.0).examine(training.says()) == Verdict()
    assert examiner.known(training.claim, training.job, 0) is not None


def test_evaluations_of_claims_that_are_over_are_forgotten(training):
    examiner = training.examiner()
    examiner.examine(training.says())

    examiner.forget_all_but([training.says()])
    assert examiner.known(training.claim, training.job, 0) is not None
    examiner.forget_all_but([])
    assert examiner.known(training.claim, training.job, 0) is None


def test_a_lie_about_one_score_is_disputed_there(training):
    scores = training.evaluated.scores.scores.copy()
    scores[3] = 1 - scores[3]
    training.theirs.put_scores(scores)
    tree = ScoreTree(scores)
    record = training.says(scores=(Scores(COUNT, tree.total, tree.top.hash),))

    assert training.examiner().examine(record) == Verdict(
        OpenGame(0, (3, int(scores[3]), tuple(tree.proof(3))))
    )


@pytest.fixture
def called(training):
    """The claim about the same job as a contract would call it: without an order."""
    place = {"batch": 0, "batch_commitment": bytes(32), "index": 0}
    training.claim = replace(
        training.claim, transaction=terms(training.job), terms=terms(training.job), **place
    )
    return training


def test_a_true_claim_about_a_called_job_is_left_alone(called):
    assert called.examiner().examine(called.says()) == Verdict()


def test_a_false_claim_about_a_called_job_is_disputed_like_any_other(called):
    assert called.examiner().examine(higher(called)) == Verdict(OpenGame(0, None))
    missed = replace(called.claim.scores[0], sum=-1)
    found = called.examiner().examine(called.says(scores=(missed,)))
    assert isinstance(found.refutation, RefuteThreshold)
