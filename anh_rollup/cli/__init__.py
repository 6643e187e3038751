"""The command line: arguments in, exit code out."""

from anh_rollup.cli.root import main

__all__ = ["main"]
