"""L1 gets dearer under a batch, its node drops it, its poster dies: it is posted, and nothing twice."""

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.l1.errors import TransientL1Error
from tests.integration.conftest import Chain
from tests.integration.processes import eventually
from tests.integration.test_sequencer_order import Desk

pytestmark = pytest.mark.anvil

#: How much dearer L1 gets in one block, to stay so.
SPIKE = 20

POSTER = 1

carriers = pytest.mark.parametrize("calldata", [True, False], ids=["calldata", "blobs"])


class Posting(threading.Thread):
    """A sequencer that posts again and again until nothing is left, beside whatever happens to L1."""

    def __init__(self, desk: Desk) -> None:
        super().__init__()
        self.desk, self.errors = desk, list[str]()
        self.start()

    def run(self) -> None:
        until = time.monotonic() + 60
        while self.desk.sequencer.chain.safe_number < self.desk.sequencer.chain.head.header.number:
            try:
                self.desk.sequencer.post()
            except TransientL1Error as error:
                self.errors.append(type(error).__name__)
            if time.monotonic() > until:
                return
            self.desk.sequencer.follow()


@pytest.fixture
def make_desk(anvil: Chain, tmp_path: Path) -> Callable[[bool], Desk]:
    """A sequencer with a signed block, on a chain that mines only when it is told to from then on."""

    def make(calldata: bool) -> Desk:
        desk = Desk(anvil, tmp_path, force_calldata=calldata)
        desk.deposit(2)
        desk.send(desk.signed(2, 0))
        anvil.request("evm_setAutomine", False)
        return desk

    return make


def pooled(desk: Desk) -> dict[str, Any] | None:
    """The poster's transaction that waits to be mined, the one with the lowest nonce."""
    found = desk.chain.request("txpool_content")["pending"]
    mine = next((each for who, each in found.items() if who.lower() == poster(desk).lower()), {})
    return next(iter(mine.values()), None)


def poster(desk: Desk) -> str:
    return str(desk.chain.accounts[POSTER].address)


def mine_until_posted(desk: Desk, posting: Posting, base_fee: int | None = None) -> None:
    """Mines until the sequencer has seen all of its blocks on L1, and what is left in the pool."""

    def is_over() -> bool:
        if base_fee is not None:
            desk.chain.request("anvil_setNextBlockBaseFeePerGas", hex(base_fee))
        desk.chain.mine()
        return not posting.is_alive()

    eventually(is_over)
    eventually(lambda: desk.chain.mine() or pooled(desk) is None)


def require_posted_once(desk: Desk) -> None:
    """One batch, one block order, and a follower that agrees."""
    follower = desk.reader()
    follower.refresh()
    assert desk.inbox.read("latest") == (1,)
    assert follower.order.head.header == desk.sequencer.chain.head.header
    assert desk.sequencer.chain.safe_number == desk.sequencer.chain.head.header.number


@carriers
def test_a_base_fee_that_rises_twentyfold_under_a_batch_is_paid(
    make_desk: Callable[[bool], Desk], calldata: bool
) -> None:
    desk = make_desk(calldata)
    dear = SPIKE * (desk.chain.client.head().base_fee or 0)
    posting = Posting(desk)
    first = eventually(lambda: pooled(desk))
    assert int(first["maxFeePerGas"], 16) < dear
    mine_until_posted(desk, posting, dear)
    require_posted_once(desk)
    assert desk.chain.client.nonce(poster(desk)) == int(first["nonce"], 16) + 1
    assert posting.errors == []


@carriers
def test_a_batch_that_its_node_drops_is_sent_again(make_desk: Callable[[bool], Desk], calldata: bool) -> None:
    desk = make_desk(calldata)
    posting = Posting(desk)
    first = eventually(lambda: pooled(desk))
    for _ in range(3):
        waiting = eventually(lambda: pooled(desk))
        desk.chain.request("anvil_dropTransaction", waiting["hash"])
    eventually(lambda: pooled(desk))
    mine_until_posted(desk, posting)
    require_posted_once(desk)
    assert desk.chain.client.nonce(poster(desk)) == int(first["nonce"], 16) + 1
    assert posting.errors == []


@carriers
def test_a_stuck_transaction_of_the_same_key_is_outbid_and_the_batch_follows(
    make_desk: Callable[[bool], Desk], calldata: bool
) -> None:
    desk = make_desk(calldata)
    account, nonce = desk.chain.accounts[POSTER], desk.chain.client.nonce(poster(desk))
    rival = {"to": poster(desk), "value": 0, "nonce": nonce, "gas": 21_000, "chainId": 31337, "type": 2}
    fees = {"maxFeePerGas": 60 * 10**9, "maxPriorityFeePerGas": 3 * 10**9}
    raw = account.sign_transaction({**rival, **fees}).raw_transaction
    desk.chain.client.send_raw(bytes(raw))
    stuck = eventually(lambda: pooled(desk))
    posting = Posting(desk)
    eventually(lambda: (found := pooled(desk)) is not None and found["hash"] != stuck["hash"])
    mine_until_posted(desk, posting)
    require_posted_once(desk)
    assert set(posting.errors) == {"StaleViewError"}


@carriers
def test_a_poster_that_dies_with_a_batch_in_the_pool_posts_it_once(
    make_desk: Callable[[bool], Desk], calldata: bool
) -> None:
    desk = make_desk(calldata)
    before = Posting(desk)
    eventually(lambda: pooled(desk))
    desk.restart()  # the sender of the life before stays with its own transaction
    posting = Posting(desk)
    mine_until_posted(desk, posting)
    before.join(60)
    require_posted_once(desk)
