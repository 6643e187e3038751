"""Two VIEWs as one: the same elements, or no answer."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.importing.views import View, composed, flat, transposition


def taken(view: View, x: np.ndarray) -> np.ndarray:
    places = np.full((), view.offset, np.int64)
    for size, stride in zip(view.dims, view.strides, strict=True):
        places = places[..., None] + np.arange(size) * stride
    return x.reshape(-1)[places.reshape(-1)]


@st.composite
def views(draw: st.DrawFn, count: int) -> View:
    """A map into so many elements."""
    dims, strides, reach = [], [], 0
    for _ in range(draw(st.integers(0, 3))):
        size, stride = draw(st.integers(1, 4)), draw(st.integers(0, 6))
        if reach + (size - 1) * stride < count:
            dims.append(size)
            strides.append(stride)
            reach += (size - 1) * stride
    return View(draw(st.integers(0, count - 1 - reach)), tuple(dims), tuple(strides))


@given(st.data(), st.integers(1, 60))
def test_one_view_gives_what_two_give(data: st.DataObject, count: int) -> None:
    x = np.arange(count)
    inner = data.draw(views(count))
    middle = taken(inner, x)
    outer = data.draw(views(len(middle)))
    both = composed(inner, outer)
    if both is not None:
        assert taken(both, x).tolist() == taken(outer, middle).tolist()


def test_a_transposition_and_its_inverse_are_nothing() -> None:
    there, back = transposition((2, 3, 4), (1, 2, 0)), transposition((3, 4, 2), (2, 0, 1))
    both = composed(there, back)
    assert both is not None
    assert both.is_identity


def test_a_reshape_joins_any_view() -> None:
    windows = View(3, (2, 3), (6, 1))
    assert composed(windows, flat((2, 3))) == windows
    assert composed(flat((4, 6)), windows) == windows


def test_a_step_that_passes_the_end_of_an_axis_is_not_joined() -> None:
    assert composed(transposition((3, 4), (1, 0)), View(0, (4,), (2,))) is None
