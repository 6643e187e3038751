"""How many transactions the sequencer orders, and how soon it answers: `python -m benchmarks.throughput`.

A sequencer runs as a process of its own on an anvil, and this process is all of its clients. Each client
sends batches of fresh signed transactions on one connection, the next when the answer is there; an answer
says that the transactions are on the disk. The clock runs from the first request until everything stands in
a sealed block. The same bodies then go to an anvil. These times are the wall's: whatever else runs on the
machine counts, for both. Admission and recovery are compared by their processor times.
"""

import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from http.client import HTTPConnection
from pathlib import Path
from typing import Final

import orjson
from coincurve import PublicKey
from eth_utils.address import to_checksum_address

from anh_rollup.cli.local_network import LocalNetwork, anvil_command
from anh_rollup.cli.processes import accepts_connections, free_port
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import wait_for
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed
from anh_rollup.errors import AnhError
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.sender import MOST_IN_FLIGHT, TransactionSender
from anh_rollup.l1.transport import Transport
from anh_rollup.primitives import ETHER, L2_CHAIN_ID
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import Parts, Sequencer
from benchmarks.load import Wallet, body, transactions
from benchmarks.local import local_network
from benchmarks.report import Figure, seconds, show

CLIENTS: Final = 4
SENDERS: Final = 60
"""Of each client."""
EACH: Final = 200
"""Transactions of each sender."""
BATCH: Final = 100
"""Transactions of a request."""
CHUNK: Final = 1_000
"""Transactions of a large batch, one of each pair that compares admission with recovery."""

#: 5,000 transactions a second; the slowest of a hundred answers; 60 % of the rate of recovery.
MOST_MICROSECONDS, MOST_MILLISECONDS, MOST_TIMES = 200.0, 250.0, round(1 / 0.6, 3)

#: The force delay of the local deployment is a minute, and would let one batch wait for L1.
BACKLOG: Final = 1 << 26
OPTIONS: Final = ("--block-interval", "0.1", "--most-unposted", str(BACKLOG))
WAIT: Final = 60.0


@dataclass(frozen=True, slots=True)
class Client:
    """What one client sends.

    Attributes:
        wallets: Its senders.
        batches: Signed transactions, in the order in which they are sent.
    """

    wallets: tuple[Wallet, ...]
    batches: tuple[tuple[bytes, ...], ...]


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back.

    Attributes:
        seconds: From sending a batch to its whole answer.
        body: The answer.
    """

    seconds: float
    body: bytes


def clients() -> list[Client]:
    """The load; each client's senders take turns."""
    made = []
    for number in range(CLIENTS):
        wallets = tuple(Wallet(f"sender {number}/{place}") for place in range(SENDERS))
        signed = [transactions(each, L2_CHAIN_ID, EACH) for each in wallets]
        raws = [raw for turn in zip(*signed, strict=True) for raw in turn]
        batches = tuple(tuple(raws[at : at + BATCH]) for at in range(0, len(raws), BATCH))
        made.append(Client(wallets, batches))
    return made


def deposit(network: LocalNetwork, deployment: Deployment, wallets: Sequence[Wallet]) -> None:
    """Gives every sender ether on the L2; it is on L1 when this returns."""
    client = network.l1()
    inbox = bind(deployment, client).inbox
    sender = TransactionSender(client, network.accounts["user"])
    requests = [inbox.deposit(to_checksum_address(each.address), ETHER) for each in wallets]
    for at in range(0, len(requests), MOST_IN_FLIGHT):
        for outcome in sender.send_all(requests[at : at + MOST_IN_FLIGHT]):
            if isinstance(outcome, AnhError):
                raise outcome


def admission(network: LocalNetwork, raws: Sequence[bytes]) -> Figure:
    """Processor time of admission inside one process against recovery alone, on the same transactions."""
    with tempfile.TemporaryDirectory(prefix="anh-bench-") as folder:
        sequencer = in_process(network, Path(folder))
        chunks = [raws[at : at + CHUNK] for at in range(0, len(raws), CHUNK)]
        ratios = [admitting(sequencer, chunk) / recovering(chunk) for chunk in chunks]
        sequencer.close()
    name = (
        f"admission of {CHUNK:,} transactions beside signature recovery alone, median of {len(ratios)} pairs"
    )
    return Figure(name, "times as long", round(statistics.median(ratios), 3), MOST_TIMES)


def in_process(network: LocalNetwork, folder: Path) -> Sequencer:
    """A sequencer in this process that has taken in the deposits."""
    account, journal = network.accounts["sequencer"], Journal(folder / "journal.sqlite3")
    sender = TransactionSender(network.l1(), account)
    return Sequencer(Parts(network.deployment, sender, account, journal, most_unposted=BACKLOG))


def admitting(sequencer: Sequencer, raws: Sequence[bytes]) -> float:
    """Seconds to admit a batch; it is sealed afterwards."""
    results: list[object] = []
    taken = seconds(lambda: results.extend(sequencer.submit(raws)))
    for result in results:
        if isinstance(result, AnhError):
            raise result
    sequencer.chain.seal()
    return taken


