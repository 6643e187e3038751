"""Doing a job: what is in the store afterwards, what the claim says, and what stops it."""

import logging
from dataclasses import replace

import numpy as np
import pytest

from anh_rollup.accountant import work
from anh_rollup.accountant.work import (
    RETRACED,
    ClaimRefutableError,
    JobTooLargeError,
    Result,
    ThresholdMissedError,
    Worker,
    make_claim,
    scores_of,
)
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.evaluation import evaluations, workload
from anh_rollup.evaluation.errors import ProgramTooLargeError, WorkTooLargeError
from anh_rollup.evaluation.evaluations import dataset_bytes
from anh_rollup.evaluation.properties import Artifacts, evaluate_property, trace_bytes
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.workload import MOST_WORK, check_work, multiply_adds, trace_work
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.fitting import JobUnfitError, ThresholdUnreachableError
from anh_rollup.protocol.jobs import Job, JobKind, Property, terms
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.storage.errors import ArtifactMissingError
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from tests.doubles.claimed import (
    CLAIMANT,
    COUNT,
    answered_program,
    answering_program,
    inference_case,
    training_case,
)

ROOT = b"\x07" * 32


def unused(*_given):
    raise AssertionError("nobody asked for this")


def worker(case, train=unused, answer=unused):
    return Worker(case.ours, ReferenceEvaluator(), train, answer)


def ordered(job):
    return OrderedJob(4, b"\x04" * 32, 2, b"\x05" * 32, job, 9)


@pytest.fixture
def training(tmp_path):
    case = training_case(tmp_path)
    case.user.put_program(case.program)
    return replace_job(case, architecture=case.program.root)


@pytest.fixture
def inference(tmp_path):
    case = inference_case(tmp_path)
    model = Model([np.zeros(1, np.int32)])
    case.user.put_model(model)
    return replace_job(case, architecture=case.user.put_program(answering_program()), model=model.root)


def replace_job(case, **changes):
    case.job = replace(case.job, **changes)
    return case


def test_a_training_leaves_its_model_and_its_scores_in_the_store(training):
    tasks = []

    def train(task):
        tasks.append(task)
        return training.model.parameters

    result = worker(training, train).perform(ordered(training.job))
    (task,) = tasks

    assert (result.root, result.scores) == (training.model.root, training.claim.scores)
    assert training.ours.get_model(result.root).root == training.model.root
    assert training.ours.get_scores(training.evaluated.scores.root).tolist() == (
        training.evaluated.scores.scores.tolist()
    )
    assert (task.job, task.architecture.root, task.samples.root) == (
        training.job, training.program.root, training.dataset.root,
    )  # fmt: skip


def test_an_inference_leaves_its_answers_in_the_store(inference):
    asked = []

    def answer(architecture, samples, model):
        asked.append((architecture.root, samples.root, model.root))
        return inference.answers.fields

    result = worker(inference, answer=answer).perform(ordered(inference.job))

    assert asked == [(inference.job.architecture, inference.dataset.root, inference.job.model)]
    assert (result.root, result.scores) == (inference.answers.root, inference.claim.scores)
    assert inference.ours.get_dataset(result.root).root == inference.answers.root


class Idle:
    """An exact backend that nobody may use."""

    load = evaluate = trace = staticmethod(unused)


def test_unchecked_answers_are_claimed_with_the_best_scores_and_evaluated_in_a_game_alone(inference):
    best = inference.program.output.high
    wanted = replace(inference.job.properties[0], threshold=best * COUNT)
    job = replace(inference.job, properties=(wanted,))
    trusting = worker(inference, answer=lambda *_: inference.answers.fields)
    trusting.checks_answers, trusting.evaluator = False, Idle()

    result = trusting.perform(ordered(job))
    told = trusting.claimable(job, result.root, 0)

    assert result.scores == (scores_of(told),)
    assert inference.ours.get_scores(told.scores.root).tolist() == [best] * COUNT
    assert not trusting.is_known(job, result.root, 0)
    trusting.evaluator = ReferenceEvaluator()
    assert told.trace_of(0).score == inference.evaluated.scores.scores[0] == best - 1
    assert told.path_of(0, 1) == inference.evaluated.path_of(0, 1)


