"""The order that is derived from a real chain, through faults of the connection and in both carriers."""

from pathlib import Path
from typing import Any

import pytest

from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.errors import AnhError
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, Rules, bind
from anh_rollup.l1.errors import InsufficientFundsError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.primitives import L2_CHAIN_ID, Address
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import Parts, Sequencer
from tests.integration.conftest import Chain, Proxy

pytestmark = pytest.mark.anvil

ETHER = 10**18
BOB = Address(b"\xb0" * 20)
RULES = Rules(window=30, clock=60, reveal_window=30, settlement=600, force_delay=60, force_timeout=120)


class Desk:
    """A sequencer whose loops the test turns by hand."""

    def __init__(self, chain: Chain, folder: Path, rules: Rules = RULES, **parts: Any) -> None:
        self.chain = chain
        self.folder = folder
        self.parts = parts
        self.deployment: Deployment = chain.deploy(rules)
        self.inbox = bind(self.deployment, chain.client).inbox
        self.restart()

    def restart(self) -> None:
        account = self.chain.accounts[1]
        journal = Journal(self.folder / "journal.sqlite3")
        parts = Parts(self.deployment, self.chain.sender(1), account, journal, 1, **self.parts)
        self.sequencer = Sequencer(parts)

    def deposit(self, index: int) -> None:
        address = self.chain.accounts[index].address
        self.chain.sender(index).send(self.inbox.deposit(address, ETHER))
        self.sequencer.order()

    def signed(self, index: int, nonce: int, data: bytes = b"") -> bytes:
        fields: dict[str, Any] = {
            "chainId": L2_CHAIN_ID,
            "nonce": nonce,
            "to": BOB,
            "value": 1,
            "gas": 3_000_000 if data else 21_000,
            "data": data,
            "maxFeePerGas": 2 * 10**9,
            "maxPriorityFeePerGas": 0,
        }
        return bytes(self.chain.accounts[index].sign_transaction(fields).raw_transaction)

    def send(self, *raws: bytes) -> None:
        for result in self.sequencer.submit(raws):
            assert not isinstance(result, RejectedError), result
        self.sequencer.order()

    def reader(self, client: L1Client | None = None) -> OrderReader:
        chosen = client or self.chain.client
        return OrderReader(self.deployment, chosen, BatchDataReader(chosen))


def same_order(one: OrderReader, other: OrderReader) -> bool:
    left, right = one.order, other.order
    return (left.head, left.ledger, left.outcomes) == (right.head, right.ledger, right.outcomes)


@pytest.mark.parametrize("calldata", [True, False], ids=["calldata", "blobs"])
def test_a_follower_has_the_sequencers_order_and_ledger(anvil: Chain, tmp_path: Path, calldata: bool) -> None:
    desk = Desk(anvil, tmp_path, force_calldata=calldata)
    desk.deposit(2)
    for nonce in range(3):
        desk.send(desk.signed(2, nonce, bytes(range(1, 200)) * 90 * (nonce == 1)))
        desk.sequencer.post()
        desk.sequencer.order()
    follower = desk.reader()
    follower.refresh()
    chain = desk.sequencer.chain
    assert follower.order.head.header == chain.head.header
    assert follower.order.ledger.account(BOB) == chain.account(BOB, pending=False)
    assert (len(follower.batches),) == desk.inbox.read("latest") == (3,)
    assert chain.safe_number == chain.head.header.number


