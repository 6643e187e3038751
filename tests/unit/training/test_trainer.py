"""Training reaches what the exact property asks for, and says what keeps it from that."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TypeVar

import numpy as np
import pytest
import torch

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import accuracy, squared_loss
from anh_rollup.training import trainer
from anh_rollup.training.answering import answer
from anh_rollup.training.errors import TrainingError
from anh_rollup.training.float_program import FloatProgram
from anh_rollup.training.hints import TrainingHints
from anh_rollup.training.trainer import Epoch, Oversight, Trained, train, train_module
from scripts import digits

T = TypeVar("T")

ROOT = "0x" + "00" * 32
NEVER = TrainingHints(training_data=ROOT, epochs=4, batch_size=16)


def classifier(classes: int = 3) -> Program:
    """Two dense layers on two numbers."""
    b = ProgramBuilder()
    x = b.field((2,), scale=8, low=-1024, high=1023)
    hidden = b.linear(x, b.parameter((16, 2), scale=12), b.parameter((16,), scale=12), low=0, scale=12)
    return b.build(b.linear(hidden, b.parameter((classes, 16), scale=12), b.parameter((classes,), scale=12)))


def sectors(count: int = 300) -> Dataset:
    """Points by the third of the circle that they lie in."""
    rng = np.random.default_rng(1)
    angles = rng.uniform(-math.pi, math.pi, count)
    points = np.stack([np.cos(angles), np.sin(angles)], axis=1) * rng.uniform(1, 3, (count, 1)) * 256
    labels = np.floor((angles + math.pi) / (2 * math.pi) * 3).clip(0, 2)
    return Dataset((points.round().astype(np.int32), labels.astype(np.int32)))


def right(program: Program, data: Dataset, parameters: Sequence[Elements]) -> int:
    """The exact score of a whole data set."""
    sources = Sources(data.fields, (), tuple(parameters))
    return int(FastEvaluator().evaluate(program, sources).sum())


def never(_parameters: Sequence[Elements]) -> bool:
    return False


def test_it_stops_as_soon_as_the_exact_property_holds() -> None:
    architecture, data, told = classifier(), sectors(), list[Epoch]()
    program = accuracy(architecture)
    trained = train(
        architecture,
        data,
        TrainingHints(training_data=ROOT, epochs=100, batch_size=32, learning_rate=1e-2),
        lambda parameters: right(program, data, parameters) >= 280,
        seed=3,
        progress=told.append,
    )
    assert trained.good
    assert right(program, data, trained.parameters) >= 280
    assert trained.epochs == len(told) < 100
    assert told[-1] == Epoch(trained.epochs, 100, trained.loss)
    assert [each.shape for each in trained.parameters] == [(16, 2), (16,), (3, 16), (3,)]
    assert {each.dtype for each in trained.parameters} == {np.dtype(np.int32)}


def test_whoever_waits_sees_the_steps_of_every_epoch() -> None:
    seen: list[tuple[str, int]] = []

    def watch(parts: Sequence[T], work: str, /) -> Iterator[T]:
        for place, part in enumerate(parts):
            seen.append((work, place))
            yield part

    train_module(FloatProgram(classifier()), sectors(40), NEVER, never, Oversight(watch=watch))
    assert seen == [(f"training, epoch {epoch}", step) for epoch in (1, 2, 3, 4) for step in range(3)]


def test_it_fits_numbers_too() -> None:
    b = ProgramBuilder()
    x = b.field((3,), scale=8, low=-256, high=256)
    architecture = b.build(b.linear(x, b.parameter((2, 3), scale=12), b.parameter((2,), scale=12)))
    inputs = np.random.default_rng(0).integers(-256, 257, (400, 3), dtype=np.int32)
    targets = np.stack([inputs[:, 0] - inputs[:, 1] // 2, inputs.sum(1) // 4 + 100], axis=1).astype(np.int32)
    data = Dataset((inputs, targets))
    hints = TrainingHints(
        training_data=ROOT, loss="squared_error", epochs=60, batch_size=32, learning_rate=3e-2
    )
    trained = train(architecture, data, hints, never, seed=1)
    assert not trained.good
    assert trained.loss < 1e-4
    program = squared_loss(architecture, scale=16)
    # The mean squared error is below that of rounding to 1/64.
    assert right(program, data, trained.parameters) / 400 > -(2**16) / 64**2


def test_trained_parameters_need_fewer_epochs_than_none() -> None:
    """The circle is turned by a tenth of a sector: whoever knew its sectors has something to learn."""
    architecture, program, before = classifier(), accuracy(classifier()), sectors()
    turn = np.array([[math.cos(0.2), math.sin(0.2)], [-math.sin(0.2), math.cos(0.2)]])
    after = Dataset(((before.fields[0] @ turn).round().astype(np.int32), before.fields[1]))
    hints = TrainingHints(training_data=ROOT, epochs=100, batch_size=32, learning_rate=3e-3)

    def judge(parameters: Sequence[Elements]) -> bool:
        return right(program, after, parameters) >= 285

    known = train(architecture, before, hints, lambda each: right(program, before, each) >= 290, seed=3)
    module = FloatProgram(architecture)
    module.load(known.parameters)
    assert known.good
    assert not judge(known.parameters)
    torch.manual_seed(3)
    again, new = train_module(module, after, hints, judge), train(architecture, after, hints, judge, seed=3)
    assert again.good
    assert new.good
    assert again.epochs < new.epochs / 2


def test_the_same_seed_gives_the_same_parameters() -> None:
    runs = [train(classifier(), sectors(64), NEVER, never, seed=5) for _ in range(2)]
    for one, other in zip(runs[0].parameters, runs[1].parameters, strict=True):
        assert one.tobytes() == other.tobytes()


def test_the_judge_sees_what_is_returned() -> None:
    seen: list[tuple[Elements, ...]] = []

    def judge(parameters: Sequence[Elements]) -> bool:
        seen.append(tuple(parameters))
        return len(seen) == 2

    trained = train(classifier(), sectors(40), NEVER, judge, seed=5)
    assert trained.good
    assert trained.epochs == 4
    assert [each.tobytes() for each in trained.parameters] == [each.tobytes() for each in seen[-1]]


@pytest.mark.parametrize("steps", [1, 2, 9, 10, 11, 20])
def test_few_steps_are_enough_to_train(steps: int) -> None:
    hints = TrainingHints(training_data=ROOT, epochs=1, batch_size=1)
    trained = train(classifier(), sectors(steps), hints, never)
    assert (trained.epochs, trained.good) == (1, False)


def test_a_step_that_takes_too_much_memory_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers write recipes; samples that a batch has no room for do not count."""
    program, data = classifier(), sectors(40)
    elements = sum(value.size for value in program.values) * 40
    hints = NEVER.model_copy(update={"batch_size": 1 << 20, "epochs": 1})
    monkeypatch.setattr(trainer, "MOST_STEP", elements)
    train(program, data, hints, never)
    monkeypatch.setattr(trainer, "MOST_STEP", elements - 1)

    with pytest.raises(TrainingError) as refused:
        train(program, data, hints, never)
    assert refused.value.reason == (
        f"a step holds {elements} elements of all values, {elements - 1} are the most"
    )


