"""What is new, told to every WebSocket client that follows it."""

import asyncio
import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Final

from anh_rollup.errors import AnhError
from anh_rollup.rpc.feed import NewBlock
from anh_rollup.rpc.filters import new_logs
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.subscriptions import Subscription, Topic
from anh_rollup.rpc.websocket_client import Connection
from anh_rollup.rpc.wire import block_object, data
from anh_rollup.rpc.world_methods import syncing

LOG = logging.getLogger(__name__)

NOT_OF_A_HEADER: Final = (
    *("transactions", "uncles", "size", "totalDifficulty"),
    *("l1OriginNumber", "l1OriginHash", "orderedGas"),
)
"""Members of a block that Ethereum's headers have not: clients tell by its members what a notification is."""


class Hub:
    """Looks for what is new, in two rows: events may take executing, and hold up nothing else.

    Args:
        service: The node.
        interval: Seconds between two looks.
    """

    def __init__(self, service: WorldService, interval: float) -> None:
        self.connections: set[Connection] = set()
        self._service = service
        self._interval = interval
        self._threads = ThreadPoolExecutor(2, "subscriptions")
        self._marks = service.feed.marks()
        self._syncing = syncing(service, [])

    async def run(self) -> None:
        """Works until it is cancelled."""
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._repeat(self.tell_news))
                group.create_task(self._repeat(self.tell_logs))
        finally:
            self._threads.shutdown(wait=False, cancel_futures=True)

    async def tell_news(self) -> None:
        """Tells new heads, new transactions, and a change of whether the node is syncing."""
        if not self.connections:
            self._marks = await self._in_thread(self._service.feed.marks)
            return
        heads, hashes, state = await self._in_thread(self._look)
        for head in heads:
            await self._tell(Topic.HEADS, head)
        for each in hashes:
            await self._tell(Topic.TRANSACTIONS, each)
        for each in state:
            await self._tell(Topic.SYNCING, each)

    async def tell_logs(self) -> None:
        """Tells new events; what cannot be executed now is tried again with the next look."""
        for connection in tuple(self.connections):
            for each in connection.subscriptions.about(Topic.LOGS):
                for found in await self._in_thread(partial(self._events, each)):
                    await connection.notify(each.message(found))

    async def _repeat(self, work: Any) -> None:
        while True:
            try:
                await work()
            except AnhError as error:
                LOG.warning("subscriptions wait: %s; next: %s", error.message, error.remedy)
            await asyncio.sleep(self._interval)

    async def _in_thread(self, work: Any) -> Any:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _tell(self, topic: Topic, result: Any) -> None:
        for connection in tuple(self.connections):
            for each in connection.subscriptions.about(topic):
                await connection.notify(each.message(result))

    def _look(self) -> tuple[list[dict[str, Any]], list[str], list[Any]]:
        feed, (block, transaction) = self._service.feed, self._marks
        blocks, block = feed.blocks(block)
        hashes, transaction = feed.transactions(transaction)
        self._marks = (block, transaction)
        before, self._syncing = self._syncing, syncing(self._service, [])
        changed = before != self._syncing
        state = self._syncing if not self._syncing else {"syncing": True, "status": self._syncing}
        return self._headers(blocks), [data(each) for each in hashes], [state] if changed else []

    def _headers(self, blocks: Sequence[NewBlock]) -> list[dict[str, Any]]:
        """The headers of those blocks that are still the chain's."""
        chain, found = self._service.backend.chain, []
        for each in blocks:
            block = chain.block(each.number)
            if block is not None and block.hash == each.hash and not each.is_removed:
                shown = block_object(block.header, block, block.ordered_gas, full=False)
                found.append({name: shown[name] for name in shown if name not in NOT_OF_A_HEADER})
        return found

    def _events(self, subscription: Subscription) -> list[dict[str, Any]]:
        if subscription.query is None:
            return []
        look = partial(new_logs, self._service, subscription.query, subscription.mark)
        try:
            found, subscription.mark = self._service.execution.run(look)
        except AnhError as error:
            LOG.info("events wait: %s", error.message)
            return []
        return found
