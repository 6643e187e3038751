"""Which events a client asks for, and eth_getLogs."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anh_rollup.primitives import Address, BlockNumber
from anh_rollup.rpc.block_names import block_of_hash
from anh_rollup.rpc.errors import Code, RpcError, invalid_params
from anh_rollup.rpc.parameters import TAGS, block_number, exactly
from anh_rollup.rpc.receipts import log_object
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import data, read_address, read_data, read_digest

MOST_TOPICS: Final = 4
"""Topics of an event (LOG4)."""

MOST_CHOICES: Final = 1_000
"""Addresses, or topics for one place, of one question (as in Ethereum's clients)."""

MOST_KEPT_CHOICES: Final = 200
"""Addresses and topics together of a question that is kept: a filter or a subscription (choice)."""

BLOCKS_AT_ONCE: Final = 64
"""Blocks that the world is asked for at a time, so that an answer that is too long ends early (choice)."""


@dataclass(frozen=True, slots=True)
class LogQuery:
    """Which events.

    Attributes:
        first: The first block as the client named it; None where it did not.
        last: The last one, likewise.
        block_hash: The only block, by its hash, likewise.
        addresses: Of these contracts; none stands for all.
        topics: For each place the topics that are wanted; None stands for all.
    """

    first: Any
    last: Any
    block_hash: Any
    addresses: frozenset[Address]
    topics: tuple[frozenset[bytes] | None, ...]

    @property
    def names_blocks(self) -> bool:
        """Whether it says in which blocks to look."""
        return (self.first, self.last, self.block_hash) != (None, None, None)


def get_logs(service: WorldService, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """eth_getLogs."""
    (wanted,) = exactly(parameters, 1)
    return find_logs(service, read_query(wanted))


def find_logs(service: WorldService, query: LogQuery) -> list[dict[str, Any]]:
    """The events that a query asks for.

    Raises:
        RpcError: They are in too many blocks or too many.
    """
    first, last = _range(service, query)
    limits, found = service.limits, list[dict[str, Any]]()
    if last - first >= limits.blocks:
        raise _too_much(f"block range is larger than {limits.blocks}")
    for start in range(first, last + 1, BLOCKS_AT_ONCE):
        found += logs_between(service, query, start, min(start + BLOCKS_AT_ONCE - 1, last))
        if len(found) > limits.logs:
            raise _too_much(f"query returned more than {limits.logs} results")
    return found


def logs_between(service: WorldService, query: LogQuery, first: int, last: int) -> list[dict[str, Any]]:
    """The events of some blocks that there are, the first and the last included."""
    found = []
    for each in service.world.logs(first, last, query.addresses, query.topics):
        block = service.backend.chain.block(BlockNumber(each.position.block))
        if block is not None:
            found.append(log_object(each.log, each.place, block, each.position.index))
    return found


def read_kept_query(value: Any) -> LogQuery:
    """A query that a client wrote, to be kept for it.

    Raises:
        RpcError: It is none, or too large to be kept.
    """
    query = read_query(value)
    choices = len(query.addresses) + sum(len(each) for each in query.topics if each is not None)
    if choices > MOST_KEPT_CHOICES:
        raise invalid_params(f"exceed max addresses and topics of what is followed: {MOST_KEPT_CHOICES}")
    return query


def read_query(value: Any) -> LogQuery:
    """A query that a client wrote.

    Raises:
        RpcError: It is none.
    """
    if not isinstance(value, Mapping):
        raise invalid_params("the filter is an object")
    first, last, digest = value.get("fromBlock"), value.get("toBlock"), value.get("blockHash")
    if digest is not None and (first, last) != (None, None):
        raise invalid_params("cannot specify both BlockHash and FromBlock/ToBlock, choose one or the other")
    if digest is not None:
        digest = data(read_digest(digest, "the block hash"))
    return LogQuery(first, last, digest, _addresses(value.get("address")), _topics(value.get("topics")))


def _range(service: WorldService, query: LogQuery) -> tuple[int, int]:
    backend = service.backend
    if query.block_hash is not None:
        number = block_of_hash(backend, query.block_hash)
        return number, number
    first, last = block_number(backend, query.first), block_number(backend, query.last)
    numbered = not {query.first, query.last} & {None, *TAGS}
    if first > last and numbered:
        raise invalid_params("invalid block range params")
    return first, min(last, backend.chain.head.header.number)


def _addresses(value: Any) -> frozenset[Address]:
    listed = [] if value is None else value if isinstance(value, list) else [value]
    _require_few(listed)
    return frozenset(read_address(each, "an address of the filter") for each in listed)


def _topics(value: Any) -> tuple[frozenset[bytes] | None, ...]:
    listed = [] if value is None else value
    if not isinstance(listed, list) or len(listed) > MOST_TOPICS:
        raise invalid_params(f"the topics are a list of at most {MOST_TOPICS}")
    return tuple([_choices(each) for each in listed])


def _choices(value: Any) -> frozenset[bytes] | None:
    """The topics for one place: null or an empty list for all, one, or a list."""
    listed = [] if value is None else value if isinstance(value, list) else [value]
    _require_few(listed)
    if not listed or None in listed:
        return None
    return frozenset(read_data(each, "a topic of the filter", 32) for each in listed)


def _require_few(listed: Sequence[Any]) -> None:
    if len(listed) > MOST_CHOICES:
        raise invalid_params(f"exceed max addresses or topics per search position: {MOST_CHOICES}")


def _too_much(message: str) -> RpcError:
    return RpcError(Code.LIMIT, message, remedy="Ask for fewer blocks, or for certain addresses and topics.")
