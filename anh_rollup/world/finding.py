"""What an account has, what came of a transaction, and what both depend on."""

from anh_rollup.primitives import Address, Gas
from anh_rollup.world.answers import Balance, Kind, Receipt
from anh_rollup.world.dependencies import Closure
from anh_rollup.world.errors import OrderReplacedError
from anh_rollup.world.execution import Execution
from anh_rollup.world.order_store import Ordered, OrderStore
from anh_rollup.world.position import Position, account_item
from anh_rollup.world.result_store import ResultStore


class Finder:
    """Finds answers; executes what they depend on.

    Args:
        order: What the order says.
        results: What was executed.
        execution: Executes the rest.
    """

    def __init__(self, order: OrderStore, results: ResultStore, execution: Execution) -> None:
        self._order = order
        self._results = results
        self._execution = execution

    def balance(self, address: Address, key: int) -> Balance:
        """What an account has behind a key."""
        items = [account_item(address)]
        self._execution.settle(items, key)
        final = self._order.final_end
        closure = self._execution.dependencies.of_items(items, key, lambda each: each <= final)
        cleared = self._order.account(address, key).cleared
        return Balance(cleared, self._results.holding(address, key).uncleared, self._cost(closure, final))

    def receipt(self, key: int) -> Receipt | None:
        """What came of a transaction; None where there is none."""
        ordered = self._order.ordered(key)
        if ordered is None:
            return None
        return self._plain(key, ordered) if ordered.strict is None else self._executed(key)

    def closure(self, key: int) -> list[Position]:
        """What a transaction depends on, in order, the transaction itself last."""
        ordered = self._order.ordered(key)
        if ordered is None or ordered.strict is None:
            return [Position.of_key(key)]
        closure = self._execution.dependencies.of_transactions([key], lambda _: False)
        before = [each for each, _ in self._order.prepaid_between(0, closure.everything_until)]
        return [Position.of_key(each) for each in (*before, *closure.strict)]

    def _cost(self, closure: Closure, final: int) -> Gas:
        """Gas used by the transactions of a closure that are not final."""
        gas = self._results.gas_between(final + 1, closure.everything_until)
        return Gas(gas + sum(self._results.gas_between(each, each) for each in closure.strict))

    def _plain(self, key: int, ordered: Ordered) -> Receipt:
        status = ordered.kind is not Kind.SKIPPED
        return Receipt(Position.of_key(key), ordered.kind, status, Gas(ordered.gas), ordered.price)

    def _executed(self, key: int) -> Receipt:
        self._execution.settle_transactions(key)
        result = self._results.result(key)
        if result is None:
            raise OrderReplacedError
        return Receipt(
            position=Position.of_key(key),
            kind=Kind.PREPAID,
            status=result.succeeded,
            gas_used=result.gas_used,
            effective_price=self._execution.dependencies.run(key).gas_price,
            created=result.created,
            logs=tuple([each.log for each in self._results.logs(key, key)]),
        )
