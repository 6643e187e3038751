"""Reading a method's parameters."""

from collections.abc import Sequence
from typing import Any, Final

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import invalid_params
from anh_rollup.rpc.wire import read_quantity

TAGS: Final = ("latest", "pending", "safe", "finalized", "earliest")
"""Names of blocks. `pending` names the newest sealed block too: what waits is in no block yet."""


def exactly(parameters: Sequence[Any], least: int, most: int | None = None) -> list[Any]:
    """The parameters, padded with None to the most that there can be.

    Raises:
        RpcError: There are fewer or more.
    """
    most = least if most is None else most
    if not least <= len(parameters) <= most:
        wanted = str(least) if least == most else f"{least} to {most}"
        raise invalid_params(f"{len(parameters)} parameters; {wanted} are expected")
    return [*parameters, *[None] * (most - len(parameters))]


def block_number(backend: Backend, name: Any) -> int:
    """The height that a tag or a number names.

    Raises:
        RpcError: It is neither.
    """
    chain = backend.chain
    if name is None or name in ("latest", "pending"):
        return chain.head.header.number
    if name in ("safe", "finalized"):
        return chain.safe_number
    if name == "earliest":
        return 0
    return read_quantity(name, f"the block, when it is none of {', '.join(TAGS)},")


def flag(value: Any, name: str) -> bool:
    """A boolean.

    Raises:
        RpcError: It is none.
    """
    if value is None:
        return False
    if not isinstance(value, bool):
        raise invalid_params(f"{name} is true or false")
    return value
