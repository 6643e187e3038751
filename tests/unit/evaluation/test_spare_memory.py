"""Memory waits for the next array, and what arrays leave is used again: one array's, and no more."""

import threading
import tracemalloc

import numpy as np
import pytest

from anh_rollup.evaluation.arena import address_of
from anh_rollup.evaluation.spare_memory import SpareMemory

SHAPE = (1000, 32)
BYTES = 4 * 32_000


def memory_of_traces() -> SpareMemory:
    return SpareMemory(SHAPE, np.int32)


def test_new_memory_is_zeros_that_may_be_written() -> None:
    array = memory_of_traces().take()
    assert (array.shape, array.dtype, array.any()) == (SHAPE, np.int32, False)
    array[...] = 1
    assert array.sum() == 32_000


def test_what_is_ready_serves_one_array() -> None:
    memory = memory_of_traces()
    tracemalloc.start()
    memory.make_ready()
    memory.make_ready()
    ready, _ = tracemalloc.get_traced_memory()
    one = memory.take()
    taken, _ = tracemalloc.get_traced_memory()
    other = memory.take()
    tracemalloc.stop()
    assert BYTES <= ready < taken < ready + 4096 < 2 * BYTES
    assert not np.shares_memory(one, other)


def test_what_an_array_leaves_is_used_again_with_what_is_in_it() -> None:
    memory = memory_of_traces()
    array = memory.take()
    array[...] = 7
    place = address_of(array)
    del array
    memory.make_ready()
    again = memory.take()
    assert address_of(again) == place
    assert again.min() == 7


def test_memory_is_not_used_again_while_a_part_of_it_is_seen() -> None:
    memory = memory_of_traces()
    array = memory.take()
    array[5] = 7
    seen = array.reshape(-1)[160:192].data
    place = address_of(array)
    del array
    other = memory.take()
    other[...] = 1
    assert address_of(other) != place
    assert seen.tolist() == [7] * 32


def test_one_arrays_memory_lies_idle_at_most() -> None:
    memory = memory_of_traces()
    tracemalloc.start()
    arrays = [memory.take() for _ in range(3)]
    held, _ = tracemalloc.get_traced_memory()
    del arrays
    idle, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert held > 3 * BYTES
    assert BYTES <= idle < 2 * BYTES


def test_two_threads_make_no_more_ready_than_one(monkeypatch: pytest.MonkeyPatch) -> None:
    memory, written = memory_of_traces(), SpareMemory._written
    begun, over, made = threading.Event(), threading.Event(), list[int]()

    def slow(own: SpareMemory) -> object:
        made.append(1)
        begun.set()
        assert over.wait(30)
        return written(own)

    monkeypatch.setattr(SpareMemory, "_written", slow)
    other = threading.Thread(target=memory.make_ready)
    other.start()
    assert begun.wait(30)
    memory.make_ready()
    over.set()
    other.join()
    memory.take()
    assert made == [1]