def test_an_own_batch_is_read_back_without_recovering_its_senders(
    anvil: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(anvil, tmp_path, force_calldata=True)
    desk.deposit(2)
    desk.send(desk.signed(2, 0))
    desk.sequencer.post()
    decoded: list[bytes] = []
    monkeypatch.setattr(
        "anh_rollup.sequencer.known_records.decode_or_none", lambda record, _chain: decoded.append(record)
    )
    desk.sequencer.order()
    chain = desk.sequencer.chain
    assert chain.safe_number == chain.head.header.number > 0
    assert decoded == []


def test_a_restart_needs_no_blobs_of_l1_and_no_curve(
    anvil: Chain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk = Desk(anvil, tmp_path, blobs=BlobStore(tmp_path / "blobs"))
    desk.deposit(2)
    for nonce in range(2):
        desk.send(desk.signed(2, nonce))
        desk.sequencer.post()
        desk.sequencer.order()
    before = desk.sequencer.chain.head.header
    for name in ("anh_rollup.l1.batch_data.BatchDataReader._fetch", "anh_rollup.l1.blobs.load_trusted_setup"):
        monkeypatch.setattr(name, lambda *_: pytest.fail("L1's blobs are asked for"))
    desk.restart()
    assert (desk.sequencer.chain.head.header, desk.sequencer.chain.safe_number) == (before, before.number)


def test_a_connection_that_fails_at_any_request_leaves_no_trace(
    anvil: Chain, tmp_path: Path, proxy: Proxy
) -> None:
    desk = Desk(anvil, tmp_path, force_calldata=True)
    desk.deposit(2)
    for nonce in range(3):
        desk.send(desk.signed(2, nonce))
        desk.sequencer.post()
        desk.sequencer.order()
    clean = desk.reader()
    clean.refresh()
    flaky = desk.reader(L1Client(Transport(proxy.url, Patience(timeout=5.0, attempts=1))))
    failures = 0
    for healthy in range(200):
        proxy.faults[:] = [""] * healthy + ["close"]
        try:
            flaky.refresh()
        except AnhError:
            failures += 1
            continue
        break
    assert failures > 5
    assert same_order(flaky, clean)


def test_a_deposit_in_the_l1_block_of_a_forced_batch_counts(anvil: Chain, tmp_path: Path) -> None:
    desk = Desk(anvil, tmp_path)
    desk.deposit(2)
    record = encode_record(decode_signed(desk.signed(2, 0)))
    anvil.sender(2).send(desk.inbox.request("force", record, value=RULES.force_fee))
    anvil.request("evm_increaseTime", RULES.force_timeout + 1)
    anvil.mine()
    anvil.request("evm_setAutomine", False)
    for index, request in ((3, desk.inbox.post_forced()), (4, desk.inbox.deposit("0x" + BOB.hex(), 5))):
        account = anvil.accounts[index]
        call = {"from": account.address, "to": desk.inbox.address, "data": "0x" + request.data.hex()}
        anvil.request("eth_sendTransaction", {**call, "value": hex(request.value), "gas": hex(10**6)})
    anvil.mine()
    anvil.request("evm_setAutomine", True)
    mined = anvil.request("eth_getBlockByNumber", "latest", True)["transactions"]
    assert [each["from"] for each in mined] == [anvil.accounts[at].address.lower() for at in (3, 4)]
    desk.sequencer.order()
    anvil.mine()
    desk.sequencer.order()
    follower = desk.reader()
    follower.refresh()
    assert follower.order.head.forced_end == 1
    assert follower.order.ledger.account(BOB).cleared == 6
    assert desk.sequencer.chain.account(BOB, pending=False).cleared == 6


def test_a_poster_without_ether_loses_and_repeats_nothing(anvil: Chain, tmp_path: Path) -> None:
    desk = Desk(anvil, tmp_path, force_calldata=True)
    desk.deposit(2)
    poster = anvil.accounts[1].address
    anvil.request("anvil_setBalance", poster, "0x0")
    for nonce in range(3):
        desk.send(desk.signed(2, nonce))
        with pytest.raises(InsufficientFundsError):
            desk.sequencer.post()
    anvil.request("anvil_setBalance", poster, hex(ETHER))
    desk.sequencer.post()
    desk.sequencer.order()
    desk.sequencer.post()
    assert desk.inbox.read("latest") == (1,)
    assert desk.reader().refresh()
    assert desk.sequencer.chain.safe_number == desk.sequencer.chain.head.header.number


def test_a_restart_between_mined_and_seen_posts_nothing_twice(anvil: Chain, tmp_path: Path) -> None:
    desk = Desk(anvil, tmp_path, force_calldata=True)
    desk.deposit(2)
    desk.send(desk.signed(2, 0))
    desk.sequencer.post()  # mined; the view that knows it is lost with the process
    spent = anvil.client.nonce(anvil.accounts[1].address)
    desk.restart()
    desk.sequencer.order()
    desk.sequencer.post()
    assert anvil.client.nonce(anvil.accounts[1].address) == spent
    assert desk.inbox.read("latest") == (1,)


def test_a_post_on_a_stale_view_reverts_before_it_costs_anything(anvil: Chain, tmp_path: Path) -> None:
    desk = Desk(anvil, tmp_path, force_calldata=True)
    desk.deposit(2)
    desk.send(desk.signed(2, 0))
    desk.sequencer.post()
    spent = anvil.client.nonce(anvil.accounts[1].address)
    desk.sequencer.post()  # the view is still the old one
    assert anvil.client.nonce(anvil.accounts[1].address) == spent
    assert desk.inbox.read("latest") == (1,)
