"""Lines of the log, in which strangers' words must neither look like lines of ours nor move the cursor."""

import logging
from typing import Any

from anh_rollup.errors import escaped


class LineFormatter(logging.Formatter):
    """Writes a record as one line, escaped where it is not printable; lines of a trace follow, set in."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802 - logging's name
        """The line of a record, without its trace."""
        return escaped(super().formatMessage(record))

    def formatException(self, ei: Any) -> str:  # noqa: N802 - logging's name
        """The lines of a trace: what an error says in it may hold line ends, too."""
        return _set_in(super().formatException(ei))

    def formatStack(self, stack_info: str) -> str:  # noqa: N802 - logging's name
        """The lines of a stack."""
        return _set_in(super().formatStack(stack_info))


def _set_in(lines: str) -> str:
    return "\n".join(f"  {escaped(line)}" for line in lines.split("\n"))
