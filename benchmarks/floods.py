"""How long honest users wait while attackers flood a sequencer: `python -m benchmarks.floods`.

A sequencer runs as a process of its own. One user sends transfers, one after the other, and attackers in a
process of theirs send what costs them nothing, as fast as it is answered, on many connections of another
address. Windows with and without attackers take turns, so that whatever else the machine does is in both.
"""

import multiprocessing
import socket
import statistics
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from itertools import count, cycle
from multiprocessing.synchronize import Event
from typing import Final

import orjson
from eth_utils.address import to_checksum_address

from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import wait_for
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.primitives import ETHER, L2_CHAIN_ID, Address
from benchmarks.load import Wallet
from benchmarks.local import local_network
from benchmarks.report import Figure, show

ATTACKER_ADDRESS: Final = "127.0.0.66"
"""Where attackers come from: the machine's own network, but not the user's address."""

CONNECTIONS: Final = 24
"""On which attackers send without a pause."""

IDLE_CONNECTIONS: Final = 600
"""That they open beside, and leave open: more than the sequencer takes at a time."""

PREPARED: Final = 400
"""Requests of each kind that attackers have ready."""

PAIRS: Final = 5
SAMPLES: Final = 300
"""Transactions of the user in a window."""

PAUSE: Final = 0.004
"""Seconds between two of them."""

MOST_TIMES: Final = 2.0
"""How much longer the slowest of a hundred answers may take during a flood."""

WAIT: Final = 60.0
NOBODY: Final = Address(b"\x11" * 20)


def request(raw: bytes) -> bytes:
    """The body that submits a transaction."""
    asked = {"jsonrpc": "2.0", "id": 1, "method": "eth_sendRawTransaction", "params": ["0x" + raw.hex()]}
    return orjson.dumps(asked)


def unsound(number: int) -> bytes:
    """A transaction whose signature is none."""
    raw = bytearray(Wallet("unsound").sign(L2_CHAIN_ID, number, NOBODY, 1))
    raw[-20:] = bytes(20)
    return bytes(raw)


def prepared(funded: Wallet) -> list[bytes]:
    """What attackers send, all kinds in turn: none of it is ordered, or costs them anything."""
    kinds = (
        [unsound(number) for number in range(PREPARED)],
        [Wallet(f"poor {number}").sign(L2_CHAIN_ID, 0, NOBODY, 1) for number in range(PREPARED)],
        [funded.sign(L2_CHAIN_ID, 10**6 + number, NOBODY, 1) for number in range(PREPARED)],
        [funded.sign(L2_CHAIN_ID, 3, NOBODY, number) for number in range(PREPARED)],
        [bytes([2]) + bytes(131_072)] * PREPARED,
    )
    return [request(each) for turn in zip(*kinds, strict=True) for each in turn]


def attack(port: int, bodies: Sequence[bytes], ready: Event, go: Event, over: Event) -> None:
    """The attackers' process: floods while `go` is set, until `over` is."""
    idle: list[socket.socket] = []
    threads = [
        threading.Thread(target=_flood, args=(port, bodies[at:], go, over)) for at in range(CONNECTIONS)
    ]
    for thread in threads:
        thread.start()
    ready.set()
    while not over.is_set():
        if go.wait(0.05) and len(idle) < IDLE_CONNECTIONS:
            with suppress(OSError):
                idle.append(socket.create_connection(("127.0.0.1", port), 1.0, (ATTACKER_ADDRESS, 0)))
    for thread in threads:
        thread.join()


def _flood(port: int, bodies: Sequence[bytes], go: Event, over: Event) -> None:
    """Sends the bodies one after the other, again and again; connects anew where it is thrown out."""
    connection = HTTPConnection("127.0.0.1", port, timeout=5.0, source_address=(ATTACKER_ADDRESS, 0))
    for each in cycle(bodies):
        go.wait()
        if over.is_set():
            return
        try:
            connection.request("POST", "/", each, {"Content-Type": "application/json"})
            connection.getresponse().read()
        except (OSError, HTTPException):
            connection.close()


@dataclass(slots=True)
class User:
    """Who sends transfers, one after the other.

    Attributes:
        port: The sequencer's.
        wallet: The user's key.
    """

    port: int
    wallet: Wallet
    _nonces: Iterator[int]

    def window(self) -> list[float]:
        """Seconds that each of some transactions took until its answer, in order of length.

        Raises:
            SystemExit: One was not accepted.
        """
        taken = []
        connection = HTTPConnection("127.0.0.1", self.port)
        for nonce in [next(self._nonces) for _ in range(SAMPLES)]:
            body = request(self.wallet.sign(L2_CHAIN_ID, nonce, NOBODY, 1))
            start = time.perf_counter()
            connection.request("POST", "/", body, {"Content-Type": "application/json"})
            answer = orjson.loads(connection.getresponse().read())
            taken.append(time.perf_counter() - start)
            if "result" not in answer:
                raise SystemExit(f"a transaction was not accepted: {answer}")
            time.sleep(PAUSE)
        connection.close()
        return sorted(taken)


@contextmanager
def attackers(port: int, funded: Wallet) -> Iterator[Event]:
    """Attackers that flood while the event is set."""
    context = multiprocessing.get_context("spawn")
    ready, go, over = context.Event(), context.Event(), context.Event()
    process = context.Process(target=attack, args=(port, prepared(funded), ready, go, over))
    process.start()
    try:
        if not ready.wait(WAIT):
            raise SystemExit("the attackers did not come up")
        yield go
    finally:
        over.set()
        go.set()
        process.join()


def slowest_of_a_hundred(taken: Sequence[float]) -> float:
    """The 99th percentile of ordered times."""
    return taken[len(taken) * 99 // 100]


def measured(user: User, go: Event) -> list[Figure]:
    """Windows with and without attackers, in turn."""
    quiet, flooded = [], []
    user.window()
    for _ in range(PAIRS):
        quiet.append(slowest_of_a_hundred(user.window()))
        go.set()
        time.sleep(0.5)
        flooded.append(slowest_of_a_hundred(user.window()))
        go.clear()
        time.sleep(0.5)
    times = statistics.median(full / idle for idle, full in zip(quiet, flooded, strict=True))
    name = "99th percentile of a user's answers"
    return [
        Figure(f"{name}, idle", "milliseconds", round(statistics.median(quiet) * 1e3, 1)),
        Figure(f"{name}, flooded", "milliseconds", round(statistics.median(flooded) * 1e3, 1)),
        Figure(f"{name} during a flood, median of {PAIRS} pairs", "times", round(times, 2), MOST_TIMES),
    ]


def main() -> None:
    """Measures and prints the figures."""
    user, funded = Wallet("user"), Wallet("attacker with money")
    with local_network() as (network, deployment):
        client = network.l1()
        inbox, sender = bind(deployment, client).inbox, TransactionSender(client, network.accounts["user"])
        for each in (user, funded):
            sender.send(inbox.deposit(to_checksum_address(each.address), ETHER))
        network.start_sequencer(0, "--most-unposted", str(1 << 26))
        l2, port = L2Client(network.l2_url), int(network.l2_url.rpartition(":")[2])
        poorest = to_checksum_address(funded.address)
        wait_for("the deposits", lambda: l2.cleared(poorest) or None, WAIT)
        with attackers(port, funded) as go:
            figures = measured(User(port, user, count()), go)
    show(figures)


if __name__ == "__main__":
    main()
