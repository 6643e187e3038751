"""Searches logs: executes the transactions that may have written those wanted, and no others."""

from collections.abc import Sequence

from anh_rollup.primitives import Address
from anh_rollup.world.answers import PlacedLog
from anh_rollup.world.engine import Log
from anh_rollup.world.execution import Execution
from anh_rollup.world.order_store import OrderStore
from anh_rollup.world.result_store import ResultStore
from anh_rollup.world.strict import Scope

Topics = Sequence[frozenset[bytes] | None]
"""For each place of a topic those wanted; None for any."""


class LogSearch:
    """Logs by place, contract and topics.

    Args:
        order: What the order says.
        results: What was executed.
        execution: Executes the rest.
    """

    def __init__(self, order: OrderStore, results: ResultStore, execution: Execution) -> None:
        self._order = order
        self._results = results
        self._execution = execution

    def logs(self, first: int, last: int, addresses: frozenset[Address], topics: Topics) -> list[PlacedLog]:
        """The logs from one key to another, of some contracts or, without any, of all."""
        prepaid = self._order.prepaid_between(first, last)
        wanted = [key for key, strict in prepaid if not strict or self._may_log(key, addresses)]
        self._execution.settle_transactions(*wanted)
        found = self._results.logs(first, last, addresses)
        return [each for each in found if _matches(each.log, topics)]

    def _may_log(self, key: int, addresses: frozenset[Address]) -> bool:
        """Whether one of the contracts exists for a strict transaction: only then can it log."""
        return not addresses or not addresses.isdisjoint(
            Scope(self._execution.dependencies.run(key)).accounts
        )


def _matches(log: Log, topics: Topics) -> bool:
    if len(log.topics) < len(topics):
        return False
    return all(wanted is None or topic in wanted for topic, wanted in zip(log.topics, topics, strict=False))
