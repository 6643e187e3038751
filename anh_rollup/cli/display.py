"""How far a role is with long work: bars on a terminal, else a line of log every now and then."""

import logging
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from threading import Lock
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

LOG = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two lines of log about one work (choice).
REPORT_SECONDS: Final = 10.0


def progress(console: Console) -> Progress:
    """Bars for what is being worked on, which go when it is done; only a terminal shows them."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)


@dataclass(slots=True)
class Display:
    """Shows how far several threads are with their work. Implements `Watch`.

    Attributes:
        console: Where bars are drawn, if it is a terminal.
        clock: Seconds, for lines of log.
    """

    console: Console = field(default_factory=lambda: Console(stderr=True))
    clock: Callable[[], float] = time.monotonic
    _lock: Lock = field(default_factory=Lock)
    _bars: Progress | None = None
    _shown: int = 0

    def __call__(self, parts: Sequence[T], work: str, /) -> Iterable[T]:
        """The parts, one after the other; a single one is not worth to be shown. See `Watch`."""
        if len(parts) < 2:
            return parts
        return self._drawn(parts, work) if self.console.is_terminal else self._logged(parts, work)

    def _drawn(self, parts: Sequence[T], work: str) -> Iterable[T]:
        bars = self._begin()
        task = bars.add_task(work, total=len(parts))
        try:
            for part in parts:
                yield part
                bars.advance(task)
        finally:
            bars.remove_task(task)
            self._end()

    def _begin(self) -> Progress:
        """The bars: one display for all threads, for a terminal has room for one."""
        with self._lock:
            self._bars = self._bars or progress(self.console)
            self._shown += 1
            self._bars.start()
            return self._bars

    def _end(self) -> None:
        with self._lock:
            self._shown -= 1
            if self._shown == 0 and self._bars is not None:
                self._bars.stop()
                self._bars = None

    def _logged(self, parts: Sequence[T], work: str) -> Iterable[T]:
        told = self.clock()
        for done, part in enumerate(parts):
            if self.clock() >= told + REPORT_SECONDS:
                told = self.clock()
                LOG.info("%s: %d of %d parts", work, done, len(parts))
            yield part
