"""A schedule gives out what depends on nothing that is not done."""

from random import Random

from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.world.dependencies import items_read, items_written
from anh_rollup.world.engine import Run
from anh_rollup.world.schedule import Schedule

PEOPLE = tuple(Address(bytes([number]) * 20) for number in range(1, 7))


def run(sender: int, to: int, *keys: int, gas: int = 10) -> Run:
    listed = ((PEOPLE[to], keys),)
    return Run(PEOPLE[sender], 0, PEOPLE[to], Wei(0), b"", Gas(gas), Wei(0), listed, is_strict=True)


def test_what_reads_what_another_writes_comes_after_it() -> None:
    schedule = Schedule({1: run(0, 5, 0), 2: run(1, 5, 0), 3: run(2, 5, 1), 4: run(0, 5, 2)})
    assert (schedule.ready, schedule.take(9, 100)) == (2, [1, 3])
    schedule.done(3)
    assert schedule.ready == 0
    schedule.done(1)
    assert schedule.take(9, 100) == [2, 4]
    schedule.done(2)
    assert not schedule.is_over
    schedule.done(4)
    assert schedule.is_over


def test_as_many_are_taken_as_their_gas_permits() -> None:
    schedule = Schedule({key: run(key, 5, key, gas=10 + key) for key in range(5)})
    assert schedule.take() == [0]
    assert schedule.take(4, 1) == [1]
    assert schedule.take(4, 25) == [2, 3]
    assert schedule.take(4, 100) == [4]


@given(st.lists(st.tuples(*[st.integers(0, 4)] * 3), max_size=30), st.integers(0, 2**32))
def test_everything_is_given_out_once_and_behind_what_it_depends_on(
    drawn: list[tuple[int, int, int]], seed: int
) -> None:
    runs, chance = {key: run(*each) for key, each in enumerate(drawn)}, Random(seed)
    schedule, out, done = Schedule(runs), [], []
    while not schedule.is_over:
        if schedule.ready and chance.random() < 0.6:
            out += schedule.take(chance.randint(1, 4), chance.randint(0, 60))
        if out and (not schedule.ready or chance.random() < 0.6):
            key = out.pop(chance.randrange(len(out)))
            written = {
                item for each in runs if each not in done for item in items_written(runs[each]) if each < key
            }
            assert written.isdisjoint(items_read(runs[key]))
            done.append(key)
            schedule.done(key)
    assert sorted(done) == sorted(runs)
