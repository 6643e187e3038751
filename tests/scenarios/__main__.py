"""Plays every lie and prints the table: `python -m tests.scenarios [NAME...]`."""

import logging
import sys

from anh_rollup.accountant.drills import DRILLS
from tests.scenarios.lies import play_lie, table


def main(names):
    logging.basicConfig(level=logging.ERROR)
    outcomes = []
    for name in names or DRILLS:
        outcomes.append(play_lie(name))
        sys.stdout.write(table(outcomes[-1:]).splitlines()[-1] + "\n")
        sys.stdout.flush()
    sys.stdout.write("\n" + table(outcomes) + "\n")


if __name__ == "__main__":
    main(sys.argv[1:])
