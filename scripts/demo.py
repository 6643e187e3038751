"""The main job, live: a network is trained for a user, lied about, caught on L1, and paid (`make demo`).

    python -m scripts.demo [--keep FOLDER]

anvil, sequencer, two accountants, a challenger and one without a case are processes of their own on this
machine. Everything that is told is read from the chains; the exit code is 0 only if every outcome was.
"""

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from anh_rollup.cli.follow_up import command
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.cli.root import report
from anh_rollup.errors import AnhError
from scripts.story.accounts import read_wealth
from scripts.story.acts import DISHONEST, claims_made, inference, lie, order_training, true_claim
from scripts.story.ending import tell_ending
from scripts.story.leaving import paid_out, take_out
from scripts.story.stage import Stage


def main() -> int:
    """Plays the story; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="python -m scripts.demo", description="Play the main job on a local chain."
    )
    parser.add_argument("--keep", type=Path, default=None, help="folder for keys, stores and logs")
    arguments = parser.parse_args()
    console = Console()
    folder = (arguments.keep or Path(tempfile.mkdtemp(prefix="anh-demo-"))).resolve()
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ProcessGroup(folder / "logs") as processes:
            play(LocalNetwork(folder, processes), console)
    except AnhError as error:
        report(error, console)
        console.print(f"the logs of all processes are in {folder / 'logs'}", soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print(f"stopped; the logs of all processes are in {folder / 'logs'}", soft_wrap=True)
        return 130
    finally:
        signal.signal(signal.SIGTERM, previous)
    continuing = command("devnet", "--keep", "devnet")
    console.print(f"\nkeys, stores and logs: {folder}", soft_wrap=True)
    console.print(f"keep all of it running, and order jobs yourself: {continuing}", soft_wrap=True)
    return 0


def play(network: LocalNetwork, console: Console) -> None:
    """Starts the processes and plays every act.

    Raises:
        AnhError: A process fails, or an outcome is not what it has to be.
    """
    console.print("[bold cyan]Raising the curtain:[/] anvil, contracts, sequencer, challenger, accountants")
    deployment = network.start_l1(report=lambda line: console.print(f"          {line}", highlight=False))
    network.start_challenger()
    network.start_accountant(DISHONEST, "--drill", "boasted-accuracy")
    network.start_sequencer()
    stage = Stage(network, L1View(network.l1(), deployment), console)
    before = read_wealth(network)
    placed = order_training(stage)
    lied = lie(stage, placed)
    honest = true_claim(stage, placed)
    take_out(stage)
    answered = inference(stage, honest)
    paid_out(stage)
    tell_ending(stage, before, claims_made(stage, lied, honest, answered))


if __name__ == "__main__":
    sys.exit(main())
