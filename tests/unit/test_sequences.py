"""A sequence of made items is asked like a list, and makes what it is asked for alone."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.sequences import LazySequence

BOUNDS = st.none() | st.integers(-7, 7)
STEPS = st.none() | st.integers(-3, 3).filter(bool)


class Squares(LazySequence[int]):
    """The first squares; notes what was made."""

    def __init__(self, count: int) -> None:
        self.count, self.made = count, list[int]()

    def __len__(self) -> int:
        return self.count

    def _item(self, place: int, /) -> int:
        self.made.append(place)
        return place**2


@given(st.integers(0, 5), BOUNDS, BOUNDS, STEPS)
def test_a_slice_is_that_of_a_list(count: int, start: int | None, stop: int | None, step: int | None) -> None:
    squares = Squares(count)
    wanted = list(range(count))[start:stop:step]
    assert squares[start:stop:step] == [each**2 for each in wanted]
    assert squares.made == wanted


@given(st.integers(0, 5), st.integers(-7, 7))
def test_an_item_is_that_of_a_list(count: int, place: int) -> None:
    squares = Squares(count)
    if -count <= place < count:
        assert squares[place] == (place % count) ** 2
        assert squares.made == [place % count]
    else:
        with pytest.raises(IndexError):
            squares[place]
        assert squares.made == []


def test_it_is_gone_through_from_both_ends() -> None:
    assert (list(Squares(4)), list(reversed(Squares(4))), 4 in Squares(4)) == (
        [0, 1, 4, 9],
        [9, 4, 1, 0],
        True,
    )
