"""`anh devnet`: the whole rollup on this machine, kept running until Ctrl-C."""

import shlex
import signal
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.cli.cluster_options import cluster_words, engine_options, with_cluster
from anh_rollup.cli.follow_up import as_called, command
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import ACCOUNTS, LEDGER_CLAIMS, LocalNetwork
from anh_rollup.cli.narration import Narrator
from anh_rollup.cli.options import port_option
from anh_rollup.cli.processes import ProcessGroup, accepts_connections, free_port
from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.claims import Revealed
from anh_rollup.l1.contracts.game import Opened

#: Seconds between two looks at the processes and at L1.
WATCH_SECONDS: Final = 1.0


class PortsTakenError(AnhError):
    """Somebody listens on ports that a local rollup should have.

    Attributes:
        taken: The ports, by the options that choose them.
    """

    def __init__(self, taken: Mapping[str, int]) -> None:
        ports = " and ".join(f"port {each}" for each in taken.values())
        super().__init__(
            f"taken, perhaps by another devnet: {ports} of this machine",
            remedy=f"Stop who listens there, or take free ones: `{' '.join(f'{each} 0' for each in taken)}`.",
        )
        self.taken = taken


@click.command(name="devnet")
@port_option("--port", 8545, "Port of the L1; 0 takes a free one.")
@port_option("--l2-port", 8560, "Port of the sequencer's JSON-RPC; 0 takes a free one.")
@port_option("--wallet-port", 8570, "Port of the follower's JSON-RPC, for wallets; 0 takes a free one.")
@click.option(
    "--keep",
    type=click.Path(file_okay=False, path_type=Path),
    default=None,
    help="Folder for keys, stores and logs; without it a temporary one that stays.",
)
@click.option(
    "--drill",
    type=click.Choice(list(DRILLS)),
    default="boasted-accuracy",
    show_default=True,
    help="How the dishonest accountant lies.",
)
@click.option("--anvil", default=None, help="Path of anvil; without it the one of `make setup`.")
@engine_options(
    "the roles have closures executed and properties evaluated", "With ray: most tasks of a role."
)
def devnet_command(keep: Path | None, drill: str, anvil: str | None, **options: Any) -> None:
    """Run a whole rollup on this machine: L1, sequencer, follower, two accountants, a challenger.

    \b
    Example:
      anh devnet --keep devnet
    """
    console, ports = Console(stderr=True), with_cluster(options)
    engine = cluster_words(ports.pop("cluster"), ports.pop("workers"))
    require_free({f"--{name.replace('_', '-')}": wanted for name, wanted in ports.items()})
    folder = keep or Path(tempfile.mkdtemp(prefix="anh-devnet-"))
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ProcessGroup(folder / "logs") as processes:
            network = LocalNetwork(folder.resolve(), processes, anvil)
            start_all(network, ports, drill, console, engine)
            console.print(endpoints(network))
            for line in [*places(network), "", *next_steps(network), "", "Ctrl-C stops everything."]:
                console.print(line, soft_wrap=True, highlight=False, markup=False)
            watch(network, console)
    except KeyboardInterrupt:
        console.print("stopping")
    finally:
        signal.signal(signal.SIGTERM, previous)
    console.print(f"all processes are stopped; keys, stores and logs are in {folder}")


def require_free(ports: Mapping[str, int]) -> None:
    """Checks that nobody uses the ports of some options: on somebody else's L1 we would deploy unnoticed.

    Raises:
        PortsTakenError: Somebody does. 0, which takes a free one, is always good.
    """
    taken = {option: port for option, port in ports.items() if port and accepts_connections(port)}
    if taken:
        raise PortsTakenError(taken)


def start_all(
    network: LocalNetwork,
    ports: Mapping[str, int],
    drill: str,
    console: Console,
    engine: Sequence[str] = (),
) -> None:
    """Starts every process.

    Args:
        network: What is started.
        ports: The ports of L1 (`port`), sequencer (`l2_port`) and follower (`wallet_port`).
        drill: How the dishonest accountant lies.
        console: Where it is told.
        engine: Options of the roles that say where they have heavy work done.

    Raises:
        AnhError: One does not come up.
    """
    console.print("starting anvil and deploying the contracts")
    network.start_l1(ports["port"], report=console.print)
    console.print("starting the sequencer, a follower, two accountants and a challenger")
    wallet_port = ports["wallet_port"] or free_port()
    network.start_sequencer(ports["l2_port"], "--follower", f"http://127.0.0.1:{wallet_port}")
    network.start_follower(wallet_port, *engine)
    network.start_accountant("honest accountant", *LEDGER_CLAIMS, *engine)
    network.start_accountant("dishonest accountant", "--drill", drill, *engine)
    network.start_challenger("challenger", *engine)


def watch(network: LocalNetwork, console: Console) -> None:
    """Tells what happens on L1, for ever.

    Raises:
        ProcessDiedError: A process has ended; its log is named.
        L1Error: L1 cannot be read.
        NotStartedError: L1 is not started.
    """
    deployment = network.deployment
    view, narrator = L1View(network.l1(), deployment), Narrator(network.names())
    while True:
        network.processes.require_alive()
        for emitted in view.refresh():
            line = narrator.line(emitted.event)
            if line is not None:
                console.print(f"block {emitted.log.block:>5}  {line}", highlight=False, soft_wrap=True)
            if (command := closer_look(emitted.event)) is not None:
                console.print(f"             look closer: {command}", highlight=False, soft_wrap=True)
        time.sleep(WATCH_SECONDS)


def endpoints(network: LocalNetwork) -> Table:
    """Where the chains are, and whose address is which: narrow enough for 80 columns."""
    table = Table(title="local rollup", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_row("L1 (anvil)", network.l1_url)
    table.add_row("L2 for wallets (follower)", network.wallet_url)
    table.add_row("L2 sequencer", network.l2_url)
    for name in ACCOUNTS:
        table.add_row(name, str(network.accounts[name].address))
    return table


def places(network: LocalNetwork) -> list[str]:
    """Every path that a user of the rollup needs, each whole on a line of its own."""
    found = {
        "deployment file": network.deployment_file,
        "artifacts of jobs (roles may read file:// below it)": network.user_folder,
        "logs": network.processes.logs,
        **{f"key of {name}": network.key_file(name) for name in ACCOUNTS},
    }
    return [f"{what}: {path}" for what, path in found.items()]


def next_steps(network: LocalNetwork) -> list[str]:
    """How to order a job here from another terminal, and what makes the `anh` commands short."""
    chains = {"--l1": network.l1_url, "--l2": network.l2_url}
    files = {
        "--deployment": network.deployment_file,
        "--key-file": network.key_file("user"),
        "--store": network.user_folder,
    }
    words = [str(word) for option in {**chains, **files}.items() for word in option]
    found = {"ANH_L1": network.l1_url, "ANH_L2": network.l2_url, "ANH_DEPLOYMENT": network.deployment_file}
    settings = [f"{name}={shlex.quote(str(value))}" for name, value in found.items()]
    return [
        "In another terminal, order a job:",
        shlex.join([sys.executable, "-m", "scripts.submit_training_job", *words]),
        as_called("and let `anh job list` and the other commands find this rollup:"),
        " ".join(["export", *settings]),
    ]


def closer_look(event: object) -> str | None:
    """The command that shows more of a claim or game that an event begins; None for other events."""
    if isinstance(event, Revealed):
        return command("claim", "show", f"0x{event.claim_id.hex()}")
    if isinstance(event, Opened):
        return command("game", "show", f"0x{event.game.hex()}")
    return None
