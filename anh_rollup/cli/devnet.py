"""`anh devnet`: the whole rollup on this machine, kept running until Ctrl-C."""

import signal
import tempfile
import time
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import ACCOUNTS, LocalNetwork
from anh_rollup.cli.narration import Narrator
from anh_rollup.cli.options import port_option
from anh_rollup.cli.processes import ProcessGroup, accepts_connections
from anh_rollup.errors import AnhError

#: Seconds between two looks at the processes and at L1.
WATCH_SECONDS = 1.0


class PortTakenError(AnhError):
    """Somebody listens on a port that a local rollup should have.

    Attributes:
        option: The option that chooses the port.
        port: The port.
    """

    def __init__(self, option: str, port: int) -> None:
        super().__init__(
            f"port {port} of this machine is taken, perhaps by another devnet",
            remedy=f"Stop who uses it, or choose another: `{option} 0` takes a free one.",
        )
        self.option = option
        self.port = port


@click.command(name="devnet")
@port_option("--port", 8545, "Port of the L1; 0 takes a free one.")
@port_option("--l2-port", 8560, "Port of the L2's JSON-RPC; 0 takes a free one.")
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
def devnet_command(port: int, l2_port: int, keep: Path | None, drill: str, anvil: str | None) -> None:
    """Run a whole rollup on this machine: L1, sequencer, two accountants, a challenger.

    \b
    Example:
      anh devnet --keep devnet
    """
    console = Console(stderr=True)
    for option, wanted in {"--port": port, "--l2-port": l2_port}.items():
        require_free(option, wanted)
    folder = keep or Path(tempfile.mkdtemp(prefix="anh-devnet-"))
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        with ProcessGroup(folder / "logs") as processes:
            network = LocalNetwork(folder.resolve(), processes, anvil)
            start_all(network, port, l2_port, drill, console)
            console.print(endpoints(network))
            console.print("Ctrl-C stops everything.")
            watch(network, console)
    except KeyboardInterrupt:
        console.print("stopping")
    finally:
        signal.signal(signal.SIGTERM, previous)
    console.print(f"all processes are stopped; keys, stores and logs are in {folder}")


def require_free(option: str, port: int) -> None:
    """Checks that nobody uses a port: on somebody else's L1 we would deploy without noticing.

    Raises:
        PortTakenError: Somebody does. 0, which takes a free one, is always good.
    """
    if port and accepts_connections(port):
        raise PortTakenError(option, port)


def start_all(network: LocalNetwork, port: int, l2_port: int, drill: str, console: Console) -> None:
    """Starts every process.

    Raises:
        AnhError: One does not come up.
    """
    console.print("starting anvil and deploying the contracts")
    network.start_l1(port, report=console.print)
    console.print("starting the sequencer, two accountants and a challenger")
    network.start_sequencer(l2_port)
    network.start_accountant("honest accountant")
    network.start_accountant("dishonest accountant", "--drill", drill)
    network.start_challenger()


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
                console.print(f"block {emitted.log.block:>5}  {line}", highlight=False)
        time.sleep(WATCH_SECONDS)


def endpoints(network: LocalNetwork) -> Table:
    """Where everything is, and whose key is where."""
    table = Table(title="local rollup", show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    table.add_row("L1 (anvil)", network.l1_url)
    table.add_row("L2 JSON-RPC", network.l2_url)
    table.add_row("deployment file", str(network.deployment_file))
    table.add_row("artifacts of jobs", f"{network.user_folder} (roles may read file:// below it)")
    table.add_row("logs", str(network.processes.logs))
    for name in ACCOUNTS:
        table.add_row(f"key: {name}", f"{network.accounts[name].address}\n{network.key_file(name)}")
    return table
