"""Plays every lie and prints the table: `python -m tests.scenarios [NAME...]`; code 1 if one stands."""

import argparse
import logging
import sys

from tests.scenarios import ledger_lies
from tests.scenarios.lies import HEAD, LIES, play_lie, row

#: Everything that can be played: lies about results, then about the ledger.
NAMES = (*LIES, *ledger_lies.LIES)


def known_lie(word):
    """`word`, where it is the name of a lie: the type of `NAME`."""
    if word not in NAMES and word not in LIES:
        raise argparse.ArgumentTypeError(f"no such drill: {word[:80]!r}; one of {', '.join(NAMES)}")
    return word


def main(words):
    """Prints a row for each lie; the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.scenarios",
        description="Play lies against an honest challenger on a local chain; code 1 if one stands.",
    )
    parser.add_argument(
        "names",
        nargs="*",
        type=known_lie,
        metavar="NAME",
        help=f"default: all of {', '.join(NAMES)}",
    )
    names = parser.parse_args(words).names
    logging.basicConfig(level=logging.ERROR)
    names = names or NAMES
    about_results = [name for name in names if name not in ledger_lies.LIES]
    about_ledger = [name for name in names if name in ledger_lies.LIES]
    fell = not about_results or _print(HEAD, _play_lies(about_results))
    if about_ledger:
        fell = _print(ledger_lies.HEAD, ledger_lies.play_lies(about_ledger)) and fell
    return 0 if fell else 1


def _play_lies(names):
    """For each lie about a result its line of the table, and whether it fell."""
    for name in names:
        try:
            yield row(play_lie(name)), True
        except AssertionError as error:
            yield f"{name:<22}NOT REFUTED: {error}", False


def _print(head, lines):
    """Prints a table as it comes; whether every lie fell."""
    sys.stdout.write(head + "\n")
    fell = True
    for line, is_refuted in lines:
        fell = fell and is_refuted
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return fell


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
