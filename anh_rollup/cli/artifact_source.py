"""Where a command finds an artifact, and how it writes one into an .npz file."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, BinaryIO, TypeVar

import click
import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from anh_rollup.cli.options import Decorator, UsageError, parse_digest, store_option
from anh_rollup.encoding.tensors import Elements
from anh_rollup.errors import AnhError
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import UriRefusedError
from anh_rollup.storage.remote import RemotePolicy

T = TypeVar("T")

#: Elements, or what they stand for.
Numbers = Elements | NDArray[np.float64]

#: How an artifact of one kind is read: from a store, by its root, or else from a URI.
Reader = Callable[[ArtifactStore, bytes, str], T]


class NoPlaceError(UsageError):
    """Nothing says where an artifact is."""

    def __init__(self) -> None:
        super().__init__(
            "nothing says where the artifact is",
            remedy="Give --store FOLDER for a store of your own, or --from URI as claims name it.",
        )


class SourceOptionError(UsageError):
    """`--from` is no URI that an artifact can be fetched from.

    Attributes:
        uri: The word.
    """

    def __init__(self, refused: UriRefusedError) -> None:
        super().__init__(refused.message, remedy="Give --from the URI of a claim, such as http://HOST:PORT.")
        self.uri = refused.uri


class ExportError(AnhError):
    """A file that cannot be written.

    Attributes:
        path: The file.
        reason: Why not.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the file {path} cannot be written: {reason}",
            remedy="Name a new file, in a folder that exists and that you may write into.",
        )
        self.path = path
        self.reason = reason


def artifact_options() -> Decorator:
    """`ROOT`, and where the artifact is: `--store`, `--from URI`, or both."""
    root, places = click.argument("root", type=parse_digest), place_options()
    return lambda command: root(places(command))


def place_options() -> Decorator:
    """Where an artifact is: `--store`, `--from URI`, or both."""
    what = "Who serves it: the URI of a claim."
    source = click.option("--from", "source", metavar="URI", default="", help=what)
    return lambda command: store_option(required=False)(source(command))


def arrays_table(kind: str, arrays: Sequence[tuple[Numbers, Sequence[int]]]) -> Table:
    """The shapes and ranges of arrays, one a row.

    Args:
        kind: What one of them is.
        arrays: Each with the shape to show, which is a sample's where the array is of many.
    """
    table = Table()
    for heading in (kind, "shape", "elements", "least", "greatest"):
        table.add_column(heading, justify="right")
    for index, (each, shape) in enumerate(arrays):
        words = " x ".join(map(str, shape)) or "scalar"
        table.add_row(str(index), words, f"{each.size:,}", shown_number(each.min()), shown_number(each.max()))
    return table


def shown_number(number: np.generic) -> str:
    """A number for a table: integers whole, others with six digits."""
    return str(number) if isinstance(number, np.integer) else f"{number:.6g}"


def find_artifact(read: Reader[T], root: bytes, store_url: str | None, source: str) -> T:
    """An artifact out of a store, or from whoever serves it; private hosts may, as the caller has named them.

    Raises:
        NoPlaceError: Neither place is given.
        SourceOptionError: The URI is none.
        ArtifactError: The artifact cannot be had, or is another one.
    """
    if store_url is None and not source:
        raise NoPlaceError
    policy = RemotePolicy(private_hosts=True)
    with tempfile.TemporaryDirectory() as folder:
        try:
            return read(ArtifactStore(store_url or folder, policy), root, source)
        except UriRefusedError as error:
            raise SourceOptionError(error) from error


def write_arrays(path: Path, arrays: Mapping[str, Numbers]) -> None:
    """Writes arrays into a new .npz file under their names; what is there already is never overwritten.

    Raises:
        ExportError: The file exists or cannot be written; no part of it is left.
    """
    named: dict[str, Any] = dict(arrays)
    write_new(path, lambda output: np.savez(output, allow_pickle=False, **named))


def write_new(path: Path, write: Callable[[BinaryIO], object]) -> None:
    """Writes a new file; what is there already is never overwritten.

    Args:
        path: Where.
        write: Writes what is in it.

    Raises:
        ExportError: The file exists or cannot be written; no part of it is left.
    """
    try:
        with path.open("xb") as output:
            try:
                write(output)
            except OSError:
                path.unlink()
                raise
    except OSError as error:
        raise ExportError(path, error.strerror or "the system says no more") from error
