"""`anh model import` and `anh model report`: a network as a program and a model, and as a page."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from anh_rollup.cli.options import FiniteRange, UsageError, store_option
from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.properties import Answers

_SHAPE: Final = re.compile(r"(?P<name>.{1,200})=(?P<sizes>[1-9]\d{0,8}(?:x[1-9]\d{0,8}){0,7})")


class ShapeOptionError(UsageError):
    """A word that should be the shape of an input.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no shape of an input", remedy="Write --input-shape name=1x3x224x224."
        )
        self.word = word


def parse_shapes(words: Sequence[str]) -> dict[str, Shape]:
    """Shapes by the inputs' names.

    Raises:
        ShapeOptionError: A word is none.
    """
    shapes: dict[str, Shape] = {}
    for word in words:
        match = _SHAPE.fullmatch(word)
        if match is None:
            raise ShapeOptionError(word)
        shapes[match["name"]] = tuple(int(each) for each in match["sizes"].split("x"))
    return shapes


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is imported, and how.

    Attributes:
        file: An ONNX file, or a function that makes a torch module as `package.module:function`.
        samples: An .npz file with inputs; without it ranges are proven.
        shapes: Shapes of inputs, where the network leaves them free.
        setting: How many bits weights and tables get.
        output: Name of the output; the first where not given.
        answers: What jobs get of it.
    """

    file: str
    samples: Path | None = None
    shapes: tuple[tuple[str, Shape], ...] = ()
    setting: Setting = Setting.PRECISE
    output: str | None = None
    answers: Answers = Answers.OUTPUT

    @classmethod
    def from_options(cls, options: dict[str, Any]) -> "Wanted":
        """Takes what `network_options` adds out of a command's options."""
        shapes = parse_shapes(options.pop("shapes"))
        return cls(
            options.pop("file"),
            options.pop("samples"),
            tuple(shapes.items()),
            Setting(options.pop("setting") or Setting.PRECISE),
            options.pop("output"),
            Answers.DECISIONS if options.pop("decides", False) else Answers.OUTPUT,
        )


class QuestionsOptionError(UsageError):
    """One of `--questions` and `--tolerance` without the other."""

    def __init__(self) -> None:
        super().__init__(
            "--questions and --tolerance belong together",
            remedy="Give both: the samples of a job, and how far an answer may be off.",
        )


@dataclass(frozen=True, slots=True)
class Questions:
    """What a job asks a network.

    Attributes:
        file: An .npz file with inputs.
        tolerance: How far an element of an answer may be off, in the output's own units; where answers are
            decisions, how far below the largest score the one of an answer may be.
    """

    file: Path
    tolerance: float

    @classmethod
    def from_options(cls, file: Path | None, tolerance: float | None) -> "Questions | None":
        """What the options say; None without any.

        Raises:
            QuestionsOptionError: One of them is missing.
        """
        if (file is None) != (tolerance is None):
            raise QuestionsOptionError
        return None if file is None or tolerance is None else cls(file, tolerance)


class LabelledOptionError(UsageError):
    """Some of `--training-data`, `--test-data` and `--accuracy` without the others."""

    def __init__(self) -> None:
        super().__init__(
            "--training-data, --test-data and --accuracy belong together",
            remedy="Give all: data to train on, data to be right about, and the part that has to be right.",
        )


class DecisionsOptionError(UsageError):
    """Decisions of a network that is to be trained."""

    def __init__(self) -> None:
        super().__init__(
            "--decisions and --training-data exclude each other",
            remedy="Leave --decisions out: what is trained are scores.",
        )


@dataclass(frozen=True, slots=True)
class Labelled:
    """What a job has a network learn.

    Attributes:
        training: An .npz file with inputs and their labels.
        test: Another one, for the property.
        accuracy: The part of its labels that has to be right.
    """

    training: Path
    test: Path
    accuracy: float

    @classmethod
    def from_options(cls, training: Path | None, test: Path | None, share: float | None) -> "Labelled | None":
        """What the options say; None without any.

        Raises:
            LabelledOptionError: One of them is missing.
        """
        if training is None and test is None and share is None:
            return None
        if training is None or test is None or share is None:
            raise LabelledOptionError
        return cls(training, test, share)


