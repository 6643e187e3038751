import asyncio

from anh_rollup.rpc.outbox import Outbox


async def test_messages_leave_in_order() -> None:
    outbox = Outbox(3, 100)
    assert [outbox.offer(each) for each in (b"a", b"b", b"c")] == [True] * 3
    assert [await outbox.take() for _ in range(3)] == [b"a", b"b", b"c"]


async def test_no_more_messages_and_bytes_wait_than_may() -> None:
    few, short = Outbox(2, 100), Outbox(100, 5)
    assert [few.offer(b"a") for _ in range(3)] == [True, True, False]
    assert [short.offer(each) for each in (b"abc", b"abc", b"ab", b"a")] == [True, False, True, False]
    await few.take()
    await short.take()
    assert (few.offer(b"a"), short.offer(b"abc"), short.offer(b"a")) == (True, True, False)


async def test_one_message_may_be_longer_than_all_that_may_wait() -> None:
    outbox = Outbox(2, 5)
    assert [outbox.offer(bytes(9)), outbox.offer(b"a")] == [True, False]
    assert len(await outbox.take()) == 9
    assert outbox.offer(b"a")


async def test_an_answer_waits_for_room() -> None:
    outbox = Outbox(1, 100)
    await outbox.put(b"a")
    waiting = asyncio.create_task(outbox.put(b"b"))
    await asyncio.sleep(0)
    assert not waiting.done()
    assert await outbox.take() == b"a"
    await waiting
    assert await outbox.take() == b"b"


async def test_who_waits_for_messages_is_woken() -> None:
    outbox = Outbox(1, 100)
    taking = asyncio.create_task(outbox.take())
    await asyncio.sleep(0)
    assert outbox.offer(b"a")
    await outbox.flush()
    assert await taking == b"a"
