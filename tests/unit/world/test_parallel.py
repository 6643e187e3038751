"""Workers execute what is independent, and nothing else comes of it, whatever happens to them."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from anh_rollup.primitives import Address
from anh_rollup.protocol.ledger import DNN
from anh_rollup.world import execution
from anh_rollup.world.engine import Account, Changes, Outcome
from anh_rollup.world.errors import EngineUnsoundError, ResultMissingError, WorldClosedError
from anh_rollup.world.position import Position
from anh_rollup.world.schema import FOUND
from anh_rollup.world.worker import Batch, Outcomes, run_batch
from anh_rollup.world.worker_pool import WorkerPool
from anh_rollup.world.world import World
from tests.doubles.ordering import ALICE, BOB, MALLORY
from tests.doubles.toy_engine import ToyEngine
from tests.doubles.worlds import CONTRACTS, Cells, Orders, appended, world_in
from tests.unit.world.test_laziness import ordered, plans

WALLETS = (ALICE, BOB, MALLORY)
COUNT = ["add", 0, 1]


@dataclass
class Elsewhere:
    """A pool in this process that answers in any order, and loses some batches."""

    chance: random.Random = field(default_factory=lambda: random.Random(1))
    lost: float = 0.0
    working: int = 3
    sent: int = 0
    closed: bool = False
    out: dict[int, Batch] = field(default_factory=dict)

    def room(self) -> int:
        return self.chance.randint(0, 2)

    def send(self, number: int, batch: Batch) -> None:
        self.sent += len(batch)
        self.out[number] = batch

    def answers(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        known = list(self.out)
        least = 1 if patient and known else 0
        chosen = self.chance.sample(known, self.chance.randint(least, len(known)))
        return [(number, self._outcomes(self.out.pop(number))) for number in chosen]

    def _outcomes(self, batch: Batch) -> Outcomes:
        return [None] * len(batch) if self.chance.random() < self.lost else run_batch(ToyEngine(), batch)

    def forget(self) -> None:
        self.out.clear()

    def close(self) -> None:
        self.closed = True


@pytest.fixture(scope="module")
def workers() -> Iterator[WorkerPool]:
    pool = WorkerPool(2, ToyEngine)
    started(pool)
    yield pool
    pool.close()


@pytest.fixture(autouse=True)
def _small_rounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(execution, "FEWEST", 2)


def started(pool: WorkerPool) -> WorkerPool:
    """The pool when all its workers have come to work."""
    pool.start()
    return pool


def found(world: World) -> dict[str, list[tuple[Any, ...]]]:
    """All that executions have put into the tables."""
    return {table: sorted(world._database.query(f"SELECT * FROM {table}")) for table in FOUND}


def crowd(blocks: int = 4) -> Orders:
    """Strict transactions, some of which depend on one another, and one behind them that is not."""
    orders = Orders().fund()
    for number in range(blocks):
        for at, wallet in enumerate(WALLETS):
            own, other = CONTRACTS[at], CONTRACTS[(at + number) % 4]
            access = ((own, (0, 1)), (other, (0,)))
            orders.send(wallet, COUNT, ["copy", other.hex(), 0, 1], ["log", at], to=own, access=access)
        orders.seal()
    orders.send(ALICE, COUNT, to=CONTRACTS[3])
    orders.seal()
    return orders


def serial(folder: Path, orders: Orders) -> dict[str, list[tuple[Any, ...]]]:
    """What is found where everything is executed here, in order."""
    world = appended(world_in(folder / "serial"), orders.blocks)
    world.receipt(world.head, 0)
    return found(world)


@settings(max_examples=25, deadline=None)
@given(plans)
def test_a_pool_that_answers_in_any_order_finds_what_is_found_in_order(plan: list[Any]) -> None:
    orders = ordered(plan)
    orders.send(ALICE, COUNT)
    orders.seal()
    with tempfile.TemporaryDirectory() as folder:
        pool = Elsewhere(lost=0.2)
        world = appended(world_in(Path(folder), pool=pool), orders.blocks)
        world.receipt(world.head, 0)
        assert found(world) == serial(Path(folder), orders)


def test_worker_processes_find_what_is_found_in_order(tmp_path: Path, workers: WorkerPool) -> None:
    orders = crowd(12)
    engine = ToyEngine()
    world = appended(world_in(tmp_path, engine, pool=workers), orders.blocks)
    world.receipt(world.head, 0)
    assert found(world) == serial(tmp_path, orders)
    assert world.executed == 37
    assert engine.runs < 37


def test_workers_that_are_killed_are_replaced_and_their_work_is_done_again(tmp_path: Path) -> None:
    orders, pool = crowd(6), started(WorkerPool(2, ToyEngine))
    first = pool.processes
    for number in first:
        os.kill(number, signal.SIGKILL)
    world = appended(world_in(tmp_path, pool=pool), orders.blocks)
    world.receipt(world.head, 0)
    assert found(world) == serial(tmp_path, orders)
    assert set(started(pool).processes).isdisjoint(first)
    world.close()


def test_closing_leaves_no_process_behind(tmp_path: Path) -> None:
    pool = started(WorkerPool(2, ToyEngine))
    processes = pool.processes
    world = appended(world_in(tmp_path, pool=pool), crowd().blocks)
    world.close()
    with pytest.raises(WorldClosedError):
        world.receipt(world.head, 0)
    assert [number for number in processes if Path(f"/proc/{number}").exists()] == []


# --- what ends a round ---


@dataclass
class Interfering(Elsewhere):
    """Does something when it is first asked for answers, and something to each outcome."""

    act: Callable[[], None] = lambda: None
    change: Callable[[Outcome], Outcome] = lambda outcome: outcome
    forgot: int = 0

    def room(self) -> int:
        return 2

    def answers(self, *, patient: bool) -> list[tuple[int, Outcomes]]:
        act, self.act = self.act, lambda: None
        act()
        found = super().answers(patient=patient)
        return [(number, [each and self.change(each) for each in outcomes]) for number, outcomes in found]

    def forget(self) -> None:
        super().forget()
        self.forgot += 1


def test_what_waits_ends_a_round_where_it_ends_execution_in_order(tmp_path: Path) -> None:
    orders = Orders().fund()
    for number in range(6):
        for at, wallet in enumerate(WALLETS):
            asks = [["ask", "cell"]] if (number, at) == (3, 1) else []
            listed = ((DNN, ()),) if asks else ()
            orders.send(wallet, COUNT, *asks, to=CONTRACTS[at], access=((CONTRACTS[at], (0,)), *listed))
        orders.seal()
    orders.send(ALICE)
    orders.seal()
    worlds = [
        appended(world_in(tmp_path / name, systems=Cells().systems, pool=pool), orders.blocks)
        for name, pool in (("serial", None), ("parallel", Elsewhere()))
    ]
    for world in worlds:
        with pytest.raises(ResultMissingError):
            world.receipt(world.head, 0)
        assert world.executed == 10
        assert world.waiting() == {Position(5, 1): b"cell"}
    assert found(worlds[0]) == found(worlds[1])


def test_an_order_that_is_replaced_during_a_round_is_asked_again(tmp_path: Path) -> None:
    def replace_order() -> None:
        world.truncate(3)
        appended(world, orders.blocks[2:])

    orders, pool = crowd(), Interfering(act=replace_order)
    world = appended(world_in(tmp_path, pool=pool), orders.blocks)
    world.receipt(world.head, 0)
    assert found(world) == serial(tmp_path, orders)
    assert pool.forgot == 1


def test_a_closed_world_ends_a_round(tmp_path: Path) -> None:
    pool = Interfering()
    world = appended(world_in(tmp_path, pool=pool), crowd().blocks)
    pool.act = world.close
    with pytest.raises(WorldClosedError):
        world.receipt(world.head, 0)
    assert (pool.closed, pool.out) == (True, {})


def test_what_a_worker_may_not_find_out_is_refused(tmp_path: Path) -> None:
    stranger = Address(b"\x11" * 20)
    unsound = Changes({stranger: Account(balance=1)})
    pool = Interfering(change=lambda outcome: replace(outcome, changes=unsound))
    world = appended(world_in(tmp_path, pool=pool), crowd().blocks)
    with pytest.raises(EngineUnsoundError):
        world.receipt(world.head, 0)
    assert world.balance(stranger, world.behind(1)).total == 0
    assert pool.forgot == 1


# --- processes ---


class Endless(ToyEngine):
    """Never comes back."""

    def __init__(self) -> None:
        super().__init__(lambda _run: time.sleep(3_600))


def broken() -> ToyEngine:
    """An engine that cannot be loaded."""
    raise SystemExit


class Slow(ToyEngine):
    """Takes its time."""

    def __init__(self) -> None:
        super().__init__(lambda _run: time.sleep(0.03))


def test_workers_may_be_killed_again_and_again_while_they_work(tmp_path: Path) -> None:
    orders, pool, killed = crowd(24), started(WorkerPool(2, Slow)), []
    world = appended(world_in(tmp_path, Slow(), pool=pool), orders.blocks)
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(world.receipt, world.head, 0)
        while not asking.done():
            busy = {worker.process.pid or 0 for worker in list(pool._workers) if worker.batches}
            for number in list(busy.difference(killed))[: len(killed) < 4]:
                os.kill(number, signal.SIGKILL)
                killed.append(number)
            time.sleep(0.02)
        asking.result()
    assert found(world) == serial(tmp_path, orders)
    assert len(killed) > 1
    world.close()


def test_closing_waits_for_no_transaction(tmp_path: Path) -> None:
    pool = started(WorkerPool(1, Endless))
    processes = pool.processes
    world = appended(world_in(tmp_path, pool=pool), crowd().blocks)
    with ThreadPoolExecutor(1) as threads:
        asking = threads.submit(world.receipt, world.head, 0)
        while not pool._workers[0].batches:
            time.sleep(0.01)
        world.close()
        with pytest.raises(WorldClosedError):
            asking.result(60)
    assert [number for number in processes if Path(f"/proc/{number}").exists()] == []


def test_workers_that_cannot_start_are_not_replaced(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pool = started(WorkerPool(2, broken))
    assert (pool.processes, pool.working, pool.room()) == ([], 0, 0)
    assert [record.levelname for record in caplog.records] == ["ERROR", "ERROR"]
    orders = crowd()
    world = appended(world_in(tmp_path, pool=pool), orders.blocks)
    world.receipt(world.head, 0)
    assert found(world) == serial(tmp_path, orders)
    pool.close()


PARENT = """
import signal, sys, time
from anh_rollup.world.worker_pool import WorkerPool
from tests.doubles.toy_engine import ToyEngine
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job begins without
pool = WorkerPool(2, ToyEngine)
pool.start()
try:
    print(*pool.processes, flush=True)
    time.sleep(120)
except KeyboardInterrupt:
    sys.exit("interrupted")
"""


@pytest.mark.parametrize(
    ("number", "code", "said"), [(signal.SIGKILL, -9, b""), (signal.SIGINT, 1, b"interrupted\n")]
)
def test_workers_end_with_their_parent_and_say_nothing(number: int, code: int, said: bytes) -> None:
    with subprocess.Popen(
        [sys.executable, "-c", PARENT], stdout=subprocess.PIPE, stderr=subprocess.PIPE, start_new_session=True
    ) as parent:
        assert parent.stdout is not None
        workers = [int(word) for word in parent.stdout.readline().split()]
        send = os.killpg if number == signal.SIGINT else os.kill  # a terminal interrupts the whole group
        send(parent.pid, number)
        _, errors = parent.communicate(timeout=60)
    assert (len(workers), parent.returncode, errors) == (2, code, said)
    until = time.monotonic() + 60
    while any(Path(f"/proc/{each}").exists() for each in workers):
        assert time.monotonic() < until, "a worker outlives its parent"
        time.sleep(0.05)
