"""What one item breaks stays with that item."""

import struct
from collections.abc import Callable
from itertools import pairwise

import pytest

from anh_rollup.bulkhead import MOST_ROUNDS, ROUNDS_OF_ABSENCE, Bulkhead
from anh_rollup.errors import AnhError


class LateError(AnhError):
    def __init__(self) -> None:
        super().__init__("it is late", remedy="Wait.")


class OtherError(AnhError):
    def __init__(self) -> None:
        super().__init__("it is other", remedy="Look.")


def failing(error: BaseException) -> Callable[[], None]:
    def work() -> None:
        raise error

    return work


@pytest.mark.parametrize(
    "error",
    [IndexError(), MemoryError(), RecursionError(), ValueError(), struct.error(), AssertionError()],
    ids=lambda error: type(error).__name__,
)
def test_any_exception_ends_at_its_item(error: Exception, caplog: pytest.LogCaptureFixture) -> None:
    done: list[str] = []
    bulkhead = Bulkhead()

    assert not bulkhead.run("a", "claim 0xaa", failing(error))
    assert bulkhead.run("b", "claim 0xbb", lambda: done.append("b"))

    assert (done, bulkhead.is_due("a"), bulkhead.is_due("b")) == (["b"], False, True)
    (message,) = caplog.messages
    assert message == (
        f"claim 0xaa: unexpected {type(error).__name__} ({error}); next: report it with this trace, "
        "the others go on. It is tried again in 2 rounds."
    )


def test_an_expected_error_says_what_to_do(caplog: pytest.LogCaptureFixture) -> None:
    Bulkhead().run("a", "claim 0xaa", failing(LateError()))

    assert caplog.messages == ["claim 0xaa: it is late; next: Wait. It is tried again in 2 rounds."]


@pytest.mark.parametrize("error", [KeyboardInterrupt(), SystemExit(1)])
def test_a_request_to_stop_is_none_of_its_business(error: BaseException) -> None:
    with pytest.raises(type(error)):
        Bulkhead().run("a", "claim 0xaa", failing(error))


def test_an_item_that_fails_again_and_again_is_left_for_ever_more_rounds() -> None:
    bulkhead, tried = Bulkhead(), []
    for number in range(140):
        bulkhead.begin_round()
        if bulkhead.is_due("a"):
            tried.append(number)
            bulkhead.run("a", "claim 0xaa", failing(ValueError()))

    assert [after - before for before, after in pairwise(tried)] == [
        2, 4, 8, 16, MOST_ROUNDS, MOST_ROUNDS, MOST_ROUNDS,
    ]  # fmt: skip


def test_success_ends_the_wait() -> None:
    bulkhead = Bulkhead()
    bulkhead.run("a", "claim 0xaa", failing(ValueError()))
    bulkhead.run("a", "claim 0xaa", lambda: None)

    assert bulkhead.is_due("a")


def test_what_heals_by_itself_is_tried_in_the_next_round() -> None:
    bulkhead = Bulkhead(healing=(LateError,))
    bulkhead.run("a", "claim 0xaa", failing(LateError()))
    bulkhead.run("b", "claim 0xbb", failing(OtherError()))

    assert (bulkhead.is_due("a"), bulkhead.is_due("b")) == (True, False)


def test_an_error_that_is_not_passing_ends_the_item(caplog: pytest.LogCaptureFixture) -> None:
    bulkhead = Bulkhead(passing=(LateError,))
    bulkhead.run("a", "job 0xaa", failing(LateError()))
    bulkhead.run("b", "job 0xbb", failing(OtherError()))
    bulkhead.run("c", "job 0xcc", failing(IndexError()))
    for _ in range(2 * MOST_ROUNDS):
        bulkhead.begin_round()

    assert [bulkhead.is_due(key) for key in "abc"] == [True, False, False]
    assert bulkhead.ended == {"b", "c"}
    assert caplog.messages[1] == "job 0xbb: it is other; next: Look. It is left until the next start."


def test_items_that_stay_away_leave_nothing_behind() -> None:
    bulkhead = Bulkhead()
    for number in range(10 * ROUNDS_OF_ABSENCE):
        bulkhead.begin_round()
        bulkhead.run(number, f"claim {number}", failing(LateError()))

    kept = ROUNDS_OF_ABSENCE + 3  # the ones that wait for their two rounds, and those absent since
    assert (len(bulkhead._failures), len(bulkhead._due)) == (kept, kept)
    assert not bulkhead.is_due(10 * ROUNDS_OF_ABSENCE - 1)


def test_a_given_up_item_is_forgotten_when_nobody_can_ask_for_it() -> None:
    bulkhead = Bulkhead(passing=())
    for key in "abc":
        bulkhead.run(key, f"job {key}", failing(OtherError()))
    bulkhead.forget_all_but({"b", "d"})

    assert bulkhead.ended == {"b"}
