"""`anh answers`: the results of inference jobs, out of a store or from whoever serves them."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console
from rich.table import Table

from anh_rollup.cli.artifact_source import find_artifact, source_option, write_arrays
from anh_rollup.cli.options import parse_digest, store_option
from anh_rollup.storage.artifacts import ArtifactStore

#: Names of the arrays: they sort in the order of a sample's answers.
ARRAY_NAME: Final = "answer_{:03d}"


@click.group(name="answers")
def answers_group() -> None:
    """Look at the answers of an inference job, or take them out of a store.

    \b
    Example:
      anh answers show 0x7e01.. --from http://127.0.0.1:8650
    """


@answers_group.command(name="show")
@click.argument("root", type=parse_digest)
@store_option(required=False)
@source_option()
def show_command(root: bytes, store_url: str | None, source: str) -> None:
    """Show samples, shapes and ranges of answers. ROOT is their root, the result of a claim.

    They are in the store, or fetched from a URI; with both, what is fetched is kept in the store.

    \b
    Example:
      anh answers show 0x7e01.. --from http://127.0.0.1:8650
    """
    answers = find_artifact(ArtifactStore.get_dataset, root, store_url, source)
    console = Console()
    console.print(f"answers 0x{root.hex()}", soft_wrap=True, highlight=False)
    table = Table(title=f"{answers.count:,} samples", title_justify="left")
    for heading in ("answer", "shape", "least", "greatest"):
        table.add_column(heading, justify="right")
    for index, (each, shape) in enumerate(zip(answers.fields, answers.field_shapes, strict=True)):
        words = " x ".join(map(str, shape)) or "scalar"
        table.add_row(str(index), words, str(each.min()), str(each.max()))
    console.print(table)


@answers_group.command(name="export")
@click.argument("root", type=parse_digest)
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@store_option(required=False)
@source_option()
def export_command(root: bytes, file: Path, store_url: str | None, source: str) -> None:
    """Write answers into an .npz file; the first axis of each array is the sample. ROOT is their root.

    \b
    Example:
      anh answers export 0x7e01.. answers.npz --from http://127.0.0.1:8650
    """
    answers = find_artifact(ArtifactStore.get_dataset, root, store_url, source)
    write_arrays(file, {ARRAY_NAME.format(index): each for index, each in enumerate(answers.fields)})
    click.echo(f"answers to {answers.count} samples written to {file}")
