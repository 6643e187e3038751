"""Filters that clients poll: new events, new blocks, new transactions."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from secrets import token_hex
from threading import Lock
from typing import Any, Final

from anh_rollup.primitives import Digest
from anh_rollup.rpc.errors import Code, RpcError
from anh_rollup.rpc.feed import NewBlock
from anh_rollup.rpc.logs import LogQuery, find_logs, logs_between, read_kept_query
from anh_rollup.rpc.parameters import TAGS, block_number, exactly
from anh_rollup.rpc.service import Reader, WorldService
from anh_rollup.rpc.wire import data, quantity

IDENTIFIER_BYTES: Final = 16
"""Bytes of a filter's id: nobody guesses another client's."""


@dataclass(slots=True)
class Filter:
    """What a client follows.

    Attributes:
        changes: What is new since a number of the feed, and the next number.
        mark: That number.
        query: Which events, where it follows events.
        asked: When it was asked last.
    """

    changes: Callable[[int], tuple[list[Any], int]]
    mark: int
    query: LogQuery | None
    asked: float


class Filters:
    """The filters of all clients; for several threads.

    Args:
        service: The node that they look at.
    """

    def __init__(self, service: WorldService) -> None:
        self._service = service
        self._lock = Lock()
        self._filters: dict[str, Filter] = {}

    def methods(self) -> Mapping[str, Reader]:
        """The methods that clients use them with."""
        return {
            "eth_newFilter": self._new_logs,
            "eth_newBlockFilter": self._new_blocks,
            "eth_newPendingTransactionFilter": self._new_transactions,
            "eth_getFilterChanges": self._changes,
            "eth_getFilterLogs": self._logs,
            "eth_uninstallFilter": self._uninstall,
        }

    def _new_logs(self, service: WorldService, parameters: Sequence[Any]) -> str:
        """eth_newFilter."""
        (wanted,) = exactly(parameters, 1)
        query = read_kept_query(wanted)
        for name in (query.first, query.last):
            block_number(service.backend, name)
        mark, _ = service.feed.marks()
        return self._add(partial(new_logs, service, query), mark, query)

    def _new_blocks(self, service: WorldService, parameters: Sequence[Any]) -> str:
        """eth_newBlockFilter."""
        exactly(parameters, 0)
        mark, _ = service.feed.marks()
        return self._add(partial(_new_hashes, service), mark, None)

    def _new_transactions(self, service: WorldService, parameters: Sequence[Any]) -> str:
        """eth_newPendingTransactionFilter."""
        exactly(parameters, 0)
        _, mark = service.feed.marks()
        return self._add(partial(_new_transactions, service), mark, None)

    def _changes(self, service: WorldService, parameters: Sequence[Any]) -> list[Any]:
        """eth_getFilterChanges."""
        found = self._find(parameters)
        if found.query is None:
            changes, found.mark = found.changes(found.mark)
        else:
            changes, found.mark = service.execution.run(partial(found.changes, found.mark))
        return changes

    def _logs(self, service: WorldService, parameters: Sequence[Any]) -> list[dict[str, Any]]:
        """eth_getFilterLogs: all events of a filter, not only the new ones."""
        query = self._find(parameters).query
        if query is None:
            raise _not_found()
        return service.execution.run(partial(find_logs, service, query))

    def _uninstall(self, _service: WorldService, parameters: Sequence[Any]) -> bool:
        """eth_uninstallFilter."""
        (identifier,) = exactly(parameters, 1)
        with self._lock:
            return isinstance(identifier, str) and self._filters.pop(identifier, None) is not None

    def _add(self, changes: Callable[[int], tuple[list[Any], int]], mark: int, query: LogQuery | None) -> str:
        limits, now = self._service.limits, self._service.limits.clock()
        identifier = quantity(int(token_hex(IDENTIFIER_BYTES), 16))
        with self._lock:
            for name, each in list(self._filters.items()):
                if now - each.asked > limits.filter_seconds:
                    del self._filters[name]
            if len(self._filters) >= limits.filters:
                raise RpcError(
                    Code.LIMIT, "limit exceeded: too many filters", remedy="Try again later, or subscribe."
                )
            self._filters[identifier] = Filter(changes, mark, query, now)
        return identifier

    def _find(self, parameters: Sequence[Any]) -> Filter:
        (identifier,) = exactly(parameters, 1)
        now = self._service.limits.clock()
        with self._lock:
            found = self._filters.get(identifier) if isinstance(identifier, str) else None
            if found is None or now - found.asked > self._service.limits.filter_seconds:
                raise _not_found()
            found.asked = now
            return found


def new_logs(service: WorldService, query: LogQuery, mark: int) -> tuple[list[dict[str, Any]], int]:
    """The events of new blocks, whole blocks at a time until there are too many; and how far that went.

    Those of blocks that are removed come again, marked as such and in reverse, if they were told.
    """
    blocks, end = service.feed.blocks(mark)
    passing, found = passing_blocks(blocks), list[dict[str, Any]]()
    for place, block in enumerate(blocks):
        here = end - len(blocks) + place
        if len(found) >= service.limits.logs:
            return found, here
        if place in passing:
            continue
        if block.is_removed:
            found += service.told.take_back(block.hash, query)
        elif service.backend.chain.number_of(block.hash) is None:
            return found, here  # its removal comes with the next look
        elif _is_wanted(service, query, block):
            logs = logs_between(service, query, block.number, block.number)
            if any(each["blockHash"] != data(block.hash) for each in logs):
                return found, here
            service.told.note(block.hash, query, logs)
            found += logs
    return found, end


def passing_blocks(blocks: Sequence[NewBlock]) -> set[int]:
    """The places of blocks that came and went within a look, and of their removals: nobody heard of them."""
    came: dict[Digest, int] = {}
    passing: set[int] = set()
    for place, block in enumerate(blocks):
        if not block.is_removed:
            came[block.hash] = place
        elif block.hash in came:
            passing |= {came.pop(block.hash), place}
    return passing


def _is_wanted(service: WorldService, query: LogQuery, block: NewBlock) -> bool:
    """Whether a block is within those that a query names."""
    if query.block_hash is not None:
        return bool(query.block_hash == data(block.hash))
    first = 0 if _is_open(query.first) else block_number(service.backend, query.first)
    last = block.number if _is_open(query.last) else block_number(service.backend, query.last)
    return first <= block.number <= last


def _is_open(name: Any) -> bool:
    """Whether a bound is none for blocks that are new: it is left out, or a tag that moves with them."""
    return name is None or name in TAGS


def _new_hashes(service: WorldService, mark: int) -> tuple[list[str], int]:
    blocks, end = service.feed.blocks(mark)
    return [data(each.hash) for each in blocks if not each.is_removed], end


def _new_transactions(service: WorldService, mark: int) -> tuple[list[str], int]:
    hashes, end = service.feed.transactions(mark)
    return [data(each) for each in hashes], end


def _not_found() -> RpcError:
    return RpcError(
        Code.SERVER, "filter not found", remedy="Install it again: filters that nobody asks are forgotten."
    )
