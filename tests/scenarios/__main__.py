"""Plays every lie and prints the table: `python -m tests.scenarios [NAME...]`; code 1 if one stands."""

import logging
import sys

from tests.scenarios.lies import HEAD, LIES, play_lie, row


def main(names):
    """Prints a row for each lie; the exit code."""
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
