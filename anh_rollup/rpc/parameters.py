"""Reading a method's parameters."""

from collections.abc import Sequence
from typing import Any, Final

from anh_rollup.primitives import BlockNumber
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import invalid_params
from anh_rollup.rpc.wire import read_quantity

TAGS: Final = ("latest", "pending", "safe", "finalized", "earliest")
"""Names of blocks. `pending` names the newest sealed block too: what waits is in no block yet."""

MOST_PERCENTILES: Final = 100
"""Percentiles of one eth_feeHistory (as in Ethereum's clients)."""


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


def block_number(backend: Backend, name: Any) -> BlockNumber:
    """The height that a tag or a number names.

    Raises:
        RpcError: It is neither.
    """
    chain = backend.chain
    if name is None or name in ("latest", "pending"):
        return chain.head.header.number
    if name == "safe":
        return chain.safe_number
    if name == "finalized":
        return backend.finalized_number
    if name == "earliest":
        return chain.genesis.number
    return BlockNumber(read_quantity(name, f"the block, when it is none of {', '.join(TAGS)},"))


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


def block_count(value: Any, most: int) -> int:
    """A number of blocks from 1 on, cut to the most that are served; some clients send it as a number.

    Raises:
        RpcError: It is none.
    """
    plain = isinstance(value, int) and not isinstance(value, bool)
    count = value if plain else read_quantity(value, "the number of blocks")
    if count < 1:
        raise invalid_params("the number of blocks is at least 1")
    return min(count, most)


def percentile_list(value: Any) -> list[Any]:
    """Ascending percentiles from 0 to 100, at most 100 of them; None stands for none.

    Raises:
        RpcError: They are something else.
    """
    listed = [] if value is None else value
    if not isinstance(listed, list) or len(listed) > MOST_PERCENTILES:
        raise invalid_params(f"the percentiles are a list of at most {MOST_PERCENTILES} numbers")
    numbers = all(isinstance(each, int | float) and not isinstance(each, bool) for each in listed)
    if not numbers or listed != sorted(listed) or any(not 0 <= each <= 100 for each in listed):
        raise invalid_params("the percentiles are ascending numbers from 0 to 100")
    return listed
