"""A flood on a real chain: posting goes on, a forced entry gets in, and what was signed holds."""

from pathlib import Path

import pytest

from anh_rollup.encoding.transactions import decode_signed
from anh_rollup.l1.deployment import Rules
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.admission import RejectedError, RejectReason
from anh_rollup.sequencer.backlog import SLOT
from tests.integration.conftest import Chain
from tests.integration.test_sequencer_order import BOB, Desk

pytestmark = pytest.mark.anvil

RULES = Rules(window=30, clock=60, reveal_window=30, settlement=600, force_delay=120, force_timeout=1440)

#: Bytes of a flooding transaction: two do not fit one batch of calldata.
FLOOD_BYTES = 34_000


class Flood:
    """A stranger who fills every block, and the sequencer's loops, turned once an L1 block."""

    def __init__(self, chain: Chain, folder: Path) -> None:
        self.desk = Desk(chain, folder, RULES, force_calldata=True)
        self.nonce = 0
        self.refused: set[RejectReason] = set()

    def signed(self, index: int, nonce: int, data: bytes = b"") -> bytes:
        fields = {"chainId": L2_CHAIN_ID, "nonce": nonce, "to": BOB, "value": 1, "data": data}
        price = {"gas": 4_200_000, "maxFeePerGas": 15 * 10**8, "maxPriorityFeePerGas": 0}
        return bytes(self.desk.chain.accounts[index].sign_transaction({**fields, **price}).raw_transaction)

    def slot(self) -> None:
        """Three floods, a batch, an L1 block."""
        for _ in range(3):
            raw = self.signed(2, self.nonce, bytes([1 + self.nonce % 255]) * FLOOD_BYTES)
            (result,) = self.desk.sequencer.submit([raw])
            self.desk.sequencer.order()
            if isinstance(result, RejectedError):
                self.refused.add(result.reason)
            else:
                self.nonce += 1
        self.desk.chain.request("evm_increaseTime", SLOT)
        self.desk.chain.mine()
        self.desk.sequencer.post()
        self.desk.sequencer.order()


def test_a_flood_stops_no_posting_and_breaks_no_confirmation(anvil: Chain, tmp_path: Path) -> None:
    flood = Flood(anvil, tmp_path)
    desk, chain = flood.desk, flood.desk.sequencer.chain
    desk.deposit(2)
    desk.deposit(3)
    for _ in range(4):
        flood.slot()
    alice = flood.signed(3, 0)
    desk.send(alice)
    placed = chain.placement(decode_signed(alice, L2_CHAIN_ID).hash)
    assert placed is not None
    assert placed.block is not None
    signature = desk.sequencer.confirm(placed.block.number, placed.block.hash)
    anvil.sender(4).send(desk.inbox.request("force", b"\1" * 90, value=RULES.force_fee))
    slots, (before,) = 2 * RULES.force_delay // SLOT, desk.inbox.read("latest")
    for _ in range(slots):
        flood.slot()
    # A batch in every slot, but while the entry's block waits to lie deep enough.
    assert slots - chain.forced_depth <= desk.inbox.read("latest")[0] - before <= slots
    assert flood.refused == {RejectReason.BACKLOG_FULL}
    assert desk.inbox.read("consumed") == (1,)
    again = chain.placement(decode_signed(alice, L2_CHAIN_ID).hash)
    assert again is not None
    assert again.block == placed.block
    assert signature is not None
    assert desk.sequencer.confirm(placed.block.number, placed.block.hash) == signature
