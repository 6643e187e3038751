"""A sequence whose beginning is elsewhere is one like any other, and reads no more than is asked for."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.protocol.continued import Continued


def made(kept: list[int], new: list[int]) -> tuple[Continued[int], list[int]]:
    """The sequence, and the places that it reads of its beginning."""
    read: list[int] = []

    def load(place: int) -> int:
        read.append(place)
        return kept[place]

    continued = Continued(len(kept), load)
    for each in new:
        continued.append(each)
    return continued, read


NUMBERS = st.lists(st.integers(), max_size=6)
BOUND = st.none() | st.integers(-9, 9)


@given(NUMBERS, NUMBERS, BOUND, BOUND, st.sampled_from([None, 1, 2, -1]))
def test_it_answers_as_a_list_does(kept: list[int], new: list[int], start: Any, stop: Any, step: Any) -> None:
    continued, _ = made(kept, new)
    whole = [*kept, *new]
    assert (len(continued), list(continued)) == (len(whole), whole)
    assert continued == whole
    assert continued[start:stop:step] == whole[start:stop:step]
    assert [continued[place] for place in range(-len(whole), len(whole))] == whole * 2


@pytest.mark.parametrize("place", [3, -4])
def test_there_is_nothing_beyond_its_ends(place: int) -> None:
    continued, _ = made([1, 2], [3])
    with pytest.raises(IndexError):
        _ = continued[place]


def test_only_what_is_asked_for_is_read() -> None:
    continued, read = made([1, 2, 3], [4, 5])
    assert (continued[-1], continued[3:], continued[1], read) == (5, [4, 5], 2, [1])


@pytest.mark.parametrize("other", [[1, 2], [1, 2, 4], "123", 3])
def test_other_items_are_another_sequence(other: object) -> None:
    continued, _ = made([1, 2], [3])
    assert continued != other
