"""Every parser of words answers or raises a typed error, whatever the word."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.errors import MOST_MESSAGE, AnhError
from tests.unit.fuzz.mangling import attempt
from tests.unit.fuzz.words import PARSERS

#: Most seconds of processor time for one word.
MOST_SECONDS = 2.0

ODD = ["", " ", "-", "nan", "inf", "-0", "1e9", "0x", "0X12", "0x_1", "٣", "²", "0x٣", "\0", "\ud800", "[/]"]
ODD += [
    "\x1b[2J",
    "http://",
    "http://[",
    "http://a..b",
    "http://" + "a" * 64,
    "http://a:99999",
    "a:b:c",
    "=",
    "window=",
]
LONG = ["9" * 100_000, "0x" + "f" * 100_000, "window=" + "9" * 100_000, ":" * 100_000, "(" * 100_000]
LONG += [" " * 100_000, "1." + "0" * 100_000, "http://" + "a." * 50_000]


def words(good: tuple[str, ...]) -> st.SearchStrategy[str]:
    """Any text, odd words, and good ones with a piece of another in the middle."""
    pieces = st.text(max_size=8) | st.sampled_from(ODD)

    def spliced(word: str) -> st.SearchStrategy[str]:
        cut = st.integers(0, len(word))
        return st.builds(lambda at, piece, to: word[:at] + piece + word[to:], cut, pieces, cut)

    return st.text() | st.sampled_from(ODD) | st.sampled_from(good).flatmap(spliced)


def refusal_of(name: str, word: object) -> AnhError | None:
    return attempt(lambda: PARSERS[name].parse(word), *PARSERS[name].refusals)[1]


@pytest.mark.parametrize("name", PARSERS)
@given(data=st.data())
def test_any_word_is_read_or_refused(name: str, data: st.DataObject) -> None:
    word = data.draw(words(PARSERS[name].good))
    found, refusal = attempt(lambda: PARSERS[name].parse(word), *PARSERS[name].refusals)
    assert (found is None) == (refusal is not None)


@pytest.mark.parametrize("name", PARSERS)
def test_good_words_are_read(name: str) -> None:
    assert [refusal_of(name, word) for word in PARSERS[name].good] == [None] * len(PARSERS[name].good)


@pytest.mark.parametrize("name", PARSERS)
def test_long_and_odd_words_are_no_trouble(name: str) -> None:
    started = time.process_time()
    refusals = [refusal_of(name, word) for word in [*ODD, *LONG]]
    assert all(refusal is None or len(refusal.message) <= MOST_MESSAGE for refusal in refusals)
    assert time.process_time() - started < MOST_SECONDS * len(refusals)


@pytest.mark.parametrize("name", [name for name in PARSERS if name.startswith("rpc.")])
@pytest.mark.parametrize("value", [None, 5, 1.5, True, [], {}, ["0x12"]])
def test_a_value_that_is_no_word_is_refused(name: str, value: object) -> None:
    assert refusal_of(name, value) is not None
