"""Clusters without nodes, for what uses a `Cluster`: tasks are carried out here, or never."""

import random
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from typing import Any

from anh_rollup.cluster.errors import ClusterError, TaskFailedError
from anh_rollup.cluster.messages import Shared


class FakeCluster:
    """Carries out tasks in this process; some end with an error instead.

    Args:
        works: What carries out a task, by its name.
        errors: With which tasks end.
        chance: That one does.
    """

    nodes, working, places = 2, 2, 4

    def __init__(
        self, works: dict[str, Callable[..., Any]], errors: Sequence[ClusterError] = (), chance: float = 0.0
    ) -> None:
        self.works = works
        self.errors = errors
        self.chance = chance
        self.random = random.Random(1)
        self.is_closed = False
        self.shared: dict[Shared, Any] = {}
        self.released = 0
        self.carried_out: list[tuple[Any, ...]] = []
        self.told: list[str] = []
        self.cancelled: list[Future[Any]] = []

    def share(self, value: Any) -> Shared:
        shared = Shared(str(len(self.shared)))
        self.shared[shared] = value
        return shared

    def release(self, shared: Shared) -> None:
        del self.shared[shared]
        self.released += 1

    def submit(self, work: str, *arguments: Any) -> Future[Any]:
        future: Future[Any] = Future()
        if self.errors and self.random.random() < self.chance:
            future.set_exception(self.random.choice(self.errors))
        else:
            self.carried_out.append(arguments)
            given = [self.shared[each] if isinstance(each, Shared) else each for each in arguments]
            future.set_result(self.works[work](*given))
        return future

    def cancel(self, futures: list[Future[Any]]) -> None:
        self.cancelled += futures

    def tell_once(self, error: TaskFailedError) -> None:
        self.told.append(error.reason)

    def close(self) -> None:
        self.is_closed = True


class SilentCluster(FakeCluster):
    """Never answers, but for the works that it was given."""

    def submit(self, work: str, *arguments: Any) -> Future[Any]:
        return super().submit(work, *arguments) if work in self.works else Future()
