"""A job that no result fits is refused, before anybody pays or works for it."""

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.protocol.fitting import JobUnfitError, require_fitting
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.tensor.builder import ProgramBuilder

ROOT = b"\x07" * 32
SAMPLES = Dataset([np.zeros((4, 2), np.int32)])
ALONE = Dataset([np.zeros((1, 2), np.int32)])
MODEL = Model([np.full(2, 5, np.int32)])


def scoring(fields=1, answers=0, parameters=1, shape=(2,), high=9):
    """A program that adds up everything that it reads."""
    b = ProgramBuilder()
    read = [b.field((2,), low=-9, high=9) for _ in range(fields)]
    read += [b.answer(shape, low=-9, high=9) for _ in range(answers)]
    read += [b.parameter(shape, low=-9, high=high) for _ in range(parameters)]
    total = b.sum(read[0])
    for each in read[1:]:
        total = total + b.sum(each)
    return b.build(total)


def answering(shape):
    """An architecture whose output has a shape."""
    b = ProgramBuilder()
    return b.build(b.field(shape, low=-9, high=9))


ANSWERING = answering((2,))


def fit(kind, *scored, architecture=None, model=None):
    named = bytes(32) if kind is JobKind.TRAINING else ROOT
    properties = tuple(Property(program.root, data.root, 0) for program, data in scored)
    job = Job(kind, ROOT, named, properties, 5000, "")
    default = scored[0][0] if kind is JobKind.TRAINING else ANSWERING
    require_fitting(job, architecture or default, scored, model)


def misfit(kind, *scored, **given):
    with pytest.raises(JobUnfitError) as refused:
        fit(kind, *scored, **given)
    return refused.value.index, refused.value.reason


def test_properties_that_read_the_whole_result_fit():
    fit(JobKind.TRAINING, (scoring(), SAMPLES), (scoring(fields=0), ALONE))
    fit(JobKind.INFERENCE, (scoring(answers=1), SAMPLES), (scoring(0, 1, 0), SAMPLES), model=MODEL)


@pytest.mark.parametrize("other", [scoring(parameters=0), scoring(parameters=2), scoring(shape=(3,))])
def test_a_second_property_with_other_parameters_than_the_architecture_has_is_refused(other):
    index, reason = misfit(JobKind.TRAINING, (scoring(), SAMPLES), (other, SAMPLES))

    assert (index, reason.endswith("the architecture has [(2,)]")) == (1, True)


def test_a_training_has_no_answers():
    assert misfit(JobKind.TRAINING, (scoring(answers=1), SAMPLES)) == (
        0, "reads 1 answers, and a training has none",
    )  # fmt: skip


@pytest.mark.parametrize("kind", JobKind)
def test_a_program_that_reads_no_sample_is_about_one(kind):
    reason = misfit(kind, (scoring(fields=0), SAMPLES), model=MODEL)[1]

    assert reason == "reads nothing of a sample: it has one score, and its data set 4 samples"


@pytest.mark.parametrize(
    ("second", "reason"),
    [
        ((scoring(answers=0), SAMPLES), "reads no answer, and an inference has some"),
        (
            (scoring(answers=2), SAMPLES),
            "declares answers of shapes [(2,), (2,)], property 0 declares [(2,)]",
        ),
        ((scoring(answers=1), ALONE), "is about 1 samples, property 0 about 4"),
        ((scoring(1, 1, 2), SAMPLES), "declares other parameters than those of the job's model"),
        (
            (scoring(answers=1, high=4), SAMPLES),
            "declares parameter 0 within [-9, 4], the model exceeds it",
        ),
    ],
)
def test_a_second_property_of_an_inference_that_contradicts_the_first_or_the_model(second, reason):
    assert misfit(JobKind.INFERENCE, (scoring(answers=1), SAMPLES), second, model=MODEL) == (1, reason)


def test_answers_that_the_architecture_does_not_give_are_refused():
    found = misfit(
        JobKind.INFERENCE, (scoring(answers=1), SAMPLES), architecture=answering((2, 3)), model=MODEL
    )
    assert found == (0, "declares answers of shapes [(2,)], the architecture gives (2, 3)")
