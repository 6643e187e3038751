"""Which code a process runs: results are the same bytes everywhere only where the code is the same."""

import hashlib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import anh_rollup

_SHOWN = 12


@dataclass(frozen=True, slots=True)
class Identity:
    """The package as it is installed.

    Attributes:
        version: Its version.
        sources: SHA-256 over its Python files and their places in it, in hexadecimal.
    """

    version: str
    sources: str

    def __str__(self) -> str:
        return f"anh_rollup {self.version} (sources {self.sources[:_SHOWN]})"


@cache
def own_identity() -> Identity:
    """What this process runs. A node of a cluster is asked for the same."""
    root, digest = Path(anh_rollup.__file__).parent, hashlib.sha256()
    for path in sorted(root.rglob("*.py")):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return Identity(anh_rollup.__version__, digest.hexdigest())
