"""What a world finds that was killed (signal 9) at any statement: fewer results, and never a wrong one."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.storage.database import Database
from anh_rollup.world.position import Position
from anh_rollup.world.world import World
from tests.doubles.naive_world import NaiveWorld
from tests.doubles.ordering import ALICE, BOB, MALLORY, empty_ledger
from tests.doubles.toy_engine import ToyEngine
from tests.doubles.worlds import CONTRACTS, Orders, appended, world_in

ONE, TWO, *_ = CONTRACTS
POINTS = range(0, 150, 5)
STATEMENTS = ("execute", "execute_many", "_commit")


@pytest.fixture(scope="module")
def orders() -> Orders:
    orders = Orders().fund()
    for number in range(2):
        orders.send(ALICE, ["add", 0, 1], ["log", number], to=ONE, access=((ONE, (0,)),), value=3)
        orders.send(BOB, ["copy", ONE.hex(), 0, 0], ["create"], to=TWO)
        orders.transfer(BOB, ONE, 5)
        orders.send(MALLORY, ["pay", ALICE.address.hex(), 1], to=ONE)
        orders.seal()
    return orders


def killed_at(monkeypatch: pytest.MonkeyPatch, point: int) -> None:
    """Makes this process end before a statement, as the machine's loss would end it."""
    left = [point]

    def watch(name: str) -> None:
        real = getattr(Database, name)

        def watched(self: Database, *arguments: Any) -> Any:
            left[0] -= 1
            if left[0] < 0:
                os.kill(os.getpid(), signal.SIGKILL)
            return real(self, *arguments)

        monkeypatch.setattr(Database, name, watched)

    for name in STATEMENTS:
        watch(name)


def live(folder: Path, orders: Orders, point: int) -> None:
    """A process that appends, is asked, replaces a block, and is asked again."""
    with pytest.MonkeyPatch.context() as patch:
        world = world_in(folder)
        killed_at(patch, point)
        appended(world, orders.blocks)
        world.receipt(2, 0)
        world.balance(ONE, world.behind(world.head))
        world.truncate(3)
        appended(world, orders.blocks[2:])
        world.balance(ONE, world.behind(world.head))


def went_on(folder: Path, orders: Orders) -> World:
    """The world after a restart."""
    world = world_in(folder)
    return appended(world, orders.blocks[world.head :])


def test_whenever_it_is_killed_the_world_answers_right_afterwards(tmp_path: Path, orders: Orders) -> None:
    naive = NaiveWorld(empty_ledger(), ToyEngine())
    for block, origins in orders.blocks:
        naive.append(block, origins)
    exits = set()
    for point in POINTS:
        folder = tmp_path / str(point)
        child = multiprocessing.get_context("fork").Process(target=live, args=(folder, orders, point))
        child.start()
        child.join(60)
        exits.add(child.exitcode)
        world = went_on(folder, orders)
        assert world._ledger == orders.ledger
        for place, moment in naive.moments.items():
            for who in (ALICE.address, BOB.address, ONE, TWO):
                found = world.account(who, Position(*place))
                assert found == (moment.account(who) or type(found)())
        assert [each.log for each in world.logs(0, 3, frozenset())] == [log for _, log in naive.logs]
        assert world.executed <= len(naive.runs)
    assert exits == {-signal.SIGKILL, 0}
