"""What nodes of a cluster do for a closure: functions that they import from their own package."""

from functools import cache

from anh_rollup.world.engine import Engine
from anh_rollup.world.engines import load_engine
from anh_rollup.world.worker import Batch, Outcomes, run_batch


def load() -> None:
    """Loads the engine of this process."""
    _engine()


def execute_batch(batch: Batch) -> Outcomes:
    """The outcomes of strict transactions, as a worker process of the same machine finds them."""
    return run_batch(_engine(), batch)


@cache
def _engine() -> Engine:
    return load_engine()
