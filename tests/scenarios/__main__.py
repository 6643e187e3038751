"""Plays every lie and prints the table: `python -m tests.scenarios [NAME...]`."""

import logging
import sys

from tests.scenarios.lies import HEAD, LIES, play_lie, row


def main(names):
    logging.basicConfig(level=logging.ERROR)
    sys.stdout.write(HEAD + "\n")
    for name in names or LIES:
        sys.stdout.write(row(play_lie(name)) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main(sys.argv[1:])
