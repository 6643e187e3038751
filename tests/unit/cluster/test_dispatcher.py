"""Tasks are tried, given up, and answered once, whatever becomes of their nodes."""

from collections.abc import Sequence
from typing import Any

import pytest

from anh_rollup.cluster.dispatcher import ASK_SECONDS, MOST_TRIES, Broken, Calls, Dispatcher
from anh_rollup.cluster.errors import TaskRefusedError
from anh_rollup.cluster.identity import Identity
from anh_rollup.cluster.messages import (
    Cancel,
    Done,
    Failed,
    News,
    Nodes,
    Release,
    Share,
    Shared,
    Submit,
    Unusable,
)
from anh_rollup.cluster.nodes import NodeList, Seen

OWN, OTHER = Identity("0.1.0", "ab" * 32), Identity("0.0.9", "cd" * 32)
LOST = Broken("the node died", is_lost=True)
TABLE = Shared("table")


class Stub:
    """A cluster that does nothing by itself: what it is asked for, and what the role is told."""

    def __init__(self, count: int = 1) -> None:
        self.nodes = NodeList(OWN)
        self.given: list[tuple[int, str, str, Sequence[Any]]] = []
        self.cancelled: list[Any] = []
        self.sent: list[object] = []
        self.refusal: TaskRefusedError | None = None
        calls = Calls(self.submit, self.put, self.cancelled.append)
        self.dispatcher = Dispatcher(self.nodes, calls, self.sent.append, now=0.0)
        self.see(count)

    def see(self, count: int, found: Identity | None = OWN) -> None:
        for each in self.nodes.look(Seen(f"n{i}", f"10.0.0.{i}", 1) for i in range(count)):
            if found is not None:
                self.nodes.answered(each.name, found)

    def say(self, *messages: object) -> None:
        for each in messages:
            self.dispatcher.carry_out(each)

    def submit(self, number: int, node: str, work: str, arguments: Sequence[Any]) -> Any:
        self.require()
        self.given.append((number, node, work, arguments))
        return f"call {len(self.given)}"

    def put(self, value: Any) -> Any:
        self.require()
        return f"reference to {value}"

    def require(self) -> None:
        if self.refusal is not None:
            raise self.refusal


def test_a_task_is_called_once_and_answered() -> None:
    stub = Stub()
    stub.say(Submit(7, "a:b", (1, 2)))
    assert stub.given == [(7, "n0", "a:b", [1, 2])]
    stub.dispatcher.returned(7, 3)
    assert stub.sent == [Done(7, 3)]


def test_without_a_node_a_task_fails_at_once() -> None:
    stub = Stub(0)
    stub.say(Submit(7, "a:b", ()))
    assert stub.sent == [Failed(7, "no node works")]


def test_an_error_of_a_task_is_not_tried_again_and_names_the_node() -> None:
    stub = Stub(2)
    stub.say(Submit(7, "a:b", ()))
    stub.dispatcher.broke(7, Broken("ValueError: no", is_lost=False))
    assert len(stub.given) == 1
    assert stub.sent == [Failed(7, "ValueError: no, on node 10.0.0.0")]


@pytest.mark.parametrize("count", range(1, MOST_TRIES + 2))
def test_a_task_goes_to_other_nodes_until_there_are_no_more_or_it_had_its_tries(count: int) -> None:
    stub, tries = Stub(count), min(count, MOST_TRIES)
    stub.say(Submit(7, "a:b", ()))
    for _ in range(tries):
        assert stub.sent == []
        stub.dispatcher.broke(7, LOST)
    assert [node for _, node, _, _ in stub.given] == [f"n{i}" for i in range(tries)]
    assert stub.sent == [Failed(7, "the node died, and no other node can have it")]


def test_a_task_that_ends_makes_room_on_its_node() -> None:
    stub = Stub(2)
    stub.say(Submit(0, "a:b", ()), Submit(1, "a:b", ()))
    stub.dispatcher.returned(1, None)
    stub.say(Submit(2, "a:b", ()))
    assert [node for _, node, _, _ in stub.given] == ["n0", "n1", "n1"]


@pytest.mark.parametrize("is_lost", [True, False])
def test_a_task_that_is_given_up_is_neither_answered_nor_tried_again(is_lost: bool) -> None:
    stub = Stub(2)
    stub.say(Submit(7, "a:b", ()), Cancel(7))
    assert stub.cancelled == ["call 1"]
    stub.dispatcher.broke(7, Broken("it was cancelled", is_lost))
    stub.say(Cancel(7))
    assert (len(stub.given), stub.sent, stub.cancelled) == (1, [], ["call 1"])


