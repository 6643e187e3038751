"""`anh program`: tensor programs in their readable form, and their publication."""

from pathlib import Path

import click

from anh_rollup.cli.artifact_source import artifact_options, find_artifact
from anh_rollup.cli.dispute_words import told_dispute
from anh_rollup.cli.options import key_option, l2_option, parse_digest, store_option
from anh_rollup.cli.publish import publish_artifact
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.text import format_program


@click.group(name="program")
def program_group() -> None:
    """Look at tensor programs, put them into the order.

    \b
    Example:
      anh program show 0x9d1e.. --store ./artifacts
    """


@program_group.command(name="show")
@click.argument("root", type=parse_digest)
@store_option()
def show_command(root: bytes, store_url: str) -> None:
    """Print a program, one value a line, and what a dispute about it takes at most. ROOT is its root.

    \b
    Example:
      anh program show 0x9d1e.. --store ./artifacts
    """
    program = ArtifactStore(store_url).get_program(root)
    click.echo(format_program(program), nl=False)
    click.echo(told_dispute(program))


@program_group.command(name="publish")
@artifact_options()
@l2_option()
@key_option("the payer's")
def publish_command(root: bytes, l2_url: str, key_file: Path, store_url: str | None, source: str) -> None:
    """Put a program into the order, so that contracts can ask its networks. ROOT is its root.

    --l2 has to be a follower. What is in the order already is not sent again: after a failure call it again.

    \b
    Example:
      anh program publish 0x9d1e.. --store ./artifacts --l2 http://127.0.0.1:8570 --key-file user.key
    """
    publish_artifact(find_artifact(ArtifactStore.get_program, root, store_url, source), l2_url, key_file)
