"""What one thread has read of L1 is what others ask."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from anh_rollup.l1.errors import BlobsUnavailableError
from anh_rollup.l1.ledger_docket import LedgerDocket
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.ledger_watch import LedgerWatch
from anh_rollup.primitives import Address, BlockNumber, Wei
from anh_rollup.protocol.machine.tree import LedgerTree
from tests.doubles.ledger_snapshot import CONTRACT, NEIGHBOUR, snapshot

ACCOUNT = Address(b"\x31" * 20)
STRANGER = Address(b"\x32" * 20)


class FakeView:
    """A view whose docket and final claim a test sets."""

    claims = CONTRACT

    def __init__(self) -> None:
        self.known = snapshot(ACCOUNT, withdrawn=9, paid=0)
        self.docket = LedgerDocket({each.identifier: each for each in self.known.claims})
        self.is_away = False
        self.is_final = False
        self.asked: list[int] = []
        self.past = SimpleNamespace(state=self._state)

    def refresh(self) -> None:
        if self.is_away:
            raise BlobsUnavailableError(BlockNumber(3), "gone")

    def final(self) -> Any:
        return self.known.final if self.is_final else None

    def _state(self, batch: int) -> Any:
        self.asked.append(batch)
        return SimpleNamespace(tree=self.known.tree)


def test_it_knows_nothing_before_its_first_look() -> None:
    assert LedgerWatch(cast(LedgerView, FakeView())).latest is None


def test_it_takes_over_claims_payments_and_the_ledger_of_the_final_claim() -> None:
    view = FakeView()
    watch = LedgerWatch(cast(LedgerView, view))
    watch.look()
    assert watch.latest is not None
    assert (watch.latest.final, watch.latest.tree, view.asked) == (None, LedgerTree(), [])
    view.is_final = True
    view.docket.paid["0x" + "31" * 20] = Wei(2)
    watch.look()
    assert (watch.latest.claims, watch.latest.final) == (view.known.claims, view.known.final)
    assert (watch.latest.tree, view.asked) == (view.known.tree, [3])
    payable = [watch.latest.payable(each) for each in (ACCOUNT, NEIGHBOUR, STRANGER)]
    assert payable == [7, 0, 0]
    found = [watch.latest.withdrawal(each) is None for each in (ACCOUNT, NEIGHBOUR, STRANGER)]
    assert found == [False, True, True]


def test_what_was_read_before_stays_where_a_look_fails() -> None:
    view = FakeView()
    watch = LedgerWatch(cast(LedgerView, view))
    watch.look()
    before = watch.latest
    view.is_away = True
    with pytest.raises(BlobsUnavailableError):
        watch.look()
    assert watch.latest is before