@pytest.mark.parametrize(("steps", "epochs"), [(0, 0), (7, 0), (8, 1), (20, 2)])
def test_a_recipe_without_an_end_ends_at_the_step_before_which_the_time_is_over(
    steps: int, epochs: int
) -> None:
    """Of 100,000 passes with one sample a step, and a judge that nothing contents."""
    hints = TrainingHints(training_data=ROOT, epochs=100_000, batch_size=1)
    asked = list[int]()
    told = list[Epoch]()

    def stop() -> bool:
        asked.append(len(asked))
        return len(asked) > steps

    with pytest.raises(TrainingError) as ended:
        train_module(FloatProgram(classifier()), sectors(8), hints, never, Oversight(told.append, stop=stop))
    assert ended.value.reason == f"the deadline came after epoch {epochs}"
    assert ended.value.remedy == "Begin earlier, with fewer epochs or larger batches, or on a faster machine."
    assert (len(asked), [each.number for each in told]) == (steps + 1, list(range(1, epochs + 1)))


def test_the_number_of_threads_is_left_as_it_was() -> None:
    kept, seen = torch.get_num_threads(), list[int]()
    train(classifier(), sectors(8), NEVER, never, progress=lambda _: seen.append(torch.get_num_threads()))
    assert (torch.get_num_threads(), set(seen)) == (kept, {1})


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        (
            [np.zeros((4, 3), np.int32), np.zeros(4, np.int32)],
            "a field of shape (3,) where (2,) is declared",
        ),
        ([np.zeros((4, 2), np.int32)], "field 1 of 1 is the target"),
        (
            [np.zeros((4, 2), np.int32), np.array([0, 1, 2, 3], np.int32)],
            "a class that is not among the 3 of the output",
        ),
        (
            [np.zeros((4, 2), np.int32), np.array([0, 1, 2, -1], np.int32)],
            "a class that is not among the 3 of the output",
        ),
        (
            [np.zeros((4, 2), np.int32), np.zeros((4, 1), np.int32)],
            "classes of shape (1,) for an output of (3,)",
        ),
    ],
)
def test_data_that_does_not_fit_is_refused(fields: list[Elements], reason: str) -> None:
    with pytest.raises(TrainingError) as refused:
        train(classifier(), Dataset(fields), NEVER, never)
    assert refused.value.reason == reason


