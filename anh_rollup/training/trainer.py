"""Training any posted architecture: its float reading, an optimizer, and the exact property as the judge."""

import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final

import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.tensor.program import Program
from anh_rollup.training.errors import TrainingError
from anh_rollup.training.float_program import FloatProgram, real_fields
from anh_rollup.training.hints import TrainingHints
from anh_rollup.watching import Watch, unwatched

#: Whether parameters are good enough: the exact properties of the job.
Judge = Callable[[Sequence[Elements]], bool]

#: Part of a training's steps in which the learning rate rises to its peak (choice).
WARM_UP: Final = 0.1

#: AdamW's weight decay (choice: a hundredth of torch's default, since trainings here are short).
WEIGHT_DECAY: Final = 1e-4

#: Norm to which the gradient of all parameters together is clipped (choice: the usual one).
MOST_GRADIENT: Final = 1.0

#: Epochs between two looks of the judge: evaluating exactly is cheap, but not free.
EPOCHS_BETWEEN_LOOKS: Final = 2

#: Elements of all values in one step below which threads cost more than they bring: on a machine that has
#: other work they wait for each other after every instruction (measured beside other work on 2 cores: the
#: demo's training took 2 s on one thread, 27 s on two).
WORTH_THREADS: Final = 1 << 22

#: Elements of all values in one step (choice: 8 GiB as floats with their slopes). Strangers write recipes.
MOST_STEP: Final = 1 << 30


@dataclass(frozen=True, slots=True)
class Epoch:
    """Where a training stands.

    Attributes:
        number: From 1.
        of: Most epochs.
        loss: Mean loss of the epoch.
    """

    number: int
    of: int
    loss: float


@dataclass(frozen=True, slots=True, eq=False)
class Trained:
    """What a training came to.

    Attributes:
        parameters: Exact parameters, int32.
        epochs: Passes over the data.
        loss: Mean loss of the last epoch.
        seconds: Time that it took.
        good: Whether the judge was content.
    """

    parameters: tuple[Elements, ...]
    epochs: int
    loss: float
    seconds: float
    good: bool


@dataclass(frozen=True, slots=True)
class Oversight:
    """Who follows a training, and may end it.

    Attributes:
        progress: Told of each epoch.
        watch: Shows how far it is with the steps of an epoch.
        stop: Asked before every step whether the time for it is over.
    """

    progress: Callable[[Epoch], None] = lambda _: None
    watch: Watch = unwatched
    stop: Callable[[], bool] = lambda: False


#: Nobody follows the training, and it has all the time that it takes.
UNSEEN: Final = Oversight()


def train(
    architecture: Program,
    samples: Dataset,
    hints: TrainingHints,
    judge: Judge,
    *,
    seed: int | None = None,
    progress: Callable[[Epoch], None] = lambda _: None,
) -> Trained:
    """Trains until the judge is content or the epochs are over.

    Args:
        architecture: The program whose output is trained; its fields are the data set's first ones.
        samples: Training data.
        hints: Loss, target field, and the schedule.
        judge: Asked about rounded parameters from time to time.
        seed: For a training that can be repeated on one machine; none is needed for a claim.
        progress: Told of each epoch.

    Raises:
        TrainingError: Data and program do not fit, nothing can be trained, or the numbers diverge.
    """
    if seed is not None:
        torch.manual_seed(seed)
    return train_module(FloatProgram(architecture), samples, hints, judge, Oversight(progress))


def train_module(
    module: FloatProgram,
    samples: Dataset,
    hints: TrainingHints,
    judge: Judge,
    oversight: Oversight = UNSEEN,
) -> Trained:
    """Trains a module from the parameters that it has; arguments and errors as for `train`.

    Raises:
        TrainingError: As there, or `oversight.stop` says that the time is over.
    """
    elements = sum(value.size for value in module.program.values) * min(hints.batch_size, samples.count)
    if elements > MOST_STEP:
        raise TrainingError(
            f"a step holds {elements} elements of all values, {MOST_STEP} are the most",
            remedy="Choose a smaller batch_size, or a smaller network.",
        )
    with _threads(1 if elements < WORTH_THREADS else torch.get_num_threads()):
        return _train(module, samples, hints, judge, oversight)


