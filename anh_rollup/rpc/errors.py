"""JSON-RPC's errors, with the codes that Ethereum's clients know."""

from enum import IntEnum
from typing import Any, Final

import orjson

from anh_rollup.errors import AnhError

ERROR_START: Final = b'"error":{"code":'
"""What the error begins with in each answer of `failure`; within a text its quotes are escaped."""


class Code(IntEnum):
    """Error codes of JSON-RPC 2.0 and EIP-1474."""

    PARSE = -32700
    INVALID_REQUEST = -32600
    METHOD_NOT_FOUND = -32601
    INVALID_PARAMS = -32602
    INTERNAL = -32603
    SERVER = -32000
    REJECTED = -32003
    NOT_SERVED = -32004
    LIMIT = -32005
    UNAVAILABLE = -32002
    REVERT = 3
    TIMEOUT = 4


class RpcError(AnhError):
    """An error as a JSON-RPC answer carries it.

    Attributes:
        code: Its code.
    """

    def __init__(self, code: Code, message: str, *, remedy: str) -> None:
        super().__init__(message, remedy=remedy)
        self.code = code

    def to_json(self) -> dict[str, Any]:
        """The answer's `error` member; the remedy is its data."""
        return {"code": int(self.code), "message": self.message, "data": self.remedy}


class DataError(RpcError):
    """An error whose data is bytes that programs read: what a call reverts with, or a transaction's hash.

    Attributes:
        content: The bytes.
    """

    def __init__(self, code: Code, message: str, content: bytes) -> None:
        super().__init__(code, message, remedy="See docs/json-rpc.md.")
        self.content = content

    def to_json(self) -> dict[str, Any]:
        """The answer's `error` member; clients decode its data."""
        return {"code": int(self.code), "message": self.message, "data": "0x" + self.content.hex()}


class NotServedError(RpcError):
    """What this node cannot know or does not answer: it does not invent anything.

    Attributes:
        method: The method.
    """

    def __init__(self, method: str, remedy: str) -> None:
        super().__init__(Code.NOT_SERVED, f"{method} is not served by this node", remedy=remedy)
        self.method = method


def invalid_params(message: str) -> RpcError:
    """Parameters that are not the method's."""
    return RpcError(Code.INVALID_PARAMS, message, remedy="See docs/json-rpc.md.")


def failure(identifier: Any, error: RpcError) -> bytes:
    """The answer to a request that failed, as JSON.

    Args:
        identifier: The request's id; None where it has none that can be read.
        error: Why.
    """
    return orjson.dumps({"jsonrpc": "2.0", "id": identifier, "error": error.to_json()})