_OPTIONS: Final = (
    click.argument("file"),
    click.option(
        "--samples",
        type=click.Path(dir_okay=False, path_type=Path),
        help="Inputs in an .npz file: by input name arrays whose first axis is the sample.",
    ),
    click.option(
        "--input-shape",
        "shapes",
        multiple=True,
        metavar="NAME=1x3x224x224",
        help="Shape of an input. Repeatable.",
    ),
    click.option("--output", metavar="NAME", help="Which output of the network; the first by default."),
)


def network_options(command: Callable[..., None]) -> Callable[..., None]:
    """Adds what says which network is imported, from what."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def setting_option(default: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Adds `--setting`, whose default is given in words."""
    return click.option(
        "--setting",
        type=click.Choice([each.value for each in Setting]),
        help=f"How many bits weights and tables get; default {default}.",
    )


def _work() -> Any:
    return import_module("anh_rollup.cli.network_import")


@click.command(name="import")
@network_options
@setting_option("precise, with training data trainable")
@store_option()
@click.option(
    "--decisions",
    "decides",
    is_flag=True,
    help="Answers are which score along the output's last axis is the largest, not the scores.",
)
@click.option("--layers", is_flag=True, help="Show the range and number format of every value.")
@click.option(
    "--questions",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Inputs of a job in an .npz file: makes a data set and a score program, prints the order.",
)
@click.option(
    "--tolerance",
    type=FiniteRange(0.0, 1e9),
    help="How far an answer may be off, in the output's units; a decision's score, below the largest.",
)
@click.option(
    "--training-data",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Inputs and an array `label` in an .npz file: makes all that a training job needs.",
)
@click.option(
    "--test-data",
    type=click.Path(dir_okay=False, path_type=Path),
    help="As --training-data; what the trained network has to be right about.",
)
@click.option(
    "--accuracy", type=FiniteRange(0.0, 1.0), help="The part of the test data's labels that has to be right."
)
def import_command(
    store_url: str, questions: Path | None, tolerance: float | None, *, layers: bool, **options: Any
) -> None:
    """Make a tensor program and a model of a network.

    FILE is an ONNX file, or package.module:function, which is run and gives a torch module.
    Both go into the store, and for an accountant the network itself, which onnxruntime answers with. Their
    roots and a report are printed. With samples, ranges are those that occur, and the last quarter of the
    samples is compared with onnxruntime. With questions there is all that an inference job needs, with
    training data all that a training job does, which starts from the network's weights.

    \b
    Example:
      anh model import resnet.onnx --samples images.npz --store ./artifacts
      anh model import resnet.onnx --samples images.npz --store ./artifacts \\
        --questions mine.npz --tolerance 0.01
      anh model import reader.onnx --samples lines.npz --store ./artifacts --decisions
      anh model import mine:encoder --input-shape image=1x3x32x32 --store ./artifacts
      anh model import new.onnx --store ./artifacts --training-data train.npz --test-data test.npz \\
        --accuracy 0.97
    """
    asked = Questions.from_options(questions, tolerance)
    learnt = Labelled.from_options(
        *(options.pop(each) for each in ("training_data", "test_data", "accuracy"))
    )
    if learnt is not None and options["decides"]:
        raise DecisionsOptionError
    if learnt is not None:
        options["setting"] = options["setting"] or Setting.TRAINABLE
    _work().import_into(store_url, Wanted.from_options(options), asked, learnt, layers=layers)


@click.command(name="report")
@network_options
@setting_option("precise")
@click.option(
    "--page",
    required=True,
    type=click.Path(dir_okay=False, path_type=Path),
    help="The HTML file to write.",
)
def report_command(page: Path, **options: Any) -> None:
    """Write a page with pictures of a network's ranges, number formats and errors, layer by layer.

    It is imported as `anh model import` does, and nothing is stored. The page needs nothing from elsewhere.

    \b
    Example:
      anh model report resnet.onnx --samples images.npz --page resnet.html
    """
    _work().write_page(page, Wanted.from_options(options))
