import asyncio
import gc
import os
import signal
import sys
import threading

import pytest

from anh_rollup.errors import AnhError
from anh_rollup.node import (
    LOOKS,
    NEVER,
    NEW_OBJECTS,
    SWITCH_INTERVAL,
    AtStop,
    PollingService,
    run_node,
    supervise,
)


class PassingError(AnhError):
    pass


class FatalError(AnhError):
    pass


def rounds(outcomes, name="rounds", passing=(PassingError,)):
    """A service whose rounds raise what `outcomes` says, then ask the process to stop."""
    left = list(outcomes)
    closed = []

    def work():
        if not left:
            os.kill(os.getpid(), signal.SIGTERM)
            return
        outcome = left.pop(0)
        if outcome is not None:
            raise outcome

    service = PollingService(name, work, 0.001, passing, close=lambda: closed.append(name))
    return service, left, closed


def test_rounds_go_on_after_an_error_that_passes():
    service, left, closed = rounds([None, PassingError("node lags", remedy="wait"), None])

    run_node([service])

    assert (left, closed) == ([], ["rounds"])


def test_an_error_that_does_not_pass_stops_the_node_and_every_other_service():
    fatal = FatalError("wrong chain", remedy="check --l1")
    failing, _, closed_failing = rounds([fatal])
    healthy_closed = []
    healthy = PollingService("healthy", lambda: None, 0.001, close=lambda: healthy_closed.append(True))

    with pytest.raises(FatalError) as raised:
        run_node([failing, healthy])

    assert (raised.value, closed_failing, healthy_closed) == (fatal, ["rounds"], [True])


def test_an_unforeseen_error_leaves_as_it_is():
    service, _, _ = rounds([ZeroDivisionError("bug")])

    with pytest.raises(BaseExceptionGroup) as raised:
        run_node([service])

    assert [repr(error) for error in raised.value.exceptions] == ["ZeroDivisionError('bug')"]


def test_signals_are_given_back():
    before = signal.getsignal(signal.SIGTERM)
    service, _, _ = rounds([])

    run_node([service])

    assert signal.getsignal(signal.SIGTERM) is before


def test_the_interpreter_is_set_up_for_a_server_and_is_as_before_afterwards():
    def settings():
        return sys.getswitchinterval(), gc.get_threshold(), gc.get_freeze_count() > 0

    before, service, seen = settings(), rounds([])[0], []
    looking = PollingService("looking", lambda: seen.append(settings()), 60)

    run_node([looking, service])

    assert seen == [(pytest.approx(SWITCH_INTERVAL), (NEW_OBJECTS, LOOKS, NEVER), True)]
    assert settings() == before


async def test_what_is_done_at_the_stop_is_done_while_others_finish():
    stop, done = asyncio.Event(), asyncio.Event()

    class Waiting:
        name = "waiting"

        async def run(self, _stop):
            await asyncio.wait_for(done.wait(), 5)

    running = asyncio.create_task(supervise([Waiting(), AtStop("at the stop", done.set)], stop))
    await asyncio.sleep(0)
    assert not done.is_set()
    stop.set()
    await running


async def test_a_round_under_way_is_finished_before_the_service_stops():
    stop, entered, leave, finished = asyncio.Event(), threading.Event(), threading.Event(), []

    def work():
        entered.set()
        leave.wait(5)
        finished.append(True)

    running = asyncio.create_task(supervise([PollingService("slow", work, 60)], stop))
    await asyncio.to_thread(entered.wait, 5)
    stop.set()
    leave.set()
    await running

    assert finished == [True]
