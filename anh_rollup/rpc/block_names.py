"""Which block a parameter names: a tag, a number, a hash, or EIP-1898's object."""

from collections.abc import Mapping
from typing import Any, Final

from anh_rollup.primitives import BlockNumber
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import Code, RpcError, invalid_params
from anh_rollup.rpc.parameters import block_number, flag
from anh_rollup.rpc.wire import read_digest

HASH_LENGTH: Final = 66
"""Characters of a hash with its 0x."""


def known_block(backend: Backend, value: Any) -> BlockNumber:
    """The height of a block that there is; `latest` where the parameter is left out.

    Raises:
        RpcError: It names none, or one that there is not.
    """
    number = BlockNumber(_named(backend, value))
    if number > backend.chain.head.header.number:
        raise _missing("header not found")
    return number


def block_of_hash(backend: Backend, value: Any) -> int:
    """The height of a block that there is, by its hash.

    Raises:
        RpcError: It is no hash, or there is no such block.
    """
    number = backend.chain.number_of(read_digest(value, "the block hash"))
    if number is None:
        raise _missing("header for hash not found")
    return number


def _named(backend: Backend, value: Any) -> int:
    if isinstance(value, Mapping):
        return _of_object(backend, value)
    if isinstance(value, str) and len(value) == HASH_LENGTH:
        return block_of_hash(backend, value)
    return block_number(backend, value)


def _of_object(backend: Backend, value: Mapping[str, Any]) -> int:
    """EIP-1898: `blockNumber`, or `blockHash` with `requireCanonical`; all blocks here are canonical."""
    if not value.keys() <= {"blockNumber", "blockHash", "requireCanonical"}:
        raise invalid_params("the block is an object with blockNumber, or with blockHash, requireCanonical")
    flag(value.get("requireCanonical"), "requireCanonical")
    number, digest = value.get("blockNumber"), value.get("blockHash")
    if (number is None) == (digest is None):
        raise invalid_params("the block has either blockNumber or blockHash")
    return block_number(backend, number) if digest is None else block_of_hash(backend, digest)


def _missing(message: str) -> RpcError:
    return RpcError(Code.SERVER, message, remedy="Ask eth_blockNumber for the newest block, and try again.")
