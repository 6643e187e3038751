"""The `anh` command group, and how it reports errors."""

import logging
import re
from collections.abc import Iterator, Mapping, MutableMapping
from importlib import import_module
from typing import Any, Final

import click
from rich.console import Console
from rich.text import Text

from anh_rollup import __version__
from anh_rollup.cli.follow_up import as_called, program
from anh_rollup.cli.log_lines import LineFormatter
from anh_rollup.cli.options import UsageError, visible
from anh_rollup.errors import AnhError

COMMANDS: Final[Mapping[str, str]] = {
    "accountant": "accountant_command",
    "answers": "answers_group",
    "challenger": "challenger_command",
    "claim": "claim_group",
    "deploy": "deploy_command",
    "deposit": "deposit_command",
    "devnet": "devnet_command",
    "exit": "exit_command",
    "follower": "follower_command",
    "game": "game_group",
    "job": "job_group",
    "ledger": "ledger_group",
    "model": "model_group",
    "program": "program_group",
    "sequencer": "sequencer_command",
    "slash": "slash_command",
    "withdraw": "withdraw_command",
}
"""What each module of this package calls its command. A command's name is that of its module."""


#: How a line of an example begins in the help of a command.
EXAMPLE: Final = re.compile(r"(\n +)anh ")


def report(error: AnhError, console: Console) -> None:
    """Prints what happened and what to do next; no traceback."""
    for name, style, said in (("Error: ", "bold red", error.message), ("Next:  ", "bold cyan", error.remedy)):
        console.print(Text.assemble((name, style), visible(as_called(said))), soft_wrap=True)


class CommandsOnDemand(MutableMapping[str, click.Command]):
    """Commands whose modules are imported when they are asked for.

    A sequencer must not load torch because an accountant does, and every process starts faster.

    Args:
        names: What each module of this package calls its command.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = dict(names)
        self._loaded: dict[str, click.Command] = {}

    def __getitem__(self, name: str) -> click.Command:
        if name not in self._loaded:
            module = import_module(f"anh_rollup.cli.{name}") if name in self._names else None
            if module is None:
                raise KeyError(name)
            self._loaded[name] = getattr(module, self._names[name])
        return self._loaded[name]

    def __setitem__(self, name: str, command: click.Command) -> None:
        self._loaded[name] = command

    def __delitem__(self, name: str) -> None:
        self._names.pop(name, None)
        self._loaded.pop(name, None)

    def __iter__(self) -> Iterator[str]:
        return iter({**self._names, **self._loaded})

    def __len__(self) -> int:
        return len({**self._names, **self._loaded})

    def __contains__(self, name: object) -> bool:
        return name in self._names or name in self._loaded


def exit_code(error: AnhError) -> int:
    """2 after words on the command line that make no sense, 1 after anything else; click's own codes, too."""
    return 2 if isinstance(error, UsageError) else 1


def name_program(command: click.Command, name: str) -> None:
    """Writes the program's name into the examples of a command's help, and of those below it."""
    command.help = EXAMPLE.sub(lambda found: f"{found[1]}{name} ", command.help or "")
    for below in command.commands.values() if isinstance(command, click.Group) else ():
        name_program(below, name)


class ReportingGroup(click.Group):
    """A command group that turns an `AnhError` of any command into a report and an exit code.

    Usage and examples name the program as it has to be called, so that they can be pasted.
    """

    def main(self, *arguments: Any, **settings: Any) -> Any:
        """Runs the program; see `click.Group.main`."""
        return super().main(*arguments, **{"prog_name": program(), **settings})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """A command by its name; None where there is none."""
        found = super().get_command(ctx, cmd_name)
        if found is not None:
            name_program(found, ctx.find_root().info_name or program())
        return found

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the chosen command; only errors that we raise on purpose are caught."""
        try:
            return super().invoke(ctx)
        except AnhError as error:
            report(error, Console(stderr=True))
            ctx.exit(exit_code(error))


@click.group(
    name="anh",
    cls=ReportingGroup,
    commands=CommandsOnDemand(COMMANDS),
    context_settings={"help_option_names": ["-h", "--help"]},
)
@click.version_option(__version__, prog_name="anh")
def main() -> None:
    """A New Hope rollup: verifiable deep learning on Ethereum.

    \b
    Example:
      anh --help
    """
    handler = logging.StreamHandler()
    handler.setFormatter(LineFormatter("%(asctime)s %(levelname)-7s %(message)s"))
    logging.basicConfig(level=logging.INFO, handlers=[handler])
