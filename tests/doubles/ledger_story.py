"""Histories of L1 that hypothesis draws: what is told, forced and posted, right and wrong."""

from functools import cache
from typing import Any

from hypothesis import strategies as st

from anh_rollup.encoding.batches import encode_batch
from anh_rollup.encoding.blobs import pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import GWEI, Address
from anh_rollup.protocol.derivation import batch_of
from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.protocol.ledger import EXIT
from scripts.generate_vectors.ledger_cases import ORDER
from scripts.generate_vectors.ledger_history import SEQUENCER, History, Sealed, Signer

SIGNERS = (Signer("alice"), Signer("bob"))
TRANSACTIONS: dict[str, dict[str, Any]] = {
    "transfer": {"to": SIGNERS[1].address, "value": 10**15},
    "to oneself": {"to": SIGNERS[0].address, "value": 1},
    "to the sequencer": {"to": SEQUENCER, "value": 3},
    "exit": {"to": EXIT, "value": 10**16},
    "order": {"to": DNN_ADDRESS, "data": ORDER, "value": 10**16, "gas": 100_000},
    "broken order": {"to": DNN_ADDRESS, "data": ORDER[:-1] + b"\1", "value": 5, "gas": 100_000},
    "call": {"to": Address(b"\xca" * 20), "data": b"abcd" + bytes(32), "gas": 50_000, "value": 7},
    "creation": {"data": bytes(range(60)) * 6, "gas": 200_000},
    "heavy": {"to": SIGNERS[1].address, "gas": 70_000_000, "maxFeePerGas": GWEI * 5},
    "too heavy": {"to": SIGNERS[1].address, "gas": 2**64 - 1, "maxFeePerGas": 2**256 - 1},
    "too dear": {"to": SIGNERS[1].address, "value": 2**255},
    "too cheap": {"to": SIGNERS[1].address, "maxFeePerGas": 10**6},
    "too little gas": {"to": SIGNERS[1].address, "gas": 20_000},
}

#: What is valid with the right nonce, as long as money is left.
VALID = ["transfer", "to oneself", "to the sequencer", "exit", "order", "broken order", "call", "creation"]


@cache
def signed(signer: Signer, nonce: int, kind: str) -> bytes:
    return signer.record(nonce=nonce, **TRANSACTIONS[kind]) if kind in TRANSACTIONS else kind.encode()


class Story:
    """A history that grows by drawn steps; nonces are right mostly."""

    def __init__(self, data: st.DataObject) -> None:
        self.draw = data.draw
        self.history = History()
        self.nonces = dict.fromkeys(SIGNERS, 0)
        self.orders = [keccak256(b"no order")]
        for signer in SIGNERS:
            self.history.deposit(signer.address)
        self.history.mine()

    def record(self) -> bytes:
        signer = self.draw(st.sampled_from(SIGNERS))
        kind = self.draw(st.sampled_from([*TRANSACTIONS, "no record", *VALID]))
        nonce = max(0, self.nonces[signer] + self.draw(st.sampled_from([0] * 12 + [-1, 1])))
        if kind == "order":
            self.orders.append(keccak256(signed(signer, nonce, kind)))
        if nonce == self.nonces[signer] and kind in VALID:
            self.nonces[signer] += 1
        return signed(signer, nonce, kind)

    def tell(self) -> None:
        told = self.draw(st.sampled_from(["deposit", "payout", "lapse", "nothing"]))
        order = self.draw(st.sampled_from(self.orders))
        if told == "deposit":
            self.history.deposit(self.draw(st.sampled_from(SIGNERS)).address, 10**17)
        elif told == "payout":
            self.history.pay_out(order, self.draw(st.sampled_from(SIGNERS)).address)
        elif told == "lapse":
            self.history.lapse(order)
        self.history.mine(self.draw(st.integers(0, 2)))

    def force(self) -> None:
        self.history.force(self.record())

    def post_forced(self) -> None:
        if self.history.order.head.forced_end < len(self.history.queue):
            self.history.post_forced()

    def post(self) -> None:
        sealed = [self._block() for _ in range(self.draw(st.integers(1, 3)))]
        payload = encode_batch(batch_of(self.history.blocks(*sealed)))
        fault = self.draw(st.sampled_from([None, None, None, "bytes", "end", "header", "blobs"]))
        options: dict[str, Any] = {"blobs": self.draw(st.booleans())}
        if fault == "bytes":
            at = self.draw(st.integers(0, len(payload) - 1))
            byte = self.draw(st.integers(0, 255))
            options["payload"] = payload[:at] + bytes([byte]) + payload[at + 1 :]
        elif fault == "end":
            end = self.draw(st.integers(0, len(payload)))
            options["payload"] = payload[:end] + self.draw(st.binary(max_size=2))
        elif fault == "header":
            options |= self.draw(st.sampled_from([{"count": 1}, {"transactions_root": keccak256(b"")}]))
        elif fault == "blobs":
            blob = bytearray(pack(payload)[0])
            blob[self.draw(st.integers(1, 600))] ^= self.draw(st.integers(0, 63))
            options["carried"] = [bytes(blob)]
        if not options.get("payload", payload):
            options["payload"] = b"\0"
        self.history.post(*sealed, **options)
        ledger = self.history.order.ledger
        self.nonces = {signer: ledger.account(signer.address).nonce for signer in SIGNERS}

    def _block(self) -> Sealed:
        own = tuple([self.record() for _ in range(self.draw(st.sampled_from([0, 1, 2, 3, 17])))])
        place = {"seconds": self.draw(st.integers(0, 3)), "origins": self.draw(st.sampled_from([0, 1, 1, 2]))}
        left = len(self.history.queue) - self.history.order.head.forced_end
        return Sealed(own, self.draw(st.integers(0, min(2, left))), **place)