def test_samples_whose_native_answers_are_not_good_enough_are_answered_exactly(inference, caplog):
    best = inference.program.output.high
    wanted = replace(inference.job.properties[0], threshold=best * COUNT)
    b = ProgramBuilder()
    x = b.field((2,), low=-9, high=9)
    itself = b.build(b.maximum(x, x))
    inference.user.put_program(itself)
    job = replace(inference.job, properties=(wanted,), architecture=itself.root)
    careful = worker(inference, answer=lambda *_: inference.answers.fields)

    result = careful.perform(ordered(job))

    careful.require_good(job, result)
    assert result.root != inference.answers.root
    assert careful.in_work == ((job, result.root),)
    assert "answered by the exact reading" in caplog.text


def test_unchecked_answers_are_evaluated_where_a_lower_sum_is_enough(inference):
    wanted = replace(inference.job.properties[0], threshold=inference.program.output.high * COUNT - 1)
    trusting = worker(inference, answer=lambda *_: inference.answers.fields)
    trusting.checks_answers = False

    result = trusting.perform(ordered(replace(inference.job, properties=(wanted,))))

    assert result.scores == inference.claim.scores


def test_a_trainer_can_ask_whether_its_parameters_are_good_enough(training):
    reached = training.claim.scores[0].sum
    told = []
    for threshold in (reached, reached + 1):
        wanted = replace(training.job.properties[0], threshold=threshold)
        job = replace(training.job, properties=(wanted,))

        def train(task):
            told.append(task.is_good(training.model.parameters))
            return training.model.parameters

        worker(training, train).perform(ordered(job))

    assert told == [True, False]


def test_a_job_whose_evaluation_takes_too_much_work_is_left_before_it_is_trained_for(training):
    careful = worker(training)
    careful.most_work = multiply_adds(training.program, COUNT) - 1

    with pytest.raises(WorkTooLargeError):
        careful.perform(ordered(training.job))


def test_a_result_below_a_threshold_is_not_good(training):
    reached = training.claim.scores[0].sum
    first = training.job.properties[0]
    job = replace(training.job, properties=(first, replace(first, threshold=reached + 1)))
    result = Result(ROOT, (scores_of(training.evaluated),) * 2)
    honest = worker(training)

    honest.require_good(replace(job, properties=(first, replace(first, threshold=reached))), result)
    with pytest.raises(ThresholdMissedError) as raised:
        honest.require_good(job, result)
    assert raised.value.message == f"property 1 reaches {reached} of {reached + 1}"


@pytest.mark.parametrize(
    ("kind", "remedy"),
    [
        (JobKind.TRAINING, "Train longer, or with another recipe; "),
        (
            JobKind.INFERENCE,
            "Leave it: exact answers miss it, too, and only another order can ask for less; ",
        ),
    ],
)
def test_what_is_said_to_do_about_a_missed_threshold_depends_on_the_jobs_kind(kind, remedy):
    missed = ThresholdMissedError(kind, 0, 4, 5)
    assert missed.remedy == f"{remedy}no claim was made, and who ordered it is not told."


def scored(case, parameters):
    """The sum of a model's scores."""
    held = Artifacts(case.program, case.dataset, None, Model(parameters))
    return evaluate_property(held, ReferenceEvaluator()).scores.total


def test_a_training_that_misses_a_threshold_is_told_with_the_best_that_it_came_to(training, caplog):
    caplog.set_level(logging.INFO)
    tried = [[np.full_like(each, sign) for each in training.model.parameters] for sign in (-9, 9)]
    scores = [scored(training, parameters) for parameters in tried]
    low, high = sorted(scores)
    assert low < high
    worse, better = (tried[scores.index(each)] for each in (low, high))
    job = replace(training.job, properties=(replace(training.job.properties[0], threshold=high + 1),))

    def train(task):
        assert not any(task.is_good(each) for each in (worse, better, worse))
        return worse

    honest = worker(training, train)
    with pytest.raises(ThresholdMissedError) as raised:
        honest.require_good(job, honest.perform(ordered(job)))

    assert raised.value.message == f"property 0 reaches {low} of {high + 1}, and {high} at best"
    assert caplog.messages == [
        f"property 0: {low} of {high + 1}, at best {low}",
        f"property 0: {high} of {high + 1}, at best {high}",
        f"property 0: {low} of {high + 1}, at best {high}",
    ]


