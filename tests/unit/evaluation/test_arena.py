"""Memory that one array leaves is another's, and no two arrays that are there at once share any."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.evaluation.arena import ALIGNMENT, CHUNK, Arena, address_of, unowned


@given(
    sizes=st.lists(st.integers(0, 40), min_size=1, max_size=30),
    order=st.lists(st.integers(0, 29), max_size=30),
)
def test_arrays_that_are_there_at_once_share_no_memory(sizes: list[int], order: list[int]) -> None:
    arena, there = Arena(), dict[int, np.ndarray]()
    for number, size in enumerate(sizes):
        for gone in order[number : number + 2]:
            there.pop(gone, None)
        there[number] = arena.empty((size, 3), np.int32 if size % 2 else np.float64)
        there[number][...] = number
        assert address_of(there[number]) % ALIGNMENT == 0
    for number, each in there.items():
        assert (each == number).all()


def test_memory_is_free_once_the_last_view_is_gone() -> None:
    arena = Arena()
    whole = arena.empty((4, 8))
    place, view = address_of(whole), whole.reshape(2, 16)[:, ::2].T
    del whole
    assert address_of(arena.empty((4, 8))) != place
    del view
    assert address_of(arena.empty((4, 8))) == place


def test_what_lies_side_by_side_becomes_one_again() -> None:
    arena = Arena()
    parts = [arena.empty((64,)) for _ in range(5)]
    place = address_of(parts[0])
    for each in (1, 3, 0, 2):
        parts[each] = np.empty(0)
    assert address_of(arena.empty((4 * 64,))) == place


def test_more_than_a_chunk_is_asked_for_by_itself() -> None:
    arena = Arena()
    small, large = arena.empty((1,), np.uint8), arena.empty((CHUNK + 1,), np.uint8)
    assert arena.holds(small)
    assert arena.holds(large)
    assert not arena.holds(np.empty(3))


def test_an_array_without_a_hold_shares_memory_and_keeps_none() -> None:
    arena = Arena()
    own = arena.empty((3, 4))
    other = unowned(own[:, 1:])
    other[...] = 7
    assert (own[:, 1:] == 7).all()
    place = address_of(own)
    del own
    assert address_of(arena.empty((3, 4))) == place


def test_one_beside_another_gives_its_memory_again() -> None:
    one = Arena()
    first = one.empty((8, 4))
    other = Arena(one)
    second, large = other.empty((4, 8)), other.empty((CHUNK,), np.uint8)
    assert address_of(second) == address_of(first)
    assert other.holds(first)
    assert one.holds(large)
    second[...] = 7
    assert (first == 7).all()
