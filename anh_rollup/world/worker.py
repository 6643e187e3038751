"""A worker process runs strict transactions, whose whole state it is given, until its parent is gone."""

import os
import signal
from collections.abc import Sequence
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from queue import SimpleQueue
from threading import Thread

from anh_rollup.primitives import Address, Digest
from anh_rollup.world.engine import Account, Block, Engine, Outcome, Reads, Run, Slot, StateReader
from anh_rollup.world.engines import LoadEngine
from anh_rollup.world.errors import WorldError
from anh_rollup.world.strict import Scope


class HashUnknownError(WorldError):
    """A run looked at the hash of a block, and workers are given none.

    Attributes:
        number: The block's height.
    """

    def __init__(self, number: int) -> None:
        super().__init__(f"a worker does not know the hash of block {number}", remedy="Execute it elsewhere.")
        self.number = number


@dataclass(frozen=True, slots=True)
class Task:
    """A strict run with all that exists for it; the state that its engine reads.

    Attributes:
        run: The run.
        block: Where it stands, without the hashes of others.
        accounts: Those of its scope; None where there is none.
        slots: The elements of storage of its scope.
    """

    run: Run
    block: Block
    accounts: dict[Address, Account | None]
    slots: dict[tuple[Address, Slot], int]

    def account(self, address: Address) -> Account | None:
        """An account of the scope."""
        return self.accounts[address]

    def slot(self, address: Address, key: Slot) -> int:
        """An element of the scope."""
        return self.slots[address, key]


Batch = tuple[Task, ...]
"""What a worker is given at once."""

Outcomes = list[Outcome | None]
"""What comes back, task by task; None for one that has to be executed elsewhere."""


def task_of(scope: Scope, block: Block, state: StateReader) -> Task:
    """The task of a strict run on a state."""
    accounts = {address: state.account(address) for address in scope.accounts}
    slots = {place: state.slot(*place) for place in scope.slots}
    return Task(scope.run, replace(block, hash_of=unknown_hash), accounts, slots)


def unknown_hash(number: int) -> Digest:
    """The hash of a block, in a worker.

    Raises:
        HashUnknownError: Always.
    """
    raise HashUnknownError(number)


def run_batch(engine: Engine, batch: Sequence[Task]) -> Outcomes:
    """The outcomes, without what findings do not need: outputs and reads."""
    return [_run(engine, task) for task in batch]


def serve(connection: Connection, load: LoadEngine) -> None:
    """Loads the engine, says so with None, and answers batches until the other end is closed."""
    batches: SimpleQueue[Batch] = SimpleQueue()
    # Whoever sends never waits for what is being executed: both ends could wait for one another.
    Thread(target=_receive, args=(connection, batches), daemon=True).start()
    engine = load()
    connection.send(None)
    while True:
        connection.send(run_batch(engine, batches.get()))


def _receive(connection: Connection, batches: "SimpleQueue[Batch]") -> None:
    """Takes in batches; ends the process, whatever it executes, when nobody waits for it any more."""
    while True:
        try:
            batches.put(connection.recv())
        except (EOFError, OSError):
            os.kill(os.getpid(), signal.SIGKILL)


def _run(engine: Engine, task: Task) -> Outcome | None:
    try:
        outcome = engine.run(task.run, task.block, task, {})
    except HashUnknownError:
        return None
    return replace(outcome, output=b"", reads=Reads())
