"""What `anh model publish` and `anh program publish` share."""

from functools import partial
from pathlib import Path

from rich.console import Console

from anh_rollup.cli.display import progress
from anh_rollup.cli.options import read_account
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.publishing import publish, unpublished
from anh_rollup.encoding.artifacts import Model
from anh_rollup.protocol.publishing import published_form, publishing_steps
from anh_rollup.tensor.program import Program


def publish_artifact(artifact: Program | Model, l2_url: str, key_file: Path) -> None:
    """Puts an artifact into the order, and shows how far it is.

    Raises:
        AnhError: It is too large, the account cannot pay, or the L2 refuses.
    """
    account = read_account(key_file)
    kind, content = published_form(artifact)
    steps = publishing_steps(kind, artifact.root, content)
    console, l2 = Console(), L2Client(l2_url)
    say = partial(console.print, soft_wrap=True, highlight=False)
    missing = unpublished(l2.is_published, steps)
    name = f"{kind.name.lower()} 0x{artifact.root.hex()}"
    if not missing:
        say(f"{name} is published already")
        return
    say(f"{name}: {len(content):,} bytes, {len(missing)} of {len(steps)} transactions are to be sent")
    with progress(Console(stderr=True)) as shown:
        task = shown.add_task("publishing", total=len(missing))
        publish(l2, account, missing, lambda done: shown.update(task, completed=done))
    say("published: contracts can ask it from now on")
