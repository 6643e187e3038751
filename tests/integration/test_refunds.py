"""A job that nobody does, on a real chain: its reward goes back to who ordered it, once, whoever says so."""

from pathlib import Path
from typing import Any

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.primitives import L2_CHAIN_ID, Address, Seconds
from anh_rollup.protocol.fees import call_gas
from anh_rollup.protocol.jobs import DNN_ADDRESS, NO_ROOT, Job, JobKind, Property, order_calldata
from anh_rollup.protocol.ledger import EXIT, EXIT_ADDRESS
from tests.integration.conftest import Chain
from tests.integration.test_sequencer_order import ETHER, RULES, Desk, same_order

pytestmark = pytest.mark.anvil

REWARD = ETHER // 2
USER = 2


class Shop(Desk):
    """A sequencer with a user whose job nobody does."""

    def __init__(self, chain: Chain, folder: Path, **parts: Any) -> None:
        super().__init__(chain, folder, force_calldata=True, **parts)
        self.user = Address(bytes.fromhex(chain.accounts[USER].address[2:]))
        self.claims = bind(self.deployment, chain.client).claims
        self.deposit(USER)
        roots = Property(b"\2" * 32, b"\3" * 32, 1)
        deadline = Seconds(chain.client.head().time + 100)
        self.job = Job(JobKind.TRAINING, b"\1" * 32, NO_ROOT, (roots,), deadline, "https://example.org")
        raw = self.call(0, DNN_ADDRESS, REWARD, order_calldata(self.job))
        self.record = encode_record(decode_signed(raw))
        self.send(raw)
        self.round()

    def call(self, nonce: int, to: str, value: int, data: bytes = b"") -> bytes:
        fees = {"maxFeePerGas": 2 * 10**9, "maxPriorityFeePerGas": 0, "chainId": L2_CHAIN_ID}
        fields = {"nonce": nonce, "to": to, "value": value, "data": data, "gas": call_gas(data), **fees}
        return bytes(self.chain.accounts[USER].sign_transaction(fields).raw_transaction)

    def round(self) -> None:
        """L1 goes on, and the sequencer with it."""
        self.chain.mine()
        self.sequencer.order()
        self.sequencer.post()
        self.sequencer.order()

    def let_time_pass(self, seconds: int) -> None:
        self.chain.request("evm_increaseTime", seconds)
        self.chain.mine()

    @property
    def escrow(self) -> int | None:
        return self.sequencer.chain.escrow(keccak256(self.record))

    @property
    def cleared(self) -> int:
        return self.sequencer.chain.account(self.user, pending=False).cleared


def test_the_sequencer_gives_a_reward_back_that_nobody_earned(anvil: Chain, tmp_path: Path) -> None:
    shop = Shop(anvil, tmp_path)
    before = shop.cleared
    shop.round()
    assert shop.escrow == REWARD
    shop.let_time_pass(100 + RULES.settlement)
    for _ in range(3):
        shop.round()
    assert (shop.escrow, shop.cleared) == (None, before + REWARD)
    follower = shop.reader()
    follower.refresh()
    assert follower.unsettled_jobs() == []
    assert shop.inbox.read("noticeCount") == (2,)


def test_anybody_gives_it_back_where_the_sequencer_does_not(anvil: Chain, tmp_path: Path) -> None:
    shop = Shop(anvil, tmp_path, refunds=False)
    before, stranger = shop.cleared, anvil.sender(5)
    with pytest.raises(L1RevertedError, match="TooEarly"):
        stranger.send(shop.claims.lapse(shop.record, shop.job))
    shop.let_time_pass(100 + RULES.settlement)
    shop.round()
    assert shop.escrow == REWARD
    for _ in range(2):
        stranger.send(shop.claims.lapse(shop.record, shop.job))
    shop.round()
    assert (shop.escrow, shop.cleared) == (None, before + REWARD)


def test_an_exit_is_the_same_for_all_who_derive_the_order(anvil: Chain, tmp_path: Path) -> None:
    shop = Shop(anvil, tmp_path)
    before = shop.cleared
    shop.send(shop.call(1, EXIT_ADDRESS, 12_345))
    shop.round()
    account = shop.sequencer.chain.account(shop.user, pending=False)
    assert (account.nonce, account.withdrawn) == (2, 12_345)
    assert account.cleared < before - 12_345
    assert shop.sequencer.chain.account(EXIT, pending=False).cleared == 0
    one, other = shop.reader(), shop.reader()
    one.refresh()
    other.refresh()
    assert same_order(one, other)
    ledger = one.order.ledger
    assert (ledger.account(shop.user), ledger.held) == (account, ledger.deposited)
