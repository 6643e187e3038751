import asyncio
from collections import Counter
from contextlib import suppress

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.rpc.turns import Turns


class Work:
    """Requests that are at work until a test ends them."""

    def __init__(self, places: int) -> None:
        self.turns = Turns(places)
        self.begun: list[str] = []
        self._ends: list[asyncio.Event] = []
        self._tasks: list[asyncio.Task[None]] = []

    async def ask(self, *addresses: str) -> None:
        for address in addresses:
            self._tasks.append(asyncio.create_task(self._serve(address)))
            await asyncio.sleep(0)
            await asyncio.sleep(0)

    async def end(self, place: int = 0) -> None:
        """Ends the oldest request that is at work, or another one."""
        self._ends.pop(place).set()
        for _ in range(4):
            await asyncio.sleep(0)

    async def leave(self, number: int) -> None:
        """The client of a request goes."""
        self._tasks[number].cancel()
        with suppress(asyncio.CancelledError):
            await self._tasks[number]
        await asyncio.sleep(0)

    async def _serve(self, address: str) -> None:
        async with self.turns.turn(address):
            end = asyncio.Event()
            self.begun.append(address)
            self._ends.append(end)
            await end.wait()


async def test_one_place_stays_free_for_another_address() -> None:
    work = Work(3)
    await work.ask("a", "a", "a", "a", "b")
    assert (work.begun, work.turns.waiting) == (["a", "a", "b"], 2)


async def test_addresses_take_turns_where_there_are_too_few_places() -> None:
    work = Work(2)
    await work.ask("a", "b", "a", "a", "a", "b", "c")
    for _ in range(6):
        await work.end()
    assert work.begun == ["a", "b", "a", "b", "c", "a", "a"]
    assert work.turns.waiting == 0


async def test_a_single_place_is_everybodys() -> None:
    work = Work(1)
    await work.ask("a", "a", "b")
    await work.end()
    await work.end()
    assert work.begun == ["a", "a", "b"]


async def test_who_leaves_frees_its_place_or_its_wait() -> None:
    work = Work(2)
    await work.ask("a", "a", "a", "b")
    await work.leave(1)
    await work.leave(0)
    assert work.begun == ["a", "b", "a"]
    await work.leave(2)
    await work.leave(3)
    assert (work.turns.waiting, work.turns._free, work.turns._held) == (0, 2, Counter())


@given(
    steps=st.lists(st.tuples(st.sampled_from("abc"), st.sampled_from(["ask", "end", "leave"])), max_size=40),
    places=st.integers(1, 4),
)
def test_no_place_is_lost_or_given_twice(steps: list[tuple[str, str]], places: int) -> None:
    async def play() -> None:
        work = Work(places)
        for address, step in steps:
            if step == "ask":
                await work.ask(address)
            elif step == "end" and work._ends:
                await work.end()
            elif step == "leave" and work._tasks:
                await work.leave(len(work._tasks) // 2)
            at_work = sum(work.turns._held.values())
            assert at_work + work.turns._free == places
            most = max(places - 1, 1)
            idle = [each for each in work.turns._waiting if work.turns._held[each] < most]
            assert not (idle and work.turns._free)
        for number in range(len(work._tasks)):
            await work.leave(number)
        assert (work.turns._free, work.turns.waiting) == (places, 0)

    asyncio.run(play())