def recovering(raws: Sequence[bytes]) -> float:
    """Seconds to recover the public keys of transactions from their signatures and ready hashes."""
    decoded = [decode_signed(raw) for raw in raws]
    signatures = [
        each.r.to_bytes(32, "big") + each.s.to_bytes(32, "big") + bytes([each.y_parity]) for each in decoded
    ]
    # Any hash takes as long: what it recovers is a key of nobody.
    digests = [bytes(each.hash) for each in decoded]
    ready = list(zip(signatures, digests, strict=True))
    return seconds(lambda: [PublicKey.from_signature_and_message(*each, hasher=None) for each in ready])


def through_json_rpc(network: LocalNetwork, load: Sequence[Client]) -> list[Figure]:
    """The sequencer's rate and slowest answers."""
    network.start_sequencer(0, *OPTIONS)
    l2 = L2Client(network.l2_url)
    poorest = to_checksum_address(load[-1].wallets[-1].address)
    wait_for("the deposits", lambda: l2.cleared(poorest) or None, WAIT)
    measured = Measured.of(int(network.l2_url.rpartition(":")[2]), load, lambda: all_sealed(l2))
    network.processes.stop("sequencer")
    return measured.figures("the sequencer", MOST_MICROSECONDS, MOST_MILLISECONDS)


def all_sealed(l2: L2Client) -> None:
    """Waits until every accepted transaction stands in a block."""

    def look() -> bool | None:
        status = l2.record("anh_syncStatus") or {}
        return status.get("waiting") == "0x0" or None

    wait_for("the last block", look, WAIT, pause=0.02)


def through_anvil(network: LocalNetwork, load: Sequence[Client]) -> list[Figure]:
    """The same bodies sent to an anvil that is the L2's chain by its id, with blocks as large."""
    port = free_port()
    chain = ["--chain-id", str(L2_CHAIN_ID), "--gas-limit", str(BLOCK_GAS_LIMIT), "--block-time", "1"]
    network.processes.start("peer", [*anvil_command(None), "--port", str(port), *chain, "--silent"])
    wait_for("the peer's start", lambda: accepts_connections(port) or None, WAIT)
    transport = Transport(f"http://127.0.0.1:{port}")
    for wallet in wallets_of(load):
        transport.request("anvil_setBalance", to_checksum_address(wallet.address), hex(ETHER))
    return Measured.of(port, load).figures("anvil", None, None)


@dataclass(frozen=True, slots=True)
class Measured:
    """A load that was sent.

    Attributes:
        transactions: How many.
        seconds: From the first request to the end.
        answers: The seconds that each answer took, in order of length.
    """

    transactions: int
    seconds: float
    answers: tuple[float, ...]

    @classmethod
    def of(cls, port: int, load: Sequence[Client], end: Callable[[], None] = lambda: None) -> "Measured":
        """Sends a load with one thread for each client, and checks every answer when the clock has stopped.

        Raises:
            SystemExit: A transaction was not accepted.
        """
        bodies = [[body(batch) for batch in client.batches] for client in load]
        with ThreadPoolExecutor(len(load)) as threads:
            start = time.perf_counter()
            answered = list(threads.map(partial(drive, port), bodies))
            end()
            taken = time.perf_counter() - start
        for client, answers in zip(load, answered, strict=True):
            for batch, answer in zip(client.batches, answers, strict=True):
                require_accepted(batch, answer.body)
        count = sum(len(batch) for client in load for batch in client.batches)
        return cls(count, taken, tuple(sorted(each.seconds for answers in answered for each in answers)))

    def figures(
        self, who: str, most_microseconds: float | None, most_milliseconds: float | None
    ) -> list[Figure]:
        """Time a transaction, and the 99th percentile of the answers."""
        rate = round(self.seconds / self.transactions * 1e6, 1)
        slow = round(self.answers[len(self.answers) * 99 // 100] * 1e3, 1)
        load = f"{self.transactions:,} transactions in batches of {BATCH}"
        return [
            Figure(f"{who}, {load}: time for each", "microseconds", rate, most_microseconds),
            Figure(f"{who}, {load}: 99th percentile of the answers", "milliseconds", slow, most_milliseconds),
        ]


def drive(port: int, bodies: Sequence[bytes]) -> list[Answered]:
    """Sends one client's bodies, one after the other."""
    connection, answers = HTTPConnection("127.0.0.1", port), []
    for each in bodies:
        start = time.perf_counter()
        connection.request("POST", "/", each, {"Content-Type": "application/json"})
        answer = connection.getresponse().read()
        answers.append(Answered(time.perf_counter() - start, answer))
    connection.close()
    return answers


def require_accepted(raws: Sequence[bytes], answer: bytes) -> None:
    """Compares an answer with the transactions' hashes."""
    for raw, each in zip(raws, orjson.loads(answer), strict=True):
        if each.get("result") != "0x" + keccak256(raw).hex():
            raise SystemExit(f"a transaction was not accepted: {each}")


def wallets_of(load: Sequence[Client]) -> list[Wallet]:
    """All senders."""
    return [wallet for client in load for wallet in client.wallets]


def main() -> None:
    """Measures and prints the figures."""
    load = clients()
    with local_network() as (network, deployment):
        deposit(network, deployment, wallets_of(load))
        raws = [raw for batch in load[0].batches for raw in batch]
        figures = [admission(network, raws), *through_json_rpc(network, load), *through_anvil(network, load)]
    show(figures)


if __name__ == "__main__":
    main()
