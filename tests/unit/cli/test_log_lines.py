"""A record of the log is one line, whatever strangers' words are in it; traces are set in below it."""

import logging
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.cli.log_lines import LineFormatter

FORMAT = "%(levelname)-7s %(message)s"


def line(text: str, fault: BaseException | None = None, stack: str | None = None) -> str:
    given = None if fault is None else (type(fault), fault, fault.__traceback__)
    record = logging.LogRecord("a", logging.INFO, "a.py", 1, "job: %s", (text,), given, sinfo=stack)
    return LineFormatter(FORMAT).format(record)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("paid", "paid"),
        ("né an", "né an"),
        ("\n2026 INFO key lost", r"\n2026 INFO key lost"),
        ("\r\x1b[2Kgone", r"\r\x1b[2Kgone"),
        ("\u2028\x85\u202e", r"\u2028\x85\u202e"),
    ],
)
def test_what_is_not_printable_is_escaped(text: str, shown: str) -> None:
    assert line(text) == f"INFO    job: {shown}"


@given(st.text())
def test_any_text_is_one_printable_line(text: str) -> None:
    assert line(text).isprintable()


def test_lines_of_a_trace_are_set_in() -> None:
    assert line("late", ValueError("\x1b[2K\n2026 INFO paid")).splitlines() == [
        "INFO    job: late",
        r"  ValueError: \x1b[2K",
        "  2026 INFO paid",
    ]


def test_lines_of_a_stack_are_set_in() -> None:
    assert line("late", stack="Stack:\n  a\x07").splitlines() == [
        "INFO    job: late",
        "  Stack:",
        r"    a\x07",
    ]


def test_the_command_line_logs_so() -> None:
    program = (
        "import logging\n"
        "from anh_rollup.cli import main\n"
        "main.callback()\n"
        "logging.getLogger('a').warning('%s', 'a\\nb')\n"
    )
    shown = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    (only,) = shown.stderr.splitlines()
    assert only.endswith(r" WARNING a\nb")
