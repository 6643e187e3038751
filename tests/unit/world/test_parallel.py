"""Workers execute what is independent, and nothing else comes of it, whatever happens to them."""

import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings

from anh_rollup.world import execution
from anh_rollup.world.errors import WorldClosedError
from anh_rollup.world.schema import FOUND
from anh_rollup.world.worker import Batch, Outcomes, run_batch
from anh_rollup.world.worker_pool import WorkerPool
from anh_rollup.world.world import World
from tests.doubles.ordering import ALICE, BOB, MALLORY
from tests.doubles.toy_engine import ToyEngine
from tests.doubles.worlds import CONTRACTS, Orders, appended, world_in
from tests.unit.world.test_laziness import ordered, plans

WALLETS = (ALICE, BOB, MALLORY)
COUNT = ["add", 0, 1]


@dataclass
class Elsewhere:
    """A pool in this process that answers in any order, and loses some batches."""

    chance: random.Random = field(default_factory=lambda: random.Random(1))
    lost: float = 0.0
    size: int = 3
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


@settings(max_examples=40, deadline=None)
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


PARENT = """
import sys, time
from anh_rollup.world.worker_pool import WorkerPool
from tests.doubles.toy_engine import ToyEngine
pool = WorkerPool(2, ToyEngine)
pool.start()
print(*pool.processes, flush=True)
try:
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
