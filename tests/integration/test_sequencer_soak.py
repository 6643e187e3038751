"""Concurrent batches while the sequencer is killed: nonces stay in order, and what it answered is there."""

import json
import threading
import time
from collections.abc import Callable, Sequence
from http.client import HTTPConnection, HTTPException
from typing import Any

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.protocol.ledger import Skipped
from tests.integration.conftest import Chain
from tests.integration.processes import Rollup, eventually
from tests.integration.test_sequencer_process import make_rollup

pytestmark = pytest.mark.anvil

__all__ = ["make_rollup"]

SENDERS = (2, 3, 4, 5)
#: Together less than may wait for L1, a batch of calldata: nobody is asked to come again.
EACH, BATCH = 100, 10

#: Seconds from the first request of a life to its end: between answers, in a write, while a block is sealed.
LIVES = (0.03, 0.06, 0.12)


class Client:
    """Sends one account's transactions in batches, each batch from the first one that was not answered."""

    def __init__(self, rollup: Rollup, index: int) -> None:
        self.rollup = rollup
        self.address = rollup.deposit(index)
        self.raws = [rollup.signed(index, nonce) for nonce in range(EACH)]
        self.answered = 0
        self.wrong: list[Any] = []

    def send(self) -> None:
        """Sends until everything is answered, or nobody answers any more."""
        connection = HTTPConnection("127.0.0.1", self.rollup.port, timeout=20)
        while self.answered < EACH and not self.wrong:
            batch = self.raws[self.answered : self.answered + BATCH]
            try:
                connection.request("POST", "/", request(batch), {"Content-Type": "application/json"})
                answers = json.loads(connection.getresponse().read())
            except (OSError, HTTPException):
                break
            self.wrong += [each for raw, each in zip(batch, answers, strict=True) if not is_taken(raw, each)]
            self.answered += len(batch)
        connection.close()

    def require_known(self) -> None:
        """Nothing that was answered is missing, and the next nonce lies behind it."""
        hashes = ["0x" + keccak256(raw).hex() for raw in self.raws[: self.answered]]
        missing = [each for each in hashes if self.rollup.anh("eth_getTransactionByHash", each) is None]
        assert missing == []
        pending = self.rollup.l2.eth.get_transaction_count(self.address, "pending")
        assert self.answered <= pending <= self.answered + BATCH


def request(raws: Sequence[bytes]) -> bytes:
    """A batch of submissions."""
    method = {"jsonrpc": "2.0", "method": "eth_sendRawTransaction"}
    calls = [{**method, "id": place, "params": ["0x" + raw.hex()]} for place, raw in enumerate(raws)]
    return json.dumps(calls).encode()


def is_taken(raw: bytes, answer: Any) -> bool:
    """Whether an answer says that a transaction is in the order; a life before may have taken it in."""
    if "error" in answer:
        return bool(answer["error"]["message"] == "already known")
    return bool(answer["result"] == "0x" + keccak256(raw).hex())


def live(rollup: Rollup, clients: Sequence[Client], seconds: float | None) -> None:
    """All clients at once, until the sequencer is killed or everything is answered."""
    threads = [threading.Thread(target=client.send) for client in clients]
    for thread in threads:
        thread.start()
    if seconds is not None:
        time.sleep(seconds)
        rollup.kill()
    for thread in threads:
        thread.join()


def test_concurrent_batches_survive_kill_9_in_order(
    anvil: Chain, make_rollup: Callable[[Chain], Rollup]
) -> None:
    rollup = make_rollup(anvil)
    rollup.start("--calldata")
    clients = [Client(rollup, index) for index in SENDERS]
    for seconds in (*LIVES, None):
        live(rollup, clients, seconds)
        assert [client.wrong for client in clients] == [[]] * len(clients)
        if seconds is not None:
            rollup.start("--calldata")
        for client in clients:
            client.require_known()
    assert [client.answered for client in clients] == [EACH] * len(clients)
    for client in clients:
        eventually(lambda last=client.raws[-1]: rollup.in_batch(keccak256(last)))  # type: ignore[misc]
    require_order(rollup, clients)


def require_order(rollup: Rollup, clients: Sequence[Client]) -> None:
    """A follower has every transaction once, with effect, and each sender's in the order of their nonces."""
    order = rollup.followed().order
    assert not [each for block in order.outcomes for each in block if isinstance(each, Skipped)]
    ordered = [each for block in order.blocks for _, each in block.transactions if each is not None]
    for client in clients:
        own = [each.hash for each in ordered if each.sender == bytes.fromhex(client.address[2:])]
        assert own == [keccak256(raw) for raw in client.raws]
