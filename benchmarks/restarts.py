"""How soon each role serves again after kill -9 under load: `python -m benchmarks.restarts`.

A local rollup runs with all of its roles, and clients send transfers to its sequencer and its follower all
the time. One role after the other is killed and started again. The clock, which is the wall's, runs from the
start of the process to its first answer; of an accountant and a challenger, to their first round.
Behind them lies a history that is deep on L1, and the load since then. Whatever else runs on the machine
counts, so the processor's seconds stand beside.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from http.client import HTTPConnection, HTTPException
from itertools import cycle
from typing import Final

from eth_utils.address import to_checksum_address

from anh_rollup.cli.local_network import START_SECONDS, LocalNetwork
from anh_rollup.cli.processes import Running
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import wait_for
from anh_rollup.l1.order_archive import DEPTH
from anh_rollup.primitives import L2_CHAIN_ID
from benchmarks.load import Wallet, body, transactions
from benchmarks.local import local_network
from benchmarks.report import Figure, cpu_seconds, show
from benchmarks.throughput import OPTIONS, deposit, drive

KILLS: Final = 3
"""Of each role."""

MOST_SECONDS: Final = 5.0

SENDERS, EACH, BATCH = 50, 200, 10
"""Senders of the history and of each load, transactions of each sender, transactions of a request."""

PAUSE: Final = 0.1
"""Seconds between two requests of a client, and before it tries again where nobody answers."""

BETWEEN: Final = 1.0
"""Seconds of load between two kills."""

#: What tells in a role's log that its loops run.
AT_WORK: Final = b": started"


def bodies(name: str) -> tuple[list[Wallet], list[bytes]]:
    """Senders, and the requests with all of their transactions, whose senders take turns."""
    wallets = [Wallet(f"{name} {place}") for place in range(SENDERS)]
    signed = [transactions(each, L2_CHAIN_ID, EACH) for each in wallets]
    raws = [raw for turn in zip(*signed, strict=True) for raw in turn]
    return wallets, [body(raws[at : at + BATCH]) for at in range(0, len(raws), BATCH)]


@contextmanager
def sending(loads: Mapping[int, Sequence[bytes]]) -> Iterator[None]:
    """Sends requests to each port while this is open, each until it is answered."""
    over = threading.Event()
    threads = [threading.Thread(target=_send, args=(port, load, over)) for port, load in loads.items()]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        over.set()
        for thread in threads:
            thread.join()


def _send(port: int, load: Sequence[bytes], over: threading.Event) -> None:
    connection = HTTPConnection("127.0.0.1", port, timeout=5.0)
    for each in cycle(load):
        while not over.wait(PAUSE):
            try:
                connection.request("POST", "/", each, {"Content-Type": "application/json"})
                connection.getresponse().read()
                break
            except (OSError, HTTPException):
                connection.close()
        if over.is_set():
            return


def bury(network: LocalNetwork) -> None:
    """Waits until all that was sent is on L1, and under so many blocks that every role has archived it."""
    nodes = [L2Client(network.l2_url), L2Client(network.wallet_url)]
    for node in nodes:
        wait_for("the last batch", partial(_is_posted, node), START_SECONDS)
    client = network.l1()
    client.transport.request("anvil_mine", hex(DEPTH + 1))
    top = client.head().number
    for node in nodes:
        wait_for("what it archives", partial(_has_followed, node, top), START_SECONDS)


def _is_posted(node: L2Client) -> bool | None:
    status = node.record("anh_syncStatus") or {}
    return (status["waiting"] == "0x0" and status["safe"] == status["head"]["number"]) or None


def _has_followed(node: L2Client, l1_block: int) -> bool | None:
    status = node.record("anh_syncStatus") or {}
    return int(status["l1"]["number"], 16) >= l1_block or None


def start_sequencer(network: LocalNetwork) -> Running:
    """The sequencer, at its first answer."""
    return network.start_sequencer(port_of(network.l2_url), *OPTIONS)


def start_follower(network: LocalNetwork) -> Running:
    """The follower, at its first answer."""
    return network.start_follower(port_of(network.wallet_url))


def start_accountant(network: LocalNetwork) -> Running:
    """An accountant whose loops run."""
    return at_work(network.start_accountant("honest accountant"))


def start_challenger(network: LocalNetwork) -> Running:
    """A challenger whose loops run."""
    return at_work(network.start_challenger())


STARTS: Final[Mapping[str, Callable[[LocalNetwork], Running]]] = {
    "sequencer": start_sequencer,
    "follower": start_follower,
    "accountant": start_accountant,
    "challenger": start_challenger,
}


#: Where the clock stops.
FIRST: Final[Mapping[str, str]] = {
    "sequencer": "first answer",
    "follower": "first answer",
    "accountant": "first round",
    "challenger": "first round",
}


def at_work(role: Running) -> Running:
    """Waits until a role's loops run: until it says so in its log, which is new."""

    def look() -> bool | None:
        role.require_alive()
        return AT_WORK in role.log.read_bytes() or None

    wait_for(f"the start of {role.name}", look, START_SECONDS, pause=0.02)
    return role


def port_of(url: str) -> int:
    """The port of a URL; 0, for any, where there is none yet."""
    return int(url.rpartition(":")[2]) if url else 0


def restarts(network: LocalNetwork, name: str, role: Running) -> list[Figure]:
    """The slowest of some starts of a role, each after a kill under load."""
    taken, used = [], []
    for _ in range(KILLS):
        time.sleep(BETWEEN)
        kill(network, role)
        began = time.perf_counter()
        role = STARTS[name](network)
        taken.append(time.perf_counter() - began)
        used.append(cpu_seconds(role.process.pid))
    what = f"{name}: from its start after kill -9 under load to its {FIRST[name]}, slowest of {KILLS}"
    return [
        Figure(what, "seconds", round(max(taken), 2), MOST_SECONDS),
        Figure(f"{what}, processor time", "seconds", round(max(used), 2)),
    ]


def kill(network: LocalNetwork, role: Running) -> None:
    """Ends a role's process by SIGKILL, and forgets what it has told."""
    role.process.kill()
    role.process.wait()
    network.processes.running.remove(role)
    role.log.unlink()


def main() -> None:
    """Measures and prints the figures."""
    (first, history), (second, own), (third, forwarded) = map(bodies, ("history", "user", "wallet"))
    with local_network() as (network, deployment):
        roles = {name: start(network) for name, start in STARTS.items()}
        deposit(network, deployment, [*first, *second, *third])
        l2, last = L2Client(network.l2_url), to_checksum_address(third[-1].address)
        wait_for("the deposits", lambda: l2.cleared(last) or None, START_SECONDS)
        sequencer, follower = port_of(network.l2_url), port_of(network.wallet_url)
        drive(sequencer, history)
        bury(network)
        with sending({sequencer: own, follower: forwarded}):
            figures = [restarts(network, name, role) for name, role in roles.items()]
    show([each for figures_of_role in figures for each in figures_of_role])


if __name__ == "__main__":
    main()