@contextmanager
def _threads(count: int) -> Iterator[None]:
    """Runs torch with so many threads inside."""
    before = torch.get_num_threads()
    torch.set_num_threads(count)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def _train(
    module: FloatProgram,
    samples: Dataset,
    hints: TrainingHints,
    judge: Judge,
    oversight: Oversight,
) -> Trained:
    started = time.perf_counter()
    if not any(each.requires_grad for each in module.parameters()):
        raise TrainingError("the architecture has no parameters")
    fields, target = _tensors(module.program, samples, hints)
    batches = -(-len(target) // hints.batch_size)
    optimizer = torch.optim.AdamW(module.parameters(), lr=hints.learning_rate, weight_decay=WEIGHT_DECAY)
    steps = hints.epochs * batches
    # A warm-up of exactly one step is a division by zero in torch; so short a training needs none.
    warm_up = WARM_UP if steps * WARM_UP > 1 else 0.0
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, hints.learning_rate, total_steps=steps, pct_start=warm_up
    )
    loss, good, number = 0.0, False, 0
    for number in range(1, hints.epochs + 1):
        total = 0.0
        steps_of_epoch = torch.split(torch.randperm(len(target)), hints.batch_size)
        for chosen in oversight.watch(steps_of_epoch, f"training, epoch {number}"):
            if oversight.stop():
                raise TrainingError(
                    f"the deadline came after epoch {number - 1}",
                    remedy="Begin earlier, with fewer epochs or larger batches, or on a faster machine.",
                )
            output = module([field[chosen] for field in fields])
            if not output.requires_grad:
                raise TrainingError("the output has no slope in any parameter")
            step_loss = _loss(output, target[chosen], hints)
            optimizer.zero_grad()
            torch.autograd.backward(step_loss)
            torch.nn.utils.clip_grad_norm_(module.parameters(), MOST_GRADIENT)
            optimizer.step()
            schedule.step()
            total += float(step_loss.detach()) * len(chosen)
        loss = total / len(target)
        if not math.isfinite(loss):
            raise TrainingError(
                f"the loss is {loss} after epoch {number}", remedy="Lower the learning rate and train again."
            )
        oversight.progress(Epoch(number, hints.epochs, loss))
        if number % EPOCHS_BETWEEN_LOOKS == 0 and (good := judge(module.rounded())):
            break
    parameters = module.rounded()
    good = good or judge(parameters)
    return Trained(parameters, number, loss, time.perf_counter() - started, good)


def _tensors(architecture: Program, samples: Dataset, hints: TrainingHints) -> tuple[list[Tensor], Tensor]:
    """The fields in real units, and the target as the loss wants it."""
    if hints.target_field >= len(samples.fields):
        raise TrainingError(f"field {hints.target_field} of {len(samples.fields)} is the target")
    target = torch.from_numpy(samples.fields[hints.target_field])
    output = architecture.output
    if hints.loss == "squared_error":
        if tuple(target.shape[1:]) != output.shape:
            raise TrainingError(
                f"a target of shape {tuple(target.shape[1:])} for an output of {output.shape}"
            )
        return real_fields(architecture, samples), target.float() * 2.0**-output.scale
    classes = output.shape[-1] if output.shape else 0
    if tuple(target.shape[1:]) != output.shape[:-1] or classes < 2:
        raise TrainingError(f"classes of shape {tuple(target.shape[1:])} for an output of {output.shape}")
    if int(target.min()) < 0 or int(target.max()) >= classes:
        raise TrainingError(f"a class that is not among the {classes} of the output")
    return real_fields(architecture, samples), target.long()


def _loss(output: Tensor, target: Tensor, hints: TrainingHints) -> Tensor:
    if hints.loss == "squared_error":
        return functional.mse_loss(output, target)
    return functional.cross_entropy(output.reshape(-1, output.shape[-1]), target.reshape(-1))
