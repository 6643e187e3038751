"""What workers save where transactions are independent: `python -m benchmarks.parallel_closures`.

Accounts deploy a contract each and call it, strictly. A search of all logs executes them all: in this process
alone, with as many workers as there are other cores, and on a Ray node of as many, in turn. Light calls add
one to an element; heavy ones hash twenty thousand times before. The clock counts what else runs on the
machine, too; the busiest process's own time is what the clock would show if nothing did.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from anh_rollup.cluster.closures import ClusterPool
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.primitives import Gas
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.ledger import Origin
from anh_rollup.world.engines import load_engine
from anh_rollup.world.worker_pool import Engines, Pool, WorkerPool
from benchmarks.laziness import Scale, blocks_of, world_in
from benchmarks.ray_node import ray_node
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
class Workers:
    """What executes beside this process.

    Attributes:
        name: What figures call it.
        pool: The pool; None where there is none.
        processes: The identifiers of its processes.
    """

    name: str
    pool: Pool | None = None
    processes: Sequence[int] = ()


ALONE = Workers("none")


@dataclass(frozen=True, slots=True)
class Taken:
    """What a question took.

    Attributes:
        clock: Seconds from the question to the answer.
        busiest: Seconds of processor time of the process that worked most.
    """

    clock: float
    busiest: float


def in_processes(pool: WorkerPool) -> Workers:
    """Worker processes; all of them are waiting for work."""
    pool.start()
    return Workers(f"{pool.size} worker(s)", pool, pool.processes)


def on_ray(cluster: Cluster) -> Workers:
    """The cores of a cluster on this machine; all of them have loaded their engine."""
    pool = ClusterPool(cluster)
    pool.start()
    asked = [cluster.submit("os:getpid") for _ in range(cluster.working)]
    return Workers(
        f"a Ray node of {cluster.working} core(s)", pool, sorted({each.result() for each in asked})
    )


def processor_seconds(workers: Workers) -> list[float]:
    """Processor time of this process and of each worker so far."""
    kept = [Path(f"/proc/{each}/schedstat") for each in workers.processes]
    return [time.process_time(), *(int(each.read_text().split()[0]) / NANOSECONDS for each in kept)]


def asked(blocks: Sequence[tuple[L2Block, Origin]], workers: Workers) -> Taken:
    """Asks a fresh world for all logs."""
    with tempfile.TemporaryDirectory() as folder:
        world = world_in(Path(folder), Engines(pool=workers.pool))
        with world.transaction():
            for block, origin in blocks:
                world.append(block, [origin])
        begun, before = time.perf_counter(), processor_seconds(workers)
        world.logs(0, world.head, frozenset())
        clock, after = time.perf_counter() - begun, processor_seconds(workers)
        if world.executed != sum(len(block.transactions) for block, _ in blocks):
            raise SystemExit(f"{world.executed} transactions were executed")
        return Taken(clock, max(end - start for start, end in zip(before, after, strict=True)))


def measure(name: str, scale: Scale, beside: Sequence[Workers], target: float | None) -> list[Figure]:
    """What a question takes with workers over what it takes without, and with the last over the first."""
    blocks, transactions = list(blocks_of(scale)), scale.contracts * scale.calls
    rounds = [[asked(blocks, each) for each in (ALONE, *beside)] for _ in range(PAIRS)]
    title = f"{transactions:,} independent {name} transactions"
    rate = round(transactions / min(alone.busiest for alone, *_ in rounds))
    figures = [Figure(f"{title}: without workers", "a second of processor time", rate)]
    for place, workers in enumerate(beside, 1):
        ratio = f"{title}: with {workers.name} over without, median of {PAIRS} pairs"
        busiest = [each[place].busiest / each[0].busiest for each in rounds]
        figures += [
            times(f"{ratio}, processor time of the busiest process", busiest, target if place == 1 else None),
            times(f"{ratio}, clock", [each[place].clock / each[0].clock for each in rounds]),
        ]
    ratio = f"{title}: with {beside[-1].name} over {beside[0].name}, median of {PAIRS} pairs, clock"
    return [*figures, times(ratio, [each[-1].clock / each[1].clock for each in rounds])]


def times(name: str, ratios: Sequence[float], target: float | None = None) -> Figure:
    """The median of some ratios."""
    return Figure(name, "times as long", round(statistics.median(ratios), 3), target)


def main() -> None:
    """Measures light and heavy transactions."""
    load_engine()
    cores = max(1, len(os.sched_getaffinity(0)) - 1)
    with closing(WorkerPool(cores)) as pool, ray_node(cores) as cluster:
        beside = in_processes(pool), on_ray(cluster)
        show([*measure("light", LIGHT, beside, None), *measure("heavy", HEAVY, beside, MOST_SHARE)])


if __name__ == "__main__":
    main()
