"""Runs that a question begins end with its time; nobody in the EVM can catch that."""

import threading
from collections.abc import Iterator

import pytest

from anh_rollup.primitives import Gas
from anh_rollup.world.errors import TimeLimitError
from anh_rollup.world.time_limit import require_time, time_limit
from tests.unit.world.engines import CONTRACT, OTHER, call, execute, state

LOOP = "5b5f56"
BRANCH = "5b60015f57"
SELF_CALLS = (call(CONTRACT) + "50") * 8
GAS = Gas(30_000)


def passing(seconds: float) -> Iterator[float]:
    """A clock on which each look takes some seconds."""
    now = 0.0
    while True:
        yield now
        now += seconds


@pytest.mark.parametrize("code", [LOOP, BRANCH, SELF_CALLS, "5f5f5ff050" * 3, call(CONTRACT, "f4")])
def test_a_run_ends_with_its_time(code: str) -> None:
    assert execute(state(code), gas_limit=GAS).gas_used > 0
    clock = passing(1.0)
    with time_limit(1.5, clock.__next__), pytest.raises(TimeLimitError, match=r"timeout = 1.5s") as caught:
        execute(state(code), gas_limit=Gas(200_000))
    assert caught.value.seconds == 1.5


def test_no_caller_in_the_evm_goes_on_after_it() -> None:
    clock = passing(1.0)
    with time_limit(2.5, clock.__next__), pytest.raises(TimeLimitError):
        execute(state(call(OTHER) + "00", other=LOOP), gas_limit=GAS)


def test_a_run_that_ends_in_time_is_as_without_a_limit() -> None:
    with time_limit(60.0):
        limited = execute(state(LOOP), gas_limit=GAS)
    assert limited == execute(state(LOOP), gas_limit=GAS)


def test_a_limit_may_have_begun_before() -> None:
    with time_limit(5.0, iter([14.0]).__next__, since=10.0):
        require_time()
    with time_limit(5.0, iter([16.0]).__next__, since=10.0), pytest.raises(TimeLimitError):
        require_time()


def test_a_limit_is_for_the_thread_that_set_it_and_while_it_is_open() -> None:
    failures: list[TimeLimitError] = []

    def look() -> None:
        try:
            require_time()
        except TimeLimitError as error:
            failures.append(error)

    clock = passing(1.0)
    with time_limit(0.5, clock.__next__):
        other = threading.Thread(target=look)
        other.start()
        other.join()
        assert failures == []
        look()
        assert len(failures) == 1
    look()
    assert len(failures) == 1
