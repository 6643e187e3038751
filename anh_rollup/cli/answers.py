"""`anh answers`: the results of inference jobs, out of a store or from whoever serves them."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

import click
import numpy as np
from rich.console import Console

from anh_rollup.cli.artifact_source import (
    Numbers,
    arrays_table,
    artifact_options,
    find_artifact,
    shown_number,
    write_arrays,
)
from anh_rollup.cli.follow_up import command
from anh_rollup.cli.options import Decorator, parse_digest, visible
from anh_rollup.client.wording import counted
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.errors import AnhError
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.values import Value

#: Names of the arrays: they sort in the order of a sample's answers.
ARRAY_NAME: Final = "answer_{:03d}"

#: Samples, and elements of each one's answer, that are shown (choices: what a screen has room for).
FIRST_SAMPLES: Final = 5
FIRST_ELEMENTS: Final = 8

#: What is said of answers whose program is not named.
UNSCALED: Final = (
    "integers; --architecture ROOT, the program that gave them, shows them in the output's own units"
)


class AnswersUnfitError(AnhError):
    """Answers that are not outputs of the program that they are read with.

    Attributes:
        expected: The shape of the program's output.
        found: The shapes of a sample's answers.
    """

    def __init__(self, output: Value, answers: Dataset) -> None:
        super().__init__(
            f"the answers to a sample have the shapes {[*answers.field_shapes]}, "
            f"the program's output has {output.shape}",
            remedy="Give --architecture the program that the job names.",
        )
        self.expected, self.found = output.shape, answers.field_shapes


@click.group(name="answers")
def answers_group() -> None:
    """Look at the answers of an inference job, or take them out of a store.

    \b
    Example:
      anh answers show 0x7e01.. --from http://127.0.0.1:8650
    """


def architecture_option() -> Decorator:
    """`--architecture ROOT`."""
    return click.option(
        "--architecture",
        type=parse_digest,
        metavar="ROOT",
        help="Root of the program that gave them: in the output's own units instead of integers.",
    )


@answers_group.command(name="show")
@artifact_options()
@architecture_option()
def show_command(root: bytes, store_url: str | None, source: str, architecture: bytes | None) -> None:
    """Show samples, shapes and ranges of answers, and the first of them. ROOT is the result of a claim.

    They are in the store, or fetched from a URI; with both, what is fetched is kept in the store. So is the
    program that --architecture names, by whose output's scale they are shown; without it they are integers.

    \b
    Example:
      anh answers show 0x7e01.. --from http://127.0.0.1:8650
    """
    answers = find_artifact(ArtifactStore.get_dataset, root, store_url, source)
    numbers: tuple[Numbers, ...] = answers.fields
    units = UNSCALED
    if architecture is not None:
        output = find_output(architecture, answers, store_url, source)
        numbers = answers.fields if output.scale == 0 else real_answers(answers, output)
        units = units_of(output)
    console = Console()
    console.print(f"answers 0x{root.hex()}", soft_wrap=True, highlight=False)
    console.print(counted(answers.count, "sample"))
    console.print(units, soft_wrap=True, highlight=False)
    console.print(arrays_table("answer", list(zip(numbers, answers.field_shapes, strict=True))))
    for line in first_answers(numbers):
        console.print(line, soft_wrap=True, highlight=False)
    places = (("--from", source), ("--store", store_url))
    words = [word for option, value in places if value for word in (option, value)]
    words += [] if architecture is None else ["--architecture", f"0x{architecture.hex()}"]
    export = command("answers", "export", f"0x{root.hex()}", "answers.npz", *words)
    console.print(visible(f"write all into a file with: {export}"), soft_wrap=True)


@answers_group.command(name="export")
@artifact_options()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@architecture_option()
def export_command(
    root: bytes, file: Path, store_url: str | None, source: str, architecture: bytes | None
) -> None:
    """Write answers into an .npz file; the first axis of each array is the sample. ROOT is their root.

    They are int32; with --architecture they are float64, in the units of that program's output.

    \b
    Example:
      anh answers export 0x7e01.. answers.npz --from http://127.0.0.1:8650
    """
    answers = find_artifact(ArtifactStore.get_dataset, root, store_url, source)
    numbers: tuple[Numbers, ...] = answers.fields
    if architecture is not None:
        numbers = real_answers(answers, find_output(architecture, answers, store_url, source))
    write_arrays(file, {ARRAY_NAME.format(index): each for index, each in enumerate(numbers)})
    click.echo(f"answers to {answers.count} samples written to {file}")


def first_answers(answers: Sequence[Numbers]) -> Iterator[str]:
    """The first elements of the first samples' answers, in row-major order, a sample a line.

    Args:
        answers: Arrays (N, *shape of a sample's answer); integers are written whole, others with 6 digits.
    """
    for index, each in enumerate(answers):
        named = f"answer {index} to sample" if len(answers) > 1 else "sample"
        rows = each.reshape(len(each), -1)
        for sample, row in enumerate(rows[:FIRST_SAMPLES]):
            more = ", ..." if row.size > FIRST_ELEMENTS else ""
            yield f"{named} {sample}: {', '.join(map(shown_number, row[:FIRST_ELEMENTS]))}{more}"
        if len(rows) > FIRST_SAMPLES:
            yield f"and {counted(len(rows) - FIRST_SAMPLES, 'more sample')}"


def find_output(architecture: bytes, answers: Dataset, store_url: str | None, source: str) -> Value:
    """The output that answers are of, as their program declares it; the program is where they are.

    Raises:
        ArtifactError: The program cannot be had.
        AnswersUnfitError: The answers are not outputs of this program.
    """
    output = find_artifact(ArtifactStore.get_program, architecture, store_url, source).output
    if answers.field_shapes != (output.shape,):
        raise AnswersUnfitError(output, answers)
    return output


def units_of(output: Value) -> str:
    """What shown answers are."""
    integers = "integers" if output.scale == 0 else f"integers / 2^{output.scale}"
    return f"in the output's own units, {integers} of the claim"


def real_answers(answers: Dataset, output: Value) -> tuple[Numbers, ...]:
    """Answers in the output's own units, exactly: int32 elements are whole in float64."""
    return tuple(np.ldexp(each.astype(np.float64), -output.scale) for each in answers.fields)
