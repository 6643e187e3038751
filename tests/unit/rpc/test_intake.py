"""Bytes that are held for clients are bounded, and whoever makes the server wait for longest gives way."""

import asyncio

import pytest

from anh_rollup.rpc.errors import Code
from anh_rollup.rpc.intake import FREE_BYTES, BusyError, Exchange, Intake

BUSY = {
    "code": Code.LIMIT,
    "message": "limit exceeded: the node holds as many bytes of requests as it may",
    "data": "Send it again in a few seconds, or in smaller parts.",
}


async def waiting(intake: Intake, exchange: Exchange, size: int) -> None:
    """Holds bytes for a client that sends nothing more."""
    async with intake.patience(exchange):
        exchange.hold(FREE_BYTES + size)
        await asyncio.Event().wait()


def test_bytes_count_above_the_free_ones_and_until_the_end() -> None:
    intake = Intake(most=10)
    with intake.exchange() as small, intake.exchange() as large:
        small.hold(FREE_BYTES)
        large.hold(FREE_BYTES + 10)
        assert intake.held == 10
        large.hold(FREE_BYTES + 4)
        assert intake.held == 4
    assert intake.held == 0


def test_there_is_no_room_where_nobody_waits_for_a_client() -> None:
    intake = Intake(most=10)
    with intake.exchange() as first, intake.exchange() as second:
        first.hold(FREE_BYTES + 10)
        with pytest.raises(BusyError) as refused:
            second.hold(FREE_BYTES + 1)
        second.hold(FREE_BYTES)
    assert refused.value.to_json() == BUSY


async def test_who_waits_for_longest_gives_way_and_nobody_else() -> None:
    intake = Intake(most=10)
    with intake.exchange() as free, intake.exchange() as slow, intake.exchange() as late:
        held = [(free, 0), (slow, 6), (late, 4)]
        tasks = [asyncio.create_task(waiting(intake, each, size)) for each, size in held]
        await asyncio.sleep(0)
        with intake.exchange() as new:
            new.hold(FREE_BYTES + 5)
            assert intake.held == 9
            with pytest.raises(TimeoutError):
                await tasks[1]
            assert [each.is_cut for each in (free, slow, late)] == [False, True, False]
            with pytest.raises(BusyError):
                slow.hold(0)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
    assert intake.held == 0


async def test_the_slowest_one_itself_gets_no_more_room() -> None:
    intake = Intake(most=10)
    with intake.exchange() as slow, intake.exchange() as late:
        async with intake.patience(slow):
            slow.hold(FREE_BYTES + 5)
            async with intake.patience(late):
                late.hold(FREE_BYTES + 5)
                with pytest.raises(BusyError):
                    slow.hold(FREE_BYTES + 6)
        assert (intake.held, late.is_cut) == (10, False)


async def test_who_is_late_already_is_cut_without_harm() -> None:
    intake = Intake(most=10, seconds=0.0)
    with intake.exchange() as late, intake.exchange() as new:
        task = asyncio.create_task(waiting(intake, late, 10))
        await asyncio.sleep(0)
        asyncio.get_running_loop().call_soon(new.hold, FREE_BYTES + 10)
        with pytest.raises(TimeoutError):
            await task
        assert (intake.held, late.is_cut) == (10, True)


async def test_who_has_sent_all_is_not_cut_any_more() -> None:
    intake = Intake(most=10)
    with intake.exchange() as sent, intake.exchange() as new:
        async with intake.patience(sent):
            sent.hold(FREE_BYTES + 10)
        with pytest.raises(BusyError):
            new.hold(FREE_BYTES + 1)
        assert (intake.held, sent.is_cut) == (10, False)
