"""The time that a question's runs may take: an endless loop with much gas would hold a thread for minutes.

A limit holds for the thread, or the task, that sets it. A closure stops before the transaction, or the round
for workers, that would be next. Transactions of the order are never cut: what came of them must not depend on
how fast a machine is.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

from anh_rollup.world.errors import TimeLimitError

Clock = Callable[[], float]
"""Seconds that only grow."""


@dataclass(frozen=True, slots=True)
class _Limit:
    until: float
    seconds: float
    clock: Clock


_LIMIT: Final[ContextVar[_Limit | None]] = ContextVar("limit", default=None)


@contextmanager
def time_limit(
    seconds: float, clock: Clock = time.monotonic, *, since: float | None = None
) -> Iterator[None]:
    """While it is open, runs that an engine begins here stop after so many seconds.

    Args:
        seconds: How many.
        clock: What time it is.
        since: From when on; now unless given.
    """
    begun = clock() if since is None else since
    token = _LIMIT.set(_Limit(begun + seconds, seconds, clock))
    try:
        yield
    finally:
        _LIMIT.reset(token)


def require_time() -> None:
    """Checks that there is time left; engines do so wherever a run can go on and on.

    Raises:
        TimeLimitError: There is none.
    """
    limit = _LIMIT.get()
    if limit is not None and limit.clock() > limit.until:
        raise TimeLimitError(limit.seconds)
