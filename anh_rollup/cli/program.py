"""`anh program`: tensor programs in their readable form."""

import click

from anh_rollup.cli.options import parse_digest, store_option
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.text import format_program


@click.group(name="program")
def program_group() -> None:
    """Look at tensor programs.

    \b
    Example:
      anh program show 0x9d1e.. --store ./artifacts
    """


@program_group.command(name="show")
@click.argument("root", type=parse_digest)
@store_option()
def show_command(root: bytes, store_url: str) -> None:
    """Print a program, one value a line. ROOT is its root.

    \b
    Example:
      anh program show 0x9d1e.. --store ./artifacts
    """
    click.echo(format_program(ArtifactStore(store_url).get_program(root)), nl=False)