def test_a_kept_result_is_evaluated_once_for_all_jobs(training, monkeypatch):
    evaluated = []

    def counted(*given):
        evaluated.append(given)
        return evaluate_property(*given)

    monkeypatch.setattr(evaluations, "evaluate_property", counted)
    training.ours.put_model(training.model)
    honest, other = worker(training), replace(training.job, deadline=1)

    for job in (training.job, training.job, other):
        honest.result(job, training.model.root)
    assert len(evaluated) == 1


def test_what_no_draft_needs_is_forgotten_unless_its_job_is_in_work(training):
    training.ours.put_model(training.model)
    honest, root = worker(training, lambda _task: training.model.parameters), training.model.root
    honest.perform(ordered(training.job))

    assert (honest.in_work, honest.idle) == (((training.job, root),), frozenset())
    honest.forget(honest.evaluations.keys)
    assert honest.is_known(training.job, root, 0)
    honest.put_down()
    honest.forget(honest.idle)
    assert not honest.is_known(training.job, root, 0)


def wide(elements):
    """A program of a few hundred bytes with a value of so many elements."""
    b = ProgramBuilder()
    x = b.field((), low=0, high=1)
    spread = b.expand(b.reshape(b.add(x, b.parameter((), low=0, high=1)), (1, 1)), (elements >> 18, 1 << 18))
    return b.build(b.max(b.max(spread, axes=1), axes=0))


TOO_LARGE = [(1 << 29, ProgramTooLargeError), (1 << 26, WorkTooLargeError)]


@pytest.mark.parametrize(("elements", "error"), TOO_LARGE)
def test_a_job_whose_architecture_takes_too_much_is_left_before_it_is_run(inference, elements, error):
    """The score program says nothing of it: that compares answers, whatever gave them."""
    architecture = inference.user.put_program(wide(elements))
    careful = worker(inference)
    careful.most_work = 10**10

    with pytest.raises(error):
        careful.perform(ordered(replace(inference.job, architecture=architecture)))


def long_sums():
    """A score program of a few hundred bytes: eight convolutions whose sums float64 does not hold."""
    b, terms, most = ProgramBuilder(), 1 << 18, (1 << 22) - 1
    x, answer = b.field((), low=0, high=most), b.answer((), low=0, high=9)
    image = b.view(x, (4_650_000 + terms - 1, 1), strides=(0, 0))
    kernel = b.view(b.constant(np.array([most, -5], np.int32)), (1, terms, 1), strides=(0, 0, 0))
    score = b.equal(answer, 0)
    for _ in range(8):
        sums = b.emit(Opcode.CONV, (image, kernel), (50, 0, 0, 1, 1, 0, 0, 0, 0, 1, 1, 1), scale=0)
        score = b.add(score, b.mul(b.view(sums, (), strides=(), dims=()), 0))
    return b.build(score)


def test_a_job_whose_sums_float64_does_not_hold_is_left_where_a_trace_would_take_a_day(
    inference, monkeypatch
):
    """One trace of it outlasts the clock of a game, though its products alone are within the bound."""
    program, dataset = long_sums(), Dataset([np.zeros(1, np.int32)])
    wanted = Property(inference.user.put_program(program), inference.user.put_dataset(dataset), 1)
    job = ordered(replace(inference.job, properties=(wanted,)))

    with pytest.raises(WorkTooLargeError) as raised:
        worker(inference).perform(job)
    assert (raised.value.work, raised.value.most) == (multiply_adds(program, 1), MOST_WORK)
    monkeypatch.setattr(workload, "LONG_PRODUCT", 1)
    assert check_work(program, 1) < MOST_WORK


def test_a_job_is_left_at_the_first_data_set_for_which_there_is_no_memory(training, monkeypatch):
    other = training.user.put_dataset(Dataset([each + 0 for each in training.dataset.fields[::-1]]))
    first = training.job.properties[0]
    job = replace(training.job, properties=(first, first, replace(first, dataset=other)))
    taken = dataset_bytes(training.dataset)
    monkeypatch.setattr(work, "MOST_HELD", taken)

    with pytest.raises(JobTooLargeError) as raised:
        worker(training).perform(ordered(job))
    assert raised.value.message == (
        f"the job's data sets take {2 * taken} bytes of memory, {taken} are the most"
    )


