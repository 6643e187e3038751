"""Files of packages that carry trained networks: `make networks` fetches them, none is installed."""

import json
from pathlib import Path
from typing import Any, Final
from zipfile import ZipFile

import numpy as np
from numpy.typing import NDArray

from anh_rollup.errors import AnhError

#: Where `make networks` puts the packages of `requirements.txt` beside this file.
FOLDER: Final = Path(__file__).resolve().parents[2] / "cache" / "networks"
#: numpy's types by the names that safetensors files have.
_TYPES: Final = {"F32": "<f4", "F64": "<f8", "I64": "<i8"}


class PackageMissingError(AnhError):
    """A package was not fetched yet.

    Attributes:
        package: Its name.
    """

    def __init__(self, package: str) -> None:
        super().__init__(f"package {package} is not in {FOLDER}", remedy="Fetch it with `make networks`.")
        self.package = package


def file_of(package: str, path: str) -> bytes:
    """A file of a package.

    Args:
        package: How the name of its wheel begins.
        path: The file inside.

    Raises:
        PackageMissingError: It was not fetched.
    """
    found = sorted(FOLDER.glob(f"{package}-*.whl"))
    if not found:
        raise PackageMissingError(package)
    with ZipFile(found[-1]) as wheel:
        return wheel.read(path)


def safetensors(content: bytes) -> dict[str, NDArray[Any]]:
    """The tensors of a safetensors file by name: their places and types as JSON, then their bytes."""
    start = 8 + int.from_bytes(content[:8], "little")
    tensors = {}
    for name, each in json.loads(content[8:start]).items():
        if name != "__metadata__":
            first, last = each["data_offsets"]
            flat = np.frombuffer(content[start + first : start + last], _TYPES[each["dtype"]])
            tensors[name] = flat.reshape(each["shape"])
    return tensors
