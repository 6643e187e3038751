"""Worker processes find out what the engine finds out here, on transactions of deployed contracts."""

from copy import deepcopy
from dataclasses import replace
from random import Random

from anh_rollup.world.engine import Account, Outcome, Reads
from anh_rollup.world.engines import load_engine
from anh_rollup.world.strict import STRICT_MARKER, Scope
from anh_rollup.world.worker import Batch, Task, task_of
from anh_rollup.world.worker_pool import WorkerPool
from tests.differential.comparing import _damaged, _needed, _prepaid
from tests.differential.transactions import Transactions, deployed
from tests.doubles.state import block

COUNT = 240
BATCH = 8


def tasks() -> Batch:
    """Strict transactions on one another's state, with the list that each needs, or nearly so."""
    random = Random("workers")
    world = deepcopy(deployed())
    made, transactions, engine = [], Transactions(world, random), load_engine()
    for number in range(COUNT):
        here = block(1_000 + number)
        run = transactions.run(here)
        before = _prepaid(world.state, run)
        free = engine.run(run, here, before, {})
        listed = _damaged(_needed(run, free), random)
        strict = replace(run, access_list=((STRICT_MARKER, ()), *listed), is_strict=True)
        made.append(task_of(Scope(replace(strict, gas_limit=run.gas_limit + 200_000)), here, before))
        world.state.apply(free.changes)
        sender = world.state.accounts.get(run.sender, Account())
        world.state.accounts[run.sender] = replace(sender, nonce=run.nonce + 1)
        world.seen(free)
    return tuple(made)


def found_here(task: Task, number: int) -> Outcome:
    """What comes of a task in this process, where the hashes of blocks are known."""
    here = replace(task.block, hash_of=block(1_000 + number).hash_of)
    outcome = load_engine().run(task.run, here, task, {})
    return replace(outcome, output=b"", reads=Reads())


def test_workers_find_out_what_is_found_out_here() -> None:
    made, pool, out, came = tasks(), WorkerPool(1), list(range(0, COUNT, BATCH)), {}
    pool.start()
    try:
        while out or len(came) < COUNT:
            while out and pool.room():
                start = out.pop(0)
                pool.send(start, made[start : start + BATCH])
            for start, outcomes in pool.answers(patient=True):
                came.update(enumerate(outcomes, start))
    finally:
        pool.close()
    known = {number: outcome for number, outcome in came.items() if outcome is not None}
    assert known == {number: found_here(made[number], number) for number in known}
    assert len(known) > COUNT * 9 // 10
    assert COUNT // 5 < sum(outcome.succeeded for outcome in known.values()) < COUNT * 4 // 5
