"""eth_subscribe: what one WebSocket client follows."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from secrets import token_hex
from typing import Any, Final

import orjson

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import Code, RpcError, invalid_params
from anh_rollup.rpc.ethereum import Handler
from anh_rollup.rpc.logs import LogQuery, read_kept_query
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import quantity

IDENTIFIER_BYTES: Final = 16
"""Bytes of a subscription's id (as in Ethereum's clients)."""


class Topic(StrEnum):
    """What can be followed, by the names that clients use."""

    HEADS = "newHeads"
    LOGS = "logs"
    TRANSACTIONS = "newPendingTransactions"
    SYNCING = "syncing"


@dataclass(slots=True)
class Subscription:
    """What a client follows.

    Attributes:
        identifier: Its id.
        topic: What it is about.
        mark: For events, the feed's number of the next block to look at.
        query: For events, which.
    """

    identifier: str
    topic: Topic
    mark: int = 0
    query: LogQuery | None = None

    def message(self, result: Any) -> bytes:
        """The notification that carries something new."""
        parameters = {"subscription": self.identifier, "result": result}
        return orjson.dumps({"jsonrpc": "2.0", "method": "eth_subscription", "params": parameters})


class Subscriptions:
    """The subscriptions of one client. One becomes active when the answer with its id is on its way.

    Args:
        service: The node.
        most: How many there may be.
    """

    def __init__(self, service: WorldService, most: int) -> None:
        self._service = service
        self._most = most
        self._new: dict[str, Subscription] = {}
        self._active: dict[str, Subscription] = {}

    @property
    def methods(self) -> Mapping[str, Handler]:
        """The methods that the client uses them with."""
        return {"eth_subscribe": self._subscribe, "eth_unsubscribe": self._unsubscribe}

    def activate(self) -> None:
        """Makes the new ones active."""
        self._active.update(self._new)
        self._new.clear()

    def about(self, topic: Topic) -> list[Subscription]:
        """The active ones of a topic."""
        return [each for each in tuple(self._active.values()) if each.topic is topic]

    def _subscribe(self, _backend: Backend, parameters: Sequence[Any]) -> str:
        """eth_subscribe."""
        name, wanted = exactly(parameters, 1, 2)
        if len(self._active) + len(self._new) >= self._most:
            raise RpcError(
                Code.LIMIT,
                f"limit exceeded: {self._most} subscriptions of one connection",
                remedy="End one with eth_unsubscribe.",
            )
        topic = _topic(name)
        identifier = quantity(int(token_hex(IDENTIFIER_BYTES), 16))
        self._new[identifier] = self._made(identifier, topic, wanted)
        return identifier

    def _made(self, identifier: str, topic: Topic, wanted: Any) -> Subscription:
        if topic is not Topic.LOGS:
            if wanted not in (None, False):
                raise invalid_params(f"{topic} has no second parameter; whole transactions are not sent")
            return Subscription(identifier, topic)
        query = read_kept_query({} if wanted is None else wanted)
        if query.names_blocks:
            raise invalid_params("a subscription has no blocks; ask eth_getLogs for earlier events")
        mark, _ = self._service.feed.marks()
        return Subscription(identifier, topic, mark, query)

    def _unsubscribe(self, _backend: Backend, parameters: Sequence[Any]) -> bool:
        """eth_unsubscribe."""
        (identifier,) = exactly(parameters, 1)
        if not isinstance(identifier, str):
            raise invalid_params("the subscription's id is a text")
        found = [held.pop(identifier, None) for held in (self._new, self._active)]
        if found == [None, None]:
            raise RpcError(Code.SERVER, "subscription not found", remedy="Take the id of eth_subscribe.")
        return True


def _topic(name: Any) -> Topic:
    if not isinstance(name, str) or name not in tuple(Topic):
        raise invalid_params(f"a subscription is one of {', '.join(Topic)}")
    return Topic(name)
