"""`anh model`: models in an artifact store, to and from numpy's .npz files."""

from pathlib import Path
from typing import Final

import click
from rich.console import Console

from anh_rollup.cli.artifact_source import (
    arrays_table,
    artifact_options,
    find_artifact,
    place_options,
    write_arrays,
)
from anh_rollup.cli.model_import import import_command, report_command
from anh_rollup.cli.options import (
    DIGEST,
    DigestOptionError,
    key_option,
    l2_option,
    parse_digest,
    store_option,
)
from anh_rollup.cli.publish import publish_artifact
from anh_rollup.encoding.artifacts import Model
from anh_rollup.errors import AnhError
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.npz import ArrayFileError, read_arrays

#: Names of the arrays: they sort in the order of the parameters.
ARRAY_NAME: Final = "parameter_{:05d}"


class ModelFileError(AnhError):
    """An .npz file that holds no model.

    Attributes:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the file {path} holds no model: {reason}",
            remedy="Save int32 arrays with numpy.savez, named parameter_00000, parameter_00001, and so on.",
        )
        self.path = path
        self.reason = reason


@click.group(name="model")
def model_group() -> None:
    """Look at models, take them out of a store, put or import them into one, or into the order.

    \b
    Example:
      anh model show 0x4b2a.. --store ./artifacts
    """


model_group.add_command(import_command)
model_group.add_command(report_command)


@model_group.command(name="show")
@artifact_options()
def show_command(root: bytes, store_url: str | None, source: str) -> None:
    """Show the shapes and ranges of a model's parameters. ROOT is its root.

    It is in the store, or fetched from a URI; with both, what is fetched is kept in the store.

    \b
    Example:
      anh model show 0x4b2a.. --from http://127.0.0.1:8650
    """
    model = find_artifact(ArtifactStore.get_model, root, store_url, source)
    console = Console()
    console.print(f"model 0x{root.hex()}", soft_wrap=True, highlight=False)
    console.print(arrays_table("parameter", [(each, each.shape) for each in model.parameters]))


@model_group.command(name="export")
@artifact_options()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
def export_command(root: bytes, file: Path, store_url: str | None, source: str) -> None:
    """Write a model into an .npz file. ROOT is its root.

    It is in the store, or fetched from a URI; with both, what is fetched is kept in the store.

    \b
    Example:
      anh model export 0x4b2a.. digits.npz --from http://127.0.0.1:8650
    """
    model = find_artifact(ArtifactStore.get_model, root, store_url, source)
    arrays = {ARRAY_NAME.format(index): each for index, each in enumerate(model.parameters)}
    write_arrays(file, arrays)
    click.echo(f"{len(arrays)} parameters written to {file}")


@model_group.command(name="put")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@store_option()
def put_command(file: Path, store_url: str) -> None:
    """Put a model from an .npz file into a store, and print its root.

    \b
    Example:
      anh model put digits.npz --store ./artifacts
    """
    root = ArtifactStore(store_url).put_model(read_model(file))
    click.echo("0x" + root.hex())


@model_group.command(name="publish")
@click.argument("what", metavar="ROOT|FILE")
@l2_option()
@key_option("the payer's")
@place_options()
def publish_command(what: str, l2_url: str, key_file: Path, store_url: str | None, source: str) -> None:
    """Put a model into the order, so that contracts can ask it: an .npz FILE, or the ROOT of one elsewhere.

    --l2 has to be a follower. What is in the order already is not sent again: after a failure call it again.

    \b
    Example:
      anh model publish digits.npz --l2 http://127.0.0.1:8570 --key-file user.key
      anh model publish 0x4b2a.. --from http://127.0.0.1:8650 --l2 http://127.0.0.1:8570 --key-file user.key
    """
    if DIGEST.fullmatch(what):
        model = find_artifact(ArtifactStore.get_model, parse_digest(what), store_url, source)
    elif store_url is None and not source:
        model = read_model(Path(what))
    else:
        raise DigestOptionError(what)
    publish_artifact(model, l2_url, key_file)


def read_model(path: Path) -> Model:
    """The model of an .npz file; nothing is converted.

    Raises:
        UnreadableFileError: The file is not there, or cannot be opened.
        ModelFileError: It holds something else.
        EncodingError: An array is no int32 tensor.
    """
    try:
        arrays = read_arrays(path)
    except ArrayFileError as error:
        raise ModelFileError(path, error.reason) from error
    expected = [ARRAY_NAME.format(index) for index in range(len(arrays))]
    if not expected or sorted(arrays) != expected:
        raise ModelFileError(path, f"its arrays are named {', '.join(arrays)[:120]}")
    return Model([arrays[name] for name in expected])