def test_targets_of_another_shape_than_the_output_are_refused() -> None:
    hints = NEVER.model_copy(update={"loss": "squared_error"})
    with pytest.raises(TrainingError) as refused:
        train(classifier(), sectors(4), hints, never)
    assert refused.value.reason == "a target of shape () for an output of (3,)"


def test_an_architecture_without_parameters_is_refused() -> None:
    b = ProgramBuilder()
    with pytest.raises(TrainingError) as refused:
        train(b.build(b.field((2,), low=-1024, high=1023) * 2), sectors(4), NEVER, never)
    assert refused.value.reason == "the architecture has no parameters"


def test_an_output_without_a_slope_is_refused() -> None:
    b = ProgramBuilder()
    x = b.field((2,), low=-1024, high=1023)
    largest = b.argmax(b.linear(b.reshape(x, (2, 1)), b.parameter((3, 1), scale=4)))
    hints = NEVER.model_copy(update={"loss": "squared_error", "target_field": 0})
    with pytest.raises(TrainingError) as refused:
        train(b.build(largest), sectors(4), hints, never)
    assert refused.value.reason == "the output has no slope in any parameter"


def test_numbers_that_run_away_are_refused() -> None:
    b = ProgramBuilder()
    # Real numbers whose squares no float32 holds.
    x = b.field((2,), scale=-32)
    architecture = b.build(b.linear(x, b.parameter((2, 2)), scale=-32, low=-(2**31), high=2**31 - 1))
    far = np.full((8, 2), 2**31 - 1, dtype=np.int32)
    data = Dataset((far, far * np.array([[1], [-1]] * 4, dtype=np.int32)))
    hints = NEVER.model_copy(update={"loss": "squared_error"})
    with pytest.raises(TrainingError) as refused:
        train(architecture, data, hints, never)
    assert refused.value.reason in ("the loss is inf after epoch 1", "the loss is nan after epoch 1")
    assert refused.value.remedy == "Lower the learning rate and train again."


@pytest.mark.parametrize("scale", [-49, 49, 127, -128])
def test_scales_beyond_48_fraction_bits_are_refused(scale: int) -> None:
    b = ProgramBuilder()
    x = b.field((2,), low=-1024, high=1023)
    architecture = b.build(b.minimum(x, b.parameter((2,))))
    odd = Program((*architecture.values[:-1], replace(architecture.values[-1], scale=scale)))
    with pytest.raises(TrainingError) as refused:
        train(odd, sectors(4), NEVER, never)
    assert refused.value.reason == f"value 2 has {scale} fraction bits, beyond 48"


def digits_trained() -> Trained:
    """The demo's network, stopped at its target."""
    images = digits.load()
    return train(
        digits.architecture(),
        images.train,
        digits.hints(images.train.root),
        lambda parameters: digits.right(tuple(parameters), images.test) >= 350,
        seed=0,
    )


def test_the_demo_network_reaches_its_target() -> None:
    trained = digits_trained()
    images = digits.load()
    assert trained.good
    assert digits.right(trained.parameters, images.test) / digits.TEST_IMAGES >= 0.97
    for engine in ("torch", "onnxruntime"):
        answers = answer(digits.architecture(), images.test, trained.parameters, engine)
        close = FastEvaluator().evaluate(
            digits.closeness_program(), Sources(images.test.fields[:1], answers, trained.parameters)
        )
        assert int(close.sum()) == digits.TEST_IMAGES
