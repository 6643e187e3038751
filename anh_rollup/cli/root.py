"""The `anh` command group, and how it reports errors."""

import logging
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from anh_rollup import __version__
from anh_rollup.cli.accountant import accountant_command
from anh_rollup.cli.challenger import challenger_command
from anh_rollup.cli.claim import claim_group
from anh_rollup.cli.deploy import deploy_command
from anh_rollup.cli.devnet import devnet_command
from anh_rollup.cli.game import game_group
from anh_rollup.cli.job import job_group
from anh_rollup.cli.model import model_group
from anh_rollup.cli.program import program_group
from anh_rollup.cli.sequencer import sequencer_command
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
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)-7s %(message)s")


for _command in (
    accountant_command,
    challenger_command,
    claim_group,
    deploy_command,
    devnet_command,
    game_group,
    job_group,
    model_group,
    program_group,
    sequencer_command,
):
    main.add_command(_command)
