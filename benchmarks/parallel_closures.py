"""What workers save where transactions are independent: `python -m benchmarks.parallel_closures`.

Accounts deploy a contract each and call it, strictly. A search of all logs executes them all: in this process
alone, and with as many workers as there are other cores, in turn. Light calls add one to an element; heavy
ones hash twenty thousand times before. The clock counts what else runs on the machine, too; the busiest
process's own time is what the clock would show if nothing did.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from anh_rollup.primitives import Gas
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.ledger import Origin
from anh_rollup.world.engines import load_engine
from anh_rollup.world.worker_pool import HERE, Engines, WorkerPool
from benchmarks.laziness import Scale, blocks_of, world_in
from benchmarks.report import Figure, show

HASHES = 20_000
NANOSECONDS = 1e9

PAIRS = 5
"""A ratio is the median of so many."""

MOST_SHARE = 0.75
"""Wanted of heavy transactions with one worker: half the time, and some to hand them out."""

_LOOP = bytes.fromhex(f"61{HASHES:04x}5b6020600020600052600190038060035760005460010160005500")

HASHER = bytes.fromhex(f"60{len(_LOOP):02x}600c60003960{len(_LOOP):02x}6000f3") + _LOOP
"""Init code of a contract that hashes, and then adds one to its element 0."""

LIGHT = Scale(contracts=1_000, calls=2)
HEAVY = Scale(contracts=200, calls=2, code=HASHER, gas=Gas(3_000_000))


@dataclass(frozen=True, slots=True)
class Taken:
    """What a question took.

    Attributes:
        clock: Seconds from the question to the answer.
        busiest: Seconds of processor time of the process that worked most.
    """

    clock: float
    busiest: float


def started() -> WorkerPool:
    """A worker for each core but one, at least one; all of them are waiting for work."""
    pool = WorkerPool(max(1, len(os.sched_getaffinity(0)) - 1))
    pool.start()
    return pool


def processor_seconds(pool: WorkerPool | None) -> list[float]:
    """Processor time of this process and of each worker so far."""
    kept = [Path(f"/proc/{each}/schedstat") for each in ([] if pool is None else pool.processes)]
    return [time.process_time(), *(int(each.read_text().split()[0]) / NANOSECONDS for each in kept)]


def asked(blocks: Sequence[tuple[L2Block, Origin]], pool: WorkerPool | None) -> Taken:
    """Asks a fresh world for all logs."""
    with tempfile.TemporaryDirectory() as folder:
        world = world_in(Path(folder), HERE if pool is None else Engines(pool=pool))
        with world.transaction():
            for block, origin in blocks:
                world.append(block, [origin])
        begun, before = time.perf_counter(), processor_seconds(pool)
        world.logs(0, world.head, frozenset())
        clock, after = time.perf_counter() - begun, processor_seconds(pool)
        if world.executed != sum(len(block.transactions) for block, _ in blocks):
            raise SystemExit(f"{world.executed} transactions were executed")
        return Taken(clock, max(end - start for start, end in zip(before, after, strict=True)))


def measure(name: str, scale: Scale, pool: WorkerPool, target: float | None) -> list[Figure]:
    """What a question takes with workers over what it takes without."""
    blocks = list(blocks_of(scale))
    pairs = [(asked(blocks, pool), asked(blocks, None)) for _ in range(PAIRS)]
    busiest = statistics.median(shared.busiest / alone.busiest for shared, alone in pairs)
    clock = statistics.median(shared.clock / alone.clock for shared, alone in pairs)
    rate = scale.contracts * scale.calls / min(alone.busiest for _, alone in pairs)
    title = f"{scale.contracts * scale.calls:,} independent {name} transactions"
    ratio = f"{title}: with {pool.size} worker(s) over without, median of {PAIRS} pairs"
    return [
        Figure(f"{title}: without workers", "a second of processor time", round(rate)),
        Figure(f"{ratio}, processor time of the busiest process", "times as long", round(busiest, 3), target),
        Figure(f"{ratio}, clock", "times as long", round(clock, 3)),
    ]


def main() -> None:
    """Measures light and heavy transactions."""
    load_engine()
    pool = started()
    show([*measure("light", LIGHT, pool, None), *measure("heavy", HEAVY, pool, MOST_SHARE)])
    pool.close()


if __name__ == "__main__":
    main()
