"""`anh answers`: the results of inference jobs, out of a store or from whoever serves them."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from anh_rollup.cli.artifact_source import arrays_table, artifact_options, find_artifact, write_arrays
from anh_rollup.client.wording import counted
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
@artifact_options()
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
    console.print(counted(answers.count, "sample"))
    console.print(arrays_table("answer", list(zip(answers.fields, answers.field_shapes, strict=True))))


@answers_group.command(name="export")
@artifact_options()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_command(root: bytes, file: Path, store_url: str | None, source: str) -> None:
    """Write answers into an .npz file; the first axis of each array is the sample. ROOT is their root.

    \b
    Example:
      anh answers export 0x7e01.. answers.npz --from http://127.0.0.1:8650
    """
    answers = find_artifact(ArtifactStore.get_dataset, root, store_url, source)
    write_arrays(file, {ARRAY_NAME.format(index): each for index, each in enumerate(answers.fields)})
    click.echo(f"answers to {answers.count} samples written to {file}")
