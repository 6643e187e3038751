"""A world that is asked from several threads while its order grows and is replaced."""

import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from anh_rollup.world.engine import Run
from anh_rollup.world.errors import ResultMissingError, UnknownPositionError
from anh_rollup.world.position import Position
from tests.doubles.ordering import ALICE, BOB
from tests.doubles.toy_engine import ToyEngine
from tests.doubles.worlds import CONTRACTS, Cells, Orders, appended, world_in

ONE, TWO, *_ = CONTRACTS
COUNT = ["add", 0, 1]
BLOCKS = 12


@pytest.fixture(scope="module")
def orders() -> Orders:
    orders = Orders().fund()
    for _ in range(BLOCKS):
        orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
        orders.send(BOB, COUNT, to=TWO, access=((TWO, (0,)),))
        orders.seal()
    return orders


def test_a_transaction_that_several_threads_need_is_executed_once(tmp_path: Path, orders: Orders) -> None:
    engine = ToyEngine()
    world = appended(world_in(tmp_path, engine), orders.blocks)
    head = world.behind(world.head)
    with ThreadPoolExecutor(4) as threads:
        found = list(threads.map(lambda who: world.slot(who, 0, head), [ONE, TWO] * 4))
    assert found == [BLOCKS] * 8
    assert world.executed == engine.runs == 2 * BLOCKS


def test_answers_stay_right_while_the_order_is_replaced(tmp_path: Path, orders: Orders) -> None:
    world = appended(world_in(tmp_path), orders.blocks)
    done = threading.Event()

    def ask(contract: bytes) -> int:
        asked = 0
        while not done.is_set():
            number = 2 + asked % BLOCKS
            try:
                assert world.slot(CONTRACTS[contract[0] - 0xC0], 0, Position(number, 1)) in (0, number - 1)
                assert world.slot(ONE, 0, world.behind(number)) == number - 1
                asked += 1
            except UnknownPositionError:
                pass
        return asked

    with ThreadPoolExecutor(3) as threads:
        asking = [threads.submit(ask, each) for each in (ONE, TWO, ONE)]
        for number in (3, 7, 2, 9, 4, 11) * 3:
            with world.transaction():
                world.truncate(number)
                appended(world, orders.blocks[number - 1 :])
        done.set()
        assert sum(each.result(60) for each in asking) > 0


def test_an_order_that_is_replaced_during_a_call_is_asked_again(tmp_path: Path, orders: Orders) -> None:
    def replace_once(run: Run) -> None:
        if not replaced:
            replaced.append(True)
            world.truncate(2)
            other.send(ALICE, ["add", 0, 50], to=ONE)
            other.seal()
            appended(world, other.blocks[1:])

    replaced: list[bool] = []
    other = Orders().fund()
    world = appended(world_in(tmp_path, ToyEngine(replace_once)), orders.blocks[:2])
    assert world.slot(ONE, 0, world.behind(2, 0)) == 50


def test_appending_goes_on_while_something_is_executed(tmp_path: Path, orders: Orders) -> None:
    inside, appended_meanwhile = threading.Event(), threading.Event()

    def wait(run: Run) -> None:
        inside.set()
        assert appended_meanwhile.wait(30)

    world = appended(world_in(tmp_path, ToyEngine(wait)), orders.blocks[:2])
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(world.slot, ONE, 0, world.behind(2))
        assert inside.wait(30)
        appended(world, orders.blocks[2:])
        appended_meanwhile.set()
        assert asking.result(30) == 1
    assert world.head == BLOCKS + 1


def test_a_call_waits_like_a_transaction(tmp_path: Path, orders: Orders) -> None:
    cells = Cells()
    world = appended(world_in(tmp_path, systems=cells.systems), orders.blocks)
    run = Run(ALICE.address, 9, ONE, 0, b'[["ask", "cell"]]', 100_000, 0)  # type: ignore[arg-type]
    with pytest.raises(ResultMissingError):
        world.call(run, world.behind(2))
    assert world.waiting() == {}
    cells.known.add(b"cell")
    assert world.call(run, world.behind(2)).succeeded
