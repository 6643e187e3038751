"""Reverts by the names that the contracts give them."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final

from anh_rollup.l1.abi import Entry, artifact_names, decode_values, load_artifact, signature_hash
from anh_rollup.l1.errors import L1AnswerError, L1RevertedError

#: What Solidity itself reverts with.
BUILT_IN: Final[tuple[Entry, ...]] = (
    {"type": "error", "name": "Error", "inputs": [{"name": "reason", "type": "string"}]},
    {"type": "error", "name": "Panic", "inputs": [{"name": "code", "type": "uint256"}]},
)


@lru_cache(maxsize=1)
def known_errors() -> Mapping[bytes, Entry]:
    """Every error that a shipped contract can revert with, by its selector."""
    entries = [entry for name in artifact_names() for entry in load_artifact(name).entries]
    return {signature_hash(entry)[:4]: entry for entry in (*BUILT_IN, *entries) if entry["type"] == "error"}


def decode_revert(data: bytes, words: str = "") -> L1RevertedError:
    """The error that a revert's bytes stand for.

    Args:
        data: What the contract reverted with; empty for a bare revert or where the node keeps it back.
        words: What the node said, kept as the argument where the bytes say nothing.
    """
    entry = known_errors().get(data[:4])
    if entry is None:
        arguments: tuple[Any, ...] = (data,) if data else (words,) if words else ()
        return L1RevertedError("Unknown", arguments)
    try:
        return L1RevertedError(entry["name"], decode_values(entry["inputs"], data[4:]))
    except L1AnswerError:
        return L1RevertedError(entry["name"], (data[4:],))
