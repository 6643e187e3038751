"""Taking ether out of the L2: what is signed, who is refused, and what L1 alone knows of an account."""

from typing import cast

import pytest
from eth_account import Account

from anh_rollup.client.exiting import (
    FORCED_MARGIN,
    ExitFundsError,
    Means,
    NothingOverdueError,
    means_on_l1,
    overdue_since,
    sign_exit,
)
from anh_rollup.encoding.transactions import decode_signed
from anh_rollup.l1.contracts.inbox import Inbox, InboxRules
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import ETHER, GWEI, L2_CHAIN_ID, Seconds, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS
from anh_rollup.protocol.ledger import EXIT, Effect, effect_of
from tests.doubles.ordering import ALICE, BOB, FakeL1, pair

KEY = Account.from_key(bytes(range(1, 33)))
MEANS = Means(nonce=7, cleared=ETHER, price=2 * GWEI, chain_id=L2_CHAIN_ID)
RULES = InboxRules(L2_CHAIN_ID, "0x", Seconds(600), Seconds(1_200), Wei(ETHER // 1_000), 5_000)


def test_an_exit_is_a_plain_transfer_to_the_exit_address() -> None:
    raw, value = sign_exit(KEY, ETHER // 2, MEANS)
    signed = decode_signed(raw)
    assert (signed.to, signed.value, value) == (EXIT, ETHER // 2, ETHER // 2)
    assert (signed.nonce, signed.gas_limit, signed.max_fee) == (7, TRANSFER_GAS, 2 * GWEI)
    assert effect_of(signed) is Effect.EXIT


def test_all_is_what_the_highest_fee_leaves() -> None:
    raw, value = sign_exit(KEY, None, MEANS)
    assert decode_signed(raw).value == value == ETHER - TRANSFER_GAS * 2 * GWEI


@pytest.mark.parametrize("cleared", [0, TRANSFER_GAS * 2 * GWEI])
def test_nothing_is_signed_where_not_even_a_wei_is_left(cleared: int) -> None:
    with pytest.raises(ExitFundsError) as caught:
        sign_exit(KEY, None, Means(0, cleared, 2 * GWEI, L2_CHAIN_ID))
    assert (caught.value.needed, caught.value.cleared) == (TRANSFER_GAS * 2 * GWEI + 1, cleared)


def test_nothing_is_signed_that_cleared_money_does_not_cover() -> None:
    with pytest.raises(ExitFundsError) as caught:
        sign_exit(KEY, ETHER, MEANS)
    assert caught.value.needed == ETHER + TRANSFER_GAS * 2 * GWEI


def means(l1: FakeL1) -> Means:
    l1.refresh()
    return means_on_l1(cast(OrderReader, l1), ALICE.address, L2_CHAIN_ID)


def test_l1_alone_tells_deposits_that_no_block_has_taken_in() -> None:
    l1 = FakeL1()
    assert (means(l1).nonce, means(l1).cleared) == (0, 0)
    l1.deposit(ALICE.address, ETHER)
    base_fee = l1.order.head.header.base_fee * 7 // 8
    assert means(l1) == Means(0, ETHER, base_fee * FORCED_MARGIN, L2_CHAIN_ID)


def test_what_waits_in_the_queue_counts_before_the_next_exit() -> None:
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    fee = TRANSFER_GAS * (l1.order.head.header.base_fee * 7 // 8)
    for raw in (ALICE.transfer(0, EXIT, 5), ALICE.transfer(2, EXIT, 5), BOB.transfer(0, EXIT, 5)):
        l1.force(pair(raw)[0])
    l1.force(b"no record")
    assert (means(l1).nonce, means(l1).cleared) == (1, ETHER - 5 - fee)


class FakeInbox:
    """A queue of entries, of which some are consumed."""

    def __init__(self, consumed: int, *times: int) -> None:
        self.done, self.times = consumed, times

    def consumed(self) -> int:
        return self.done

    def queue_length(self) -> int:
        return len(self.times)

    def queued_at(self, index: int) -> int:
        return self.times[index]

    def rules(self) -> InboxRules:
        return RULES


@pytest.mark.parametrize(
    ("queue", "since"),
    [(FakeInbox(0), None), (FakeInbox(2, 5, 6), None), (FakeInbox(1, 5, 6, 7), 1_206)],
)
def test_the_oldest_entry_says_when_anybody_may_order_the_queue(queue: FakeInbox, since: int | None) -> None:
    assert overdue_since(cast(Inbox, queue)) == since


def test_it_is_told_whether_the_queue_is_empty_or_too_young() -> None:
    assert NothingOverdueError(None).message == "no forced transaction waits on L1"
    early = NothingOverdueError(Seconds(0))
    assert early.message.endswith("for the oldest forced transaction until 1970-01-01 00:00:00 UTC")
