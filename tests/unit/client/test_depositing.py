"""`anh deposit`: what is sent to L1, and how long it waits for the L2."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from anh_rollup.client import ordering
from anh_rollup.client.depositing import make_deposit
from anh_rollup.primitives import ETHER, Wei
from tests.doubles.memory_l1 import OWNER


class Place:
    """An L1 that takes deposits, and an L2 that has them after some looks."""

    address = OWNER

    def __init__(self, held: int, looks: int) -> None:
        self.held, self.looks, self.waiting = held, looks, 0
        self.told = list[str]()

    def deposit(self, to: str, amount: Wei) -> tuple[str, Wei]:
        return to, amount

    def send(self, request: tuple[str, Wei]) -> Any:
        assert request[0] == OWNER
        self.waiting += request[1]
        return SimpleNamespace(transaction=b"\x17" * 32)

    def cleared(self, address: str) -> int:
        assert address == OWNER
        self.looks -= self.waiting > 0
        return self.held + (self.waiting if self.looks <= 0 else 0)

    def run(self, l2: bool = True) -> None:
        place = cast(Any, self)
        make_deposit(place, place, place if l2 else None, Wei(ETHER), self.told.append)


@pytest.fixture(autouse=True)
def no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ordering.time, "sleep", lambda _seconds: None)


@pytest.mark.parametrize("held", [0, 5 * ETHER])
def test_it_waits_until_the_l2_has_more_than_before(held: int) -> None:
    place = Place(held, looks=3)
    place.run()
    assert (place.waiting, place.looks) == (ETHER, 0)
    assert place.told[0] == f"1.000000 ETH are deposited for {OWNER} by L1 transaction 0x{'17' * 32}"
    assert place.told[1].startswith(f"the account has {held // ETHER + 1}.000000 ETH of cleared money")


def test_without_an_l2_it_ends_with_the_transaction_on_l1() -> None:
    place = Place(0, looks=3)
    place.run(l2=False)
    assert (place.waiting, place.looks, len(place.told)) == (ETHER, 3, 1)
