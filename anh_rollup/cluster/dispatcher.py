"""Which node has a task, how often it is tried, and what the role is told. Imports no ray."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from anh_rollup.cluster.errors import TaskRefusedError
from anh_rollup.cluster.messages import (
    Cancel,
    Done,
    Failed,
    Nodes,
    Release,
    Share,
    Shared,
    Submit,
    Unusable,
)
from anh_rollup.cluster.nodes import NodeList

#: In which the first nodes are to say what they run: a worker process starts in a few seconds (choice).
ASK_SECONDS: Final = 15.0

#: Nodes that are given a task, one after the other, before its role does it itself (choice).
MOST_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class Broken:
    """How a call on a node went wrong.

    Attributes:
        reason: The error, in one line.
        is_lost: Whether the node is to blame, and not what it called: another one may do it.
    """

    reason: str
    is_lost: bool


@dataclass(frozen=True, slots=True)
class Calls:
    """What a dispatcher asks of the cluster. The first two raise `TaskRefusedError`.

    Attributes:
        submit: Has a node call a function for the task of a number; a reference to what comes of it.
        put: Puts a value where every node can read it; a reference to it.
        cancel: Gives up what a reference stands for.
    """

    submit: Callable[[int, str, str, Sequence[Any]], Any]
    put: Callable[[Any], Any]
    cancel: Callable[[Any], None]


@dataclass(slots=True)
class _Task:
    """A task that is out, the nodes that have had it, the last of them now, and why the others have not."""

    order: Submit
    reference: Any = None
    nodes: list[str] = field(default_factory=list)
    reason: str = "no node works"
    is_wanted: bool = True


class Dispatcher:
    """Hands tasks to nodes, and results to the role. Used by one thread.

    Args:
        nodes: Of the cluster.
        calls: What the cluster does for it.
        send: Tells the role something.
        now: In seconds of a clock that only goes on.
    """

    def __init__(self, nodes: NodeList, calls: Calls, send: Callable[[object], None], now: float) -> None:
        self._nodes = nodes
        self._calls = calls
        self._send = send
        self._due = now + ASK_SECONDS
        self._is_ready = False
        self._tasks: dict[int, _Task] = {}
        self._shared: dict[Shared, Any] = {}

    def carry_out(self, message: object) -> None:
        """Does what the role says."""
        match message:
            case Share(shared, value):
                self._shared[shared] = self._kept(value)
            case Release(shared):
                self._shared.pop(shared, None)
            case Submit():
                self._tasks[message.number] = task = _Task(message)
                self._begin(task)
            case Cancel(number) if number in self._tasks:
                self._tasks[number].is_wanted = False
                self._calls.cancel(self._tasks[number].reference)

    def returned(self, number: int, value: Any) -> None:
        """Takes in what a task has returned."""
        task = self._left(number)
        self._finish(task, Done(number, value))

    def broke(self, number: int, broken: Broken) -> None:
        """Takes in that a task has not ended well; where its node is lost, another one gets it."""
        task = self._left(number)
        if not broken.is_lost:
            self._fail(task, f"{broken.reason}, on node {self._nodes.place(task.nodes[-1])}")
        elif task.is_wanted:
            task.reason = f"{broken.reason}, and no other node can have it"
            self._begin(task)
        else:
            del self._tasks[number]

    def report(self, now: float) -> bool:
        """Tells the role how the cluster is, once it is known; whether it can be used at all."""
        if not self._is_ready:
            self._is_ready = self._nodes.is_settled or now > self._due
            if not self._is_ready:
                return True
            if not self._nodes.count:
                news = "; ".join(each.sentence for each in self._nodes.news)
                self._send(Unusable(news or "no node of it has a core, and answers"))
                return False
        self._send(Nodes(self._nodes.count, self._nodes.cores, tuple(self._nodes.news)))
        self._nodes.news.clear()
        return True

    # --- inside ---

    def _begin(self, task: _Task) -> None:
        """Gives a task to a node that has not had it."""
        node = self._nodes.begin(task.nodes) if len(task.nodes) < MOST_TRIES else None
        if node is None:
            self._fail(task, task.reason)
            return
        task.nodes.append(node)
        order = task.order
        try:
            given = [self._given(each) for each in order.arguments]
            task.reference = self._calls.submit(order.number, node, order.work, given)
        except TaskRefusedError as error:
            self._nodes.end(node)
            self._fail(task, error.reason)

    def _kept(self, value: Any) -> Any:
        """A reference to what is shared; the error where the cluster has no room for it."""
        try:
            return self._calls.put(value)
        except TaskRefusedError as error:
            return error

    def _given(self, argument: Any) -> Any:
        """An argument as a node gets it.

        Raises:
            TaskRefusedError: It could not be shared, or is no more.
        """
        if not isinstance(argument, Shared):
            return argument
        found = self._shared.get(argument, TaskRefusedError("what it needs is not shared"))
        if isinstance(found, TaskRefusedError):
            raise found
        return found

    def _left(self, number: int) -> _Task:
        """A task that its node has no more."""
        task = self._tasks[number]
        self._nodes.end(task.nodes[-1])
        return task

    def _fail(self, task: _Task, reason: str) -> None:
        self._finish(task, Failed(task.order.number, reason))

    def _finish(self, task: _Task, answer: Done | Failed) -> None:
        del self._tasks[task.order.number]
        if task.is_wanted:
            self._send(answer)
