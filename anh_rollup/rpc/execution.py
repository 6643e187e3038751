"""Questions that need execution: in threads of their own, bounded in number and in time.

A question that takes too long is answered with an error, and its thread ends with what it is at: the world
keeps what it has executed, so the same question comes further the next time.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from threading import BoundedSemaphore
from typing import TypeVar

from anh_rollup.rpc.errors import Code, RpcError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExecutionLimits:
    """What questions together may take.

    Attributes:
        threads: Questions that execute at the same time.
        waiting: Questions that execute or wait for a thread.
        seconds: Longest time until one is answered.
        patience: Longest wait for room among those: a burst of short questions passes.
    """

    threads: int = 4
    waiting: int = 16
    seconds: float = 10.0
    patience: float = 0.5


class Execution:
    """Runs questions; `close` it.

    Args:
        limits: What they may take.
    """

    def __init__(self, limits: ExecutionLimits) -> None:
        self._limits = limits
        self._pool = ThreadPoolExecutor(limits.threads, "execution")
        self._room = BoundedSemaphore(limits.waiting)

    def run(self, question: Callable[[], T]) -> T:
        """The answer to a question.

        Raises:
            RpcError: Too many wait, or it takes too long.
        """
        if not self._room.acquire(timeout=self._limits.patience):
            raise RpcError(
                Code.LIMIT, "limit exceeded: too many questions are executed", remedy="Ask again later."
            )
        try:
            future = self._pool.submit(question)
        except RuntimeError:
            self._room.release()
            raise RpcError(Code.INTERNAL, "the node stops", remedy="Ask another one.") from None
        future.add_done_callback(lambda _done: self._room.release())
        try:
            return future.result(self._limits.seconds)
        except TimeoutError:
            future.cancel()
            raise RpcError(
                Code.SERVER,
                f"execution aborted (timeout = {self._limits.seconds:g}s)",
                remedy="Ask again: what was executed so far is kept.",
            ) from None

    def close(self) -> None:
        """Takes no more questions; one under way ends by itself."""
        self._pool.shutdown(wait=False, cancel_futures=True)
