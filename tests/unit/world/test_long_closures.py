"""A question whose time is over stops between two transactions, and the next one goes on from there."""

from pathlib import Path

import pytest

from anh_rollup.world.errors import TimeLimitError
from anh_rollup.world.time_limit import time_limit
from tests.doubles.ordering import ALICE
from tests.doubles.toy_engine import ToyEngine
from tests.doubles.worlds import CONTRACTS, Orders, appended, world_in

COUNTED = 6


def test_each_question_comes_further(tmp_path: Path) -> None:
    orders = Orders().fund()
    for _ in range(COUNTED):
        orders.send(ALICE, ["add", 0, 1], to=CONTRACTS[0])
    orders.seal()
    engine = ToyEngine()
    world = appended(world_in(tmp_path, engine), orders.blocks)
    head = world.behind(world.head)
    for executed in (2, 4):
        with time_limit(2.0, map(float, range(100)).__next__), pytest.raises(TimeLimitError):
            world.slot(CONTRACTS[0], 0, head)
        assert (world.executed, engine.runs) == (executed, executed)
    assert world.slot(CONTRACTS[0], 0, head) == COUNTED
    assert engine.runs == COUNTED