def test_a_result_that_comes_after_all_is_not_sent() -> None:
    stub = Stub()
    stub.say(Submit(7, "a:b", ()), Cancel(7))
    stub.dispatcher.returned(7, 3)
    assert stub.sent == []


def test_after_another_try_the_last_call_is_cancelled() -> None:
    stub = Stub(2)
    stub.say(Submit(7, "a:b", ()))
    stub.dispatcher.broke(7, LOST)
    stub.say(Cancel(7))
    assert stub.cancelled == ["call 2"]


def test_what_is_shared_is_given_by_reference() -> None:
    stub = Stub()
    stub.say(Share(TABLE, "rows"), Submit(7, "a:b", (1, TABLE)))
    assert stub.given == [(7, "n0", "a:b", [1, "reference to rows"])]


def test_a_task_fails_where_what_it_needs_is_released_and_the_rest_goes_on() -> None:
    stub = Stub()
    stub.say(Share(TABLE, "rows"), Release(TABLE), Release(TABLE))
    stub.say(Submit(7, "a:b", (TABLE,)), Submit(8, "a:b", ()))
    assert stub.sent == [Failed(7, "what it needs is not shared")]
    assert [number for number, _, _, _ in stub.given] == [8]


def test_a_task_is_not_tried_again_without_what_was_released_meanwhile() -> None:
    stub = Stub(2)
    stub.say(Share(TABLE, "rows"), Submit(7, "a:b", (TABLE,)), Release(TABLE))
    stub.dispatcher.broke(7, LOST)
    assert stub.sent == [Failed(7, "what it needs is not shared")]


def test_what_the_cluster_has_no_room_for_fails_the_tasks_that_need_it() -> None:
    stub = Stub()
    stub.refusal = TaskRefusedError("the store is full")
    stub.say(Share(TABLE, "rows"))
    stub.refusal = None
    stub.say(Submit(7, "a:b", (TABLE,)), Submit(8, "a:b", ()))
    assert stub.sent == [Failed(7, "the store is full")]
    assert [number for number, _, _, _ in stub.given] == [8]


def test_a_task_that_is_refused_leaves_its_node_free() -> None:
    stub = Stub(2)
    stub.refusal = TaskRefusedError("it cannot be sent")
    stub.say(Submit(7, "a:b", ()))
    stub.refusal = None
    stub.say(Submit(8, "a:b", ()))
    assert stub.sent == [Failed(7, "it cannot be sent")]
    assert [node for _, node, _, _ in stub.given] == ["n0"]


def test_nodes_are_told_with_what_is_new_once() -> None:
    stub = Stub()
    assert stub.dispatcher.report(0.0)
    assert stub.dispatcher.report(1.0)
    assert stub.sent == [Nodes(1, 1, (News("node 10.0.0.0 works with 1 core(s)", False),)), Nodes(1, 1)]


def test_nothing_is_told_while_nodes_are_asked_and_there_is_time() -> None:
    stub = Stub()
    stub.see(2, found=None)
    assert stub.dispatcher.report(ASK_SECONDS)
    assert stub.sent == []
    assert stub.dispatcher.report(ASK_SECONDS + 1)
    assert [(each.count, each.cores) for each in stub.sent if isinstance(each, Nodes)] == [(1, 1)]


def test_a_cluster_of_other_code_cannot_be_used() -> None:
    stub = Stub(0)
    stub.see(1, found=OTHER)
    news = stub.nodes.news[0].sentence
    assert not stub.dispatcher.report(0.0)
    assert stub.sent == [Unusable(news)]


def test_a_cluster_where_nobody_answers_cannot_be_used() -> None:
    stub = Stub(0)
    assert stub.dispatcher.report(ASK_SECONDS)
    assert not stub.dispatcher.report(ASK_SECONDS + 1)
    assert stub.sent == [Unusable("no node of it has a core, and answers")]


def test_a_cluster_that_loses_all_nodes_later_is_still_there() -> None:
    stub = Stub()
    stub.dispatcher.report(0.0)
    stub.see(0)
    assert stub.dispatcher.report(1.0)
    assert stub.sent[1:] == [
        Nodes(0, 0, (News("node 10.0.0.0 is lost; what it had is done elsewhere", True),))
    ]
