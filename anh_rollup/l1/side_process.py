"""A process beside a role's own, for what takes long and holds the interpreter's lock.

`SideProcess` starts this module. In the role's own process nobody would get an answer meanwhile.
"""

import os
import pickle
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import BinaryIO, Final, ParamSpec, TypeVar

from anh_rollup.l1.errors import TransientL1Error

#: Seconds that a call may take (choice): a hundred times what a full batch takes.
LONGEST: Final = 180.0

_P = ParamSpec("_P")
_R = TypeVar("_R")


class SideProcessError(TransientL1Error):
    """The process beside a role ended, or cannot be started; the next attempt starts another one.

    Attributes:
        cause: What happened.
    """

    def __init__(self, cause: str) -> None:
        super().__init__(
            f"the process that packs batches and computes blob proofs failed: {cause}",
            remedy="Look above for its last words, and check that there is memory left.",
        )
        self.cause = cause


class SideProcess:
    """Runs functions of modules; usable from several threads, which take turns.

    The process starts with the first call and ends when its owner does, in whatever way.

    Args:
        longest: Seconds that a call may take: what waits longer has failed, and its process is ended.
    """

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._turn = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, function: Callable[_P, _R], *args: _P.args, **kwargs: _P.kwargs) -> _R:
        """What a function returns, which raises nothing: its arguments have been checked.

        Raises:
            SideProcessError: The process failed.
        """
        with self._turn:
            try:
                process = self._process = self._process or _start()
                if process.stdin is None or process.stdout is None:
                    raise BrokenPipeError("it has no pipes")
                with _ended_after(self._longest, process):
                    pickle.dump((function, args, kwargs), process.stdin)
                    process.stdin.flush()
                    result: _R = pickle.load(process.stdout)  # noqa: S301, the other end is this module
            except (OSError, EOFError, pickle.UnpicklingError) as error:
                raise SideProcessError(f"it ended with code {self._end()}") from error
        return result

    @property
    def pid(self) -> int | None:
        """The number of the process; None while there is none."""
        return None if self._process is None else self._process.pid

    def close(self) -> None:
        """Ends the process; a later call starts another one."""
        with self._turn:
            self._end()

    def _end(self) -> int | None:
        """Its exit code; None where there was none."""
        process, self._process = self._process, None
        if process is None:
            return None
        process.kill()
        process.communicate()
        return process.returncode


def _start() -> "subprocess.Popen[bytes]":
    """The process, in a session of its own: Ctrl-C is its owner's."""
    command = [sys.executable, "-m", __spec__.name]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, stdin=pipe, stdout=pipe, start_new_session=True)  # noqa: S603


@contextmanager
def _ended_after(seconds: float, process: "subprocess.Popen[bytes]") -> Iterator[None]:
    """Ends a process where what is done inside takes longer, so that nobody waits for it any more."""
    alarm = threading.Timer(seconds, process.kill)
    alarm.daemon = True
    alarm.start()
    try:
        yield
    finally:
        alarm.cancel()


def serve(asked: BinaryIO, answers: BinaryIO) -> None:
    """Runs what it is asked for, until nobody asks any more."""
    while True:
        try:
            function, args, kwargs = pickle.load(asked)  # noqa: S301, the other end is this module's caller
        except EOFError:
            return
        pickle.dump(function(*args, **kwargs), answers)
        answers.flush()


if __name__ == "__main__":
    # What a library prints goes where errors go, and not among the answers.
    with os.fdopen(os.dup(sys.stdout.fileno()), "wb") as own:
        os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
        serve(sys.stdin.buffer, own)
