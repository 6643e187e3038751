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

#: First bytes of an .npy file, with the version; version 2 and 3 only differ in the header's length field.
_MAGIC: Final = re.compile(rb"\x93NUMPY(?:\x01\x00(?P<short>..)|[\x02\x03]\x00(?P<long>....))", re.DOTALL)
_HEADER: Final = re.compile(
    rb"\{'descr': '(?P<type>[<>|=][biufc]\d{1,2})', 'fortran_order': (?P<fortran>True|False), "
    rb"'shape': \((?P<shape>|\d{1,19},|\d{1,19}(?:, \d{1,19})+)\), \} *\n?"
)

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

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the file {path} holds no arrays: {reason}", remedy="Save arrays of numbers with numpy.savez."
        )
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
        return _arrays(path, file, most_bytes)


def _arrays(path: Path, file: BinaryIO, most_bytes: int) -> dict[str, npt.NDArray[Any]]:
    try:
        with zipfile.ZipFile(file) as archive:
            members = archive.infolist()
            if sum(member.file_size for member in members) > most_bytes:
                raise ArrayFileError(path, f"its arrays have more than {most_bytes} bytes")
            return {
                member.filename.removesuffix(".npy"): _array(path, archive.read(member)) for member in members
            }
    except OSError as error:
        raise ArrayFileError(path, error.strerror or "it cannot be read") from error
    except _DAMAGED as error:
        raise ArrayFileError(path, "it is no .npz file of plain arrays") from error


def _array(path: Path, content: bytes) -> npt.NDArray[Any]:
    magic = _MAGIC.match(content)
    length = int.from_bytes(magic["short"] or magic["long"], "little") if magic else 0
    start = magic.end() if magic else 0
    header = _HEADER.fullmatch(content[start : start + length])
    if header is None:
        raise ArrayFileError(path, "it is no .npz file of plain arrays")
    dtype, shape = np.dtype(header["type"].decode()), _shape(header["shape"])
    body = memoryview(content)[start + length :]
    if prod(shape) * dtype.itemsize != len(body):
        raise ArrayFileError(path, f"an array of shape {shape} does not have {len(body)} bytes")
    flat = np.frombuffer(body, dtype) if body else np.empty(0, dtype)
    return flat.reshape(shape[::-1]).T if header["fortran"] == b"True" else flat.reshape(shape)


def _shape(text: bytes) -> tuple[int, ...]:
    return tuple(int(size) for size in text.split(b",") if size)
