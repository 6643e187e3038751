"""Several programs at once, each a process with a log of its own, stopped together whatever happens."""

import socket
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from os import SEEK_END
from pathlib import Path
from types import TracebackType
from typing import Final

from anh_rollup.errors import AnhError

#: Seconds that a process has to stop by itself before it is killed.
GRACE: Final = 10.0

#: Bytes at the end of a log in which its last words are looked for (choice: several long traces).
LAST_BYTES: Final = 1 << 16


class ProcessDiedError(AnhError):
    """A process ended that should have gone on.

    Attributes:
        name: What it was.
        code: Its exit code; negative for a signal.
        log: What it wrote.
    """

    def __init__(self, name: str, code: int, log: Path) -> None:
        super().__init__(
            f"the process {name!r} ended with code {code}: {_last_words(log)}", remedy=f"Read its log: {log}"
        )
        self.name = name
        self.code = code
        self.log = log


class ProgramMissingError(AnhError):
    """A program that has to be started is not installed.

    Attributes:
        program: Its name.
    """

    def __init__(self, program: str) -> None:
        super().__init__(
            f"{program} is not installed", remedy="Run `make setup`, or give its path with --anvil."
        )
        self.program = program


@dataclass(frozen=True, slots=True)
class Running:
    """A process that was started.

    Attributes:
        name: What it is.
        log: What it writes.
        process: The process.
        ends: Whether it may end by itself, with code 0.
    """

    name: str
    log: Path
    process: "subprocess.Popen[bytes]"
    ends: bool = False

    def require_alive(self) -> None:
        """Raises `ProcessDiedError` where the process has ended that should not have."""
        code = self.process.poll()
        if code is not None and not (self.ends and code == 0):
            raise ProcessDiedError(self.name, code, self.log)


@dataclass(slots=True)
class ProcessGroup:
    """Processes that live and end together; a context manager that always stops them.

    Attributes:
        logs: Folder of the logs.
        running: What was started, oldest first.
    """

    logs: Path
    running: list[Running] = field(default_factory=list)

    def start(self, name: str, command: Sequence[str], *, ends: bool = False) -> Running:
        """Starts a process in a session of its own, so that Ctrl-C reaches only us.

        Raises:
            ProgramMissingError: There is no such program.
        """
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{name.replace(' ', '-')}.log"
        try:
            with log.open("ab") as output:
                process = subprocess.Popen(  # noqa: S603
                    list(command),
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=subprocess.STDOUT,
                    start_new_session=True,
                )
        except OSError as error:
            raise ProgramMissingError(command[0]) from error
        started = Running(name, log, process, ends)
        self.running.append(started)
        return started

    def require_alive(self) -> None:
        """Raises `ProcessDiedError` for the first process that has ended."""
        for each in self.running:
            each.require_alive()

    def stop(self, name: str | None = None) -> None:
        """Ends all processes, or those of one name, the latest first; waits for each, kills the slow ones."""
        ending = [each for each in reversed(self.running) if name in (None, each.name)]
        for each in ending:
            if each.process.poll() is None:
                each.process.terminate()
        until = time.monotonic() + GRACE
        for each in ending:
            try:
                each.process.wait(max(0.0, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                each.process.kill()
                each.process.wait()
            self.running.remove(each)

    def __enter__(self) -> "ProcessGroup":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()


def free_port() -> int:
    """A port of this machine that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def accepts_connections(port: int) -> bool:
    """Whether somebody listens on a port of this machine."""
    try:
        socket.create_connection(("127.0.0.1", port), 1.0).close()
    except OSError:
        return False
    return True


def _last_words(log: Path) -> str:
    """The last error that the end of a log tells, or its last line that says something."""
    try:
        with log.open("rb") as file:
            file.seek(max(0, file.seek(0, SEEK_END) - LAST_BYTES))
            end = file.read()
    except OSError:
        return "(no log)"
    lines = [line.strip() for line in end.decode(errors="replace").splitlines()]
    told = [line for line in lines if line.startswith("Error:")] or [line for line in lines if line]
    return told[-1].removeprefix("Error: ") if told else "(empty log)"
