"""What workers save where transactions are independent: `python -m benchmarks.parallel_closures`.

Accounts deploy a contract each and call it, strictly. A search of all logs executes them all: in this process
alone, and with as many workers as there are other cores, in turn. Light calls add one to an element; heavy
ones hash twenty thousand times before.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

from anh_rollup.primitives import Gas
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.ledger import Origin
from anh_rollup.world.engines import load_engine
from anh_rollup.world.worker_pool import HERE, Engines, WorkerPool
from benchmarks.laziness import Scale, blocks_of, world_in
from benchmarks.report import Figure, show

HASHES = 20_000

PAIRS = 5
"""A ratio is the median of so many."""

MOST_SHARE = 0.75
"""Wanted of heavy transactions with one worker: half the time, and some to hand them out."""

_LOOP = bytes.fromhex(f"61{HASHES:04x}5b6020600020600052600190038060035760005460010160005500")

HASHER = bytes.fromhex(f"60{len(_LOOP):02x}600c60003960{len(_LOOP):02x}6000f3") + _LOOP
"""Init code of a contract that hashes, and then adds one to its element 0."""

LIGHT = Scale(contracts=1_000, calls=2)
HEAVY = Scale(contracts=200, calls=2, code=HASHER, gas=Gas(3_000_000))

Ordered = Sequence[tuple[L2Block, Origin]]


def started() -> WorkerPool:
    """A worker for each core but one, at least one; all of them are waiting for work."""
    pool = WorkerPool(max(1, len(os.sched_getaffinity(0)) - 1))
    pool.start()
    return pool


def seconds(blocks: Ordered, engines: Engines) -> float:
    """From the question to the answer, in a fresh world."""
    with tempfile.TemporaryDirectory() as folder:
        world = world_in(Path(folder), engines)
        with world.transaction():
            for block, origin in blocks:
                world.append(block, [origin])
        begun = time.perf_counter()
        world.logs(0, world.head, frozenset())
        taken = time.perf_counter() - begun
        if world.executed != sum(len(block.transactions) for block, _ in blocks):
            raise SystemExit(f"{world.executed} transactions were executed")
        return taken


def measure(name: str, scale: Scale, pool: WorkerPool, target: float | None) -> list[Figure]:
    """Transactions a second in this process alone, and the time with workers over that without."""
    blocks = list(blocks_of(scale))
    pairs = [(seconds(blocks, Engines(pool=pool)), seconds(blocks, HERE)) for _ in range(PAIRS)]
    title = (
        f"{scale.contracts * scale.calls:,} {name} transactions, {scale.contracts:,} independent contracts"
    )
    rate = scale.contracts * scale.calls / min(alone for _, alone in pairs)
    ratio = statistics.median(shared / alone for shared, alone in pairs)
    with_workers = f"{title}: with {pool.size} worker(s) over without, median of {PAIRS} pairs"
    return [
        Figure(f"{title}: without workers", "transactions a second", round(rate)),
        Figure(with_workers, "times as long", round(ratio, 3), target),
    ]


def main() -> None:
    """Measures light and heavy transactions."""
    load_engine()
    pool = started()
    show([*measure("light", LIGHT, pool, None), *measure("heavy", HEAVY, pool, MOST_SHARE)])
    pool.close()


if __name__ == "__main__":
    main()
