"""Commands of this program that are printed: as the shell of whoever reads them takes them."""

import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import click
from click.core import ParameterSource
from rich.console import Console

from anh_rollup.client.wording import short

#: The parameters that say where a rollup is, and that every command about one has.
PLACES: Final = ("l1_url", "deployment_path")


def program() -> str:
    """What starts this program in the user's shell: `anh` where that is found, else its path from here."""
    own, found = Path(sys.executable).with_name("anh"), shutil.which("anh")
    if not own.is_file():
        return f"{shlex.quote(sys.executable)} -m anh_rollup.cli"
    if found is not None and Path(found).samefile(own):
        return "anh"
    return _from_here(own)


def interpreter() -> str:
    """The Python of this process for the user's shell: its path from here."""
    return _from_here(Path(sys.executable))


def _from_here(path: Path) -> str:
    here = Path.cwd()
    return shlex.quote(str(path.relative_to(here) if path.is_relative_to(here) else path))


def as_called(text: str) -> str:
    """A sentence whose commands, written `anh ...`, begin as the user's shell needs it."""
    return text.replace("`anh ", f"`{program()} ")


def command(*words: str) -> str:
    """A command of this program, for the user's shell."""
    return f"{program()} {shlex.join(words)}"


def order(kind: str, *words: str) -> str:
    """The command that submits a job of a kind, for the user's shell; what only the user knows is named."""
    submit = command("job", "submit", "--kind", kind, *words)
    return f"{submit} --reward ETHER --key-file FILE --deployment FILE --l1 URL --l2 URL"


def command_here(*words: str) -> str:
    """A command about the rollup that the running one is about.

    It has those of the options in `PLACES` that were given on the command line: the shell knows the others.
    """
    context = click.get_current_context(silent=True)
    if context is None:
        return command(*words)
    given = [
        word
        for option in context.command.params
        if option.name in PLACES and context.get_parameter_source(option.name) is ParameterSource.COMMANDLINE
        for word in (option.opts[0], str(context.params[option.name]))
    ]
    return command(*words, *given)


def look_closer(console: Console, words: Sequence[str], identifiers: Sequence[bytes]) -> None:
    """Says which command shows more of each row of a table; tables have room for short ids only."""
    for each in identifiers:
        shown = command_here(*words, f"0x{each.hex()}")
        console.print(f"{short(each)}: {shown}", soft_wrap=True, highlight=False, markup=False)
