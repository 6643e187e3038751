"""Runs the command line: `python -m anh_rollup.cli`."""

from anh_rollup.cli.root import main

main()
