"""How far a command or a role is with long work: bars on a terminal, else a line every now and then."""

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from threading import Event, Lock, Thread
from typing import Final, TypeVar

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn

LOG = logging.getLogger(__name__)

T = TypeVar("T")

#: Seconds between two lines about long work (choice).
REPORT_SECONDS: Final = 10.0

#: Waits so many seconds, or until work is done; whether it is.
Pause = Callable[[float], bool]


@contextmanager
def progress(console: Console, pause: Pause | None = None) -> Iterator[Progress]:
    """Shows what a command is working on: bars, which go when it is done, else a line every now and then.

    Args:
        console: Where; bars need a terminal.
        pause: How to wait between two lines (tests replace it).
    """
    with _bars(console) as shown:
        if console.is_terminal:
            yield shown
            return
        done = Event()
        lines = Thread(target=_tell, args=(console, shown, pause or done.wait), daemon=True)
        lines.start()
        try:
            yield shown
        finally:
            done.set()
            lines.join()


def _bars(console: Console) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    drawn = console.is_terminal
    # What is refreshed by itself counts only while it is drawn.
    return Progress(*columns, console=console, transient=True, disable=not drawn, auto_refresh=drawn)


def _tell(console: Console, shown: Progress, pause: Pause) -> None:
    """Prints lines until the work is done."""
    elapsed = 0.0
    while not pause(REPORT_SECONDS):
        elapsed += REPORT_SECONDS
        at_work = [_words(each) for each in shown.tasks if not each.finished]
        line = f"{elapsed:.0f} s: {'; '.join(at_work) or 'at work'}"
        console.print(line, soft_wrap=True, highlight=False, markup=False)


def _words(task: Task) -> str:
    of = "" if task.total is None else f", {task.completed:.0f} of {task.total:.0f}"
    return f"{task.description}{of}"


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
            self._bars = self._bars or _bars(self.console)
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
