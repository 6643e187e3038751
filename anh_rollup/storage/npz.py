"""Reading numpy's .npz files that somebody else wrote: nothing is evaluated, and all sizes are checked.

numpy's own reader allocates what a header asks for and evaluates it as Python; this one takes plain arrays
only, whose header has the one form that numpy writes. Source: numpy's NEP 1 (the .npy format).
"""

import lzma
import re
import zipfile
import zlib
from math import prod
from pathlib import Path
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt

from anh_rollup.storage.errors import ArtifactError

#: Most bytes of all arrays of a file together.
MOST_ARRAY_BYTES: Final = 1 << 32

#: Characters of an array's name that a message shows.
MOST_NAME: Final = 60

#: First bytes of an .npy file, with the version; version 2 and 3 only differ in the header's length field.
_MAGIC: Final = re.compile(rb"\x93NUMPY(?:\x01\x00(?P<short>..)|[\x02\x03]\x00(?P<long>....))", re.DOTALL)
_HEADER: Final = re.compile(
    rb"\{'descr': '(?P<type>[<>|=][biufc]\d{1,2})', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>|\d{1,19},|\d{1,19}(?:, \d{1,19})+)\), \} *\n?"
)

#: The beginning of every header, and what is said of types that are no plain numbers.
_TYPE: Final = re.compile(rb"\{'descr': (?:'[<>|=](?P<kind>[A-Za-z])|(?P<record>\[))")
_KINDS: Final = {b"U": "text", b"S": "text", b"O": "Python objects", b"M": "dates", b"m": "durations"}

#: How numpy's files of a single array begin (NEP 1).
_SINGLE: Final = b"\x93NUMPY"

#: What zipfile raises for files that are damaged, encrypted or of an unknown kind.
_DAMAGED: Final = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    TypeError,
    EOFError,
)


class ArrayFileError(ArtifactError):
    """A file that holds no plain arrays.

    Attributes:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(
        self, path: Path, reason: str, *, remedy: str = "Save arrays of numbers with numpy.savez."
    ) -> None:
        super().__init__(f"the file {path} cannot be taken: {reason}", remedy=remedy)
        self.path = path
        self.reason = reason


class UnreadableFileError(ArtifactError):
    """A file that cannot be opened, so that nothing is known of what it holds.

    Attributes:
        path: The file.
        reason: The system's words.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the file {path} cannot be read: {reason}",
            remedy="Check its name, and that you may read it.",
        )
        self.path = path
        self.reason = reason


def read_arrays(path: Path, most_bytes: int = MOST_ARRAY_BYTES) -> dict[str, npt.NDArray[Any]]:
    """The arrays of an .npz file by their names, in the file's order; numbers of any type.

    Memory stays within a small multiple of the arrays' bytes, which are checked before any is read.

    Raises:
        UnreadableFileError: The file is not there, or cannot be opened.
        ArrayFileError: It is none of numpy's, is damaged, holds too much or other than numbers.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise UnreadableFileError(path, error.strerror or "the system says no more") from error
    with file:
        _refuse_single(path, file)
        return _arrays(path, file, most_bytes)


def _refuse_single(path: Path, file: BinaryIO) -> None:
    """Refuses an .npy file; others are looked at from their beginning again."""
    try:
        start = file.read(len(_SINGLE))
        file.seek(0)
    except OSError as error:
        raise ArrayFileError(path, error.strerror or "it cannot be read") from error
    if start == _SINGLE:
        raise ArrayFileError(
            path,
            "it is an .npy file, of one array without a name",
            remedy="Save it with a name: numpy.savez('file.npz', name=array).",
        )


def _arrays(path: Path, file: BinaryIO, most_bytes: int) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > most_bytes:
                raise ArrayFileError(path, f"its arrays have more than {most_bytes} bytes")
            named = ((member.filename.removesuffix(".npy"), member) for member in members)
            return {name: _array(path, name, archive.read(member)) for name, member in named}
    except OSError as error:
        raise ArrayFileError(path, error.strerror or "it cannot be read") from error
    except _DAMAGED as error:
        raise ArrayFileError(path, "it is no .npz file of plain arrays") from error


def _array(path: Path, name: str, content: bytes) -> npt.NDArray[Any]:
    magic = _MAGIC.match(content)
    length = int.from_bytes(magic["short"] or magic["long"], "little") if magic else 0
    start = magic.end() if magic else 0
    header = _HEADER.fullmatch(content[start : start + length])
    if header is None:
        raise ArrayFileError(path, _not_plain(name, content[start : start + length]))
    dtype, shape = np.dtype(header["type"].decode()), _shape(header["shape"])
    body = memoryview(content)[start + length :]
    if prod(shape) * dtype.itemsize != len(body):
        raise ArrayFileError(path, f"an array of shape {shape} does not have {len(body)} bytes")
    flat = np.frombuffer(body, dtype) if body else np.empty(0, dtype)
    return flat.reshape(shape[::-1]).T if header["fortran"] == b"True" else flat.reshape(shape)


def _not_plain(name: str, header: bytes) -> str:
    """What is said of an array whose header is not taken."""
    found = _TYPE.match(header)
    kind = None if found is None else "records" if found["record"] else _KINDS.get(found["kind"])
    if kind is None:
        return "it is no .npz file of plain arrays"
    return f"its array {name[:MOST_NAME]!r} holds {kind}, not numbers"


def _shape(text: bytes) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(b",") if size)
