"""The `anh` command group, and how it reports errors."""

from typing import Any

import click
from rich.console import Console
from rich.text import Text

from anh_rollup import __version__
from anh_rollup.errors import AnhError


def report(error: AnhError, console: Console) -> None:
    """Prints what happened and what to do next; no traceback."""
    console.print(Text.assemble(("Error: ", "bold red"), error.message), soft_wrap=True)
    console.print(Text.assemble(("Next:  ", "bold cyan"), error.remedy), soft_wrap=True)


class ReportingGroup(click.Group):
    """A command group that turns an `AnhError` of any command into a report and exit code 1."""

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the chosen command; only errors that we raise on purpose are caught."""
        try:
            return super().invoke(ctx)
        except AnhError as error:
            report(error, Console(stderr=True))
            ctx.exit(1)


@click.group(name="anh", cls=ReportingGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="anh")
def main() -> None:
    """A New Hope rollup: verifiable deep learning on Ethereum.

    \b
    Example:
      anh --help
    """
