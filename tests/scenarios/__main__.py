"""Plays every lie and prints the table: `python -m tests.scenarios [NAME...]`; code 1 if one stands."""

import argparse
import logging
import sys

from tests.scenarios.lies import HEAD, LIES, play_lie, row


def known_lie(word):
    """`word`, where it is the name of a lie: the type of `NAME`."""
    if word not in LIES:
        raise argparse.ArgumentTypeError(f"no such drill: {word[:80]!r}; one of {', '.join(LIES)}")
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
        help=f"default: all of {', '.join(LIES)}",
    )
    names = parser.parse_args(words).names
    logging.basicConfig(level=logging.ERROR)
    sys.stdout.write(HEAD + "\n")
    code = 0
    for name in names or LIES:
        try:
            line = row(play_lie(name))
        except AssertionError as error:
            line, code = f"{name:<22}NOT REFUTED: {error}", 1
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    return code


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