def test_a_job_is_left_whose_traces_do_not_stay_in_memory_and_take_long(training, monkeypatch):
    """Somebody could open a game about each sample, and every move would trace one again."""
    needed = COUNT * trace_work(training.program)
    careful = worker(training, lambda _task: training.model.parameters)
    careful.most_work = RETRACED * needed - 1

    careful.perform(ordered(training.job))
    monkeypatch.setattr(work, "MOST_KEPT", COUNT * trace_bytes(training.program) - 1)
    with pytest.raises(WorkTooLargeError):
        careful.perform(ordered(training.job))
    careful.most_work = RETRACED * needed
    careful.perform(ordered(training.job))


def test_a_job_whose_artifacts_are_gone_cannot_be_done(training):
    job = replace(training.job, architecture=ROOT)

    with pytest.raises(ArtifactMissingError):
        worker(training).perform(ordered(job))


def test_a_claim_says_where_its_job_stands_and_what_came_out(training):
    job = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
    head = training.evaluated.scores.header

    assert make_claim(CLAIMANT, ordered(job), Result(ROOT, (scores_of(training.evaluated),)), "uri") == Claim(
        CLAIMANT, 4, b"\x04" * 32, 2, b"\x05" * 32, terms(job), ROOT,
        (Scores(head.count, head.total, head.top),), "uri",
    )  # fmt: skip


def test_spare_parts_of_artifacts_are_left_out_of_the_work(tmp_path):
    """A data set with one field more serves a second property."""
    case = training_case(tmp_path)
    spare = np.zeros(case.dataset.count, np.int32)
    root = case.user.put_dataset(Dataset([*case.dataset.fields, spare]))
    job = replace(case.job, properties=(replace(case.job.properties[0], dataset=root),))
    case.ours.put_model(case.model)

    assert worker(case).result(job, case.model.root).scores == case.claim.scores


def test_a_job_whose_properties_want_different_results_is_not_begun(training):
    other = answered_program()
    training.user.put_program(other)
    samples = Dataset([np.zeros((COUNT, 2), np.int32)])
    second = Property(other.root, training.user.put_dataset(samples), 0)
    job = replace(training.job, properties=(*training.job.properties, second))

    with pytest.raises(JobUnfitError):
        worker(training).perform(ordered(job))


@pytest.mark.parametrize("place", [0, 1])
def test_a_job_with_a_threshold_that_nothing_reaches_is_not_begun(training, place):
    best = COUNT * training.program.output.high
    first = training.job.properties[0]
    properties = [replace(first, threshold=best)] * 2

    worker(training, lambda _task: training.model.parameters).perform(
        ordered(replace(training.job, properties=tuple(properties)))
    )
    properties[place] = replace(first, threshold=best + 1)
    with pytest.raises(ThresholdUnreachableError) as refused:
        worker(training).perform(ordered(replace(training.job, properties=tuple(properties))))
    assert (refused.value.threshold, refused.value.count, refused.value.best) == (best + 1, COUNT, 1)


def test_an_inference_with_a_threshold_that_nothing_reaches_is_not_begun(inference):
    best = COUNT * inference.program.output.high
    wanted = replace(inference.job.properties[0], threshold=best + 1)

    with pytest.raises(ThresholdUnreachableError):
        worker(inference).perform(ordered(replace(inference.job, properties=(wanted,))))


def test_an_honest_claim_is_defensible(training, inference):
    for case in (training, inference):
        (case.ours.put_model if case.answers is None else case.ours.put_dataset)(case.result)
        worker(case).require_defensible(case.claim, case.job)


def test_a_claim_whose_result_has_a_spare_tensor_is_not_defensible(training, inference):
    spare = np.zeros(COUNT, np.int32)
    model = training.ours.put_model(Model([*training.model.parameters, spare]))
    answers = inference.ours.put_dataset(Dataset([*inference.answers.fields, spare]))
    for case, root in ((training, model), (inference, answers)):
        with pytest.raises(ClaimRefutableError) as raised:
            worker(case).require_defensible(replace(case.claim, result=root), case.job)
        assert raised.value.function == "refuteResult"


def test_a_claim_of_too_few_scores_is_not_defensible(training):
    training.ours.put_model(training.model)
    scores = replace(training.claim.scores[0], count=1)

    with pytest.raises(ClaimRefutableError, match="refuteCount"):
        worker(training).require_defensible(replace(training.claim, scores=(scores,)), training.job)
