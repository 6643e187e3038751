from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import L2_CHAIN_ID, Address, Gas, Wei
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, call_gas, next_base_fee
from anh_rollup.protocol.jobs import order_calldata
from anh_rollup.protocol.ledger import (
    DNN,
    EXIT,
    Account,
    BlockTerms,
    Charged,
    Deposit,
    Effect,
    Escrow,
    Lapse,
    Ledger,
    Origin,
    Payout,
    Skipped,
    SkipReason,
    decode_or_none,
    effect_of,
    fold_block,
)
from tests.doubles.ordering import (
    ALICE,
    BOB,
    ETHER,
    GWEI,
    JOB,
    MALLORY,
    SEQUENCER,
    decoded,
    empty_ledger,
    pair,
    record_of,
)

BASE_FEE = GWEI


def funded(**amounts: int) -> Ledger:
    ledger = empty_ledger()
    wallets = {"alice": ALICE, "bob": BOB, "mallory": MALLORY}
    deposits = tuple(Deposit(wallets[name].address, amount) for name, amount in amounts.items())
    ledger.apply_origin(Origin(deposits))
    return ledger


def apply(ledger: Ledger, raw: bytes, **terms: Any) -> Any:
    return ledger.apply(*pair(raw), BlockTerms(BASE_FEE, **terms))


def state(ledger: Ledger) -> Any:
    return dict(ledger.accounts), dict(ledger.escrows), ledger.prepaid


def test_a_deposit_is_cleared_money() -> None:
    assert funded(alice=5).account(ALICE.address) == Account(nonce=0, cleared=5)


def test_a_plain_transfer_moves_cleared_money_and_pays_the_effective_price() -> None:
    ledger = funded(alice=ETHER)
    outcome = apply(ledger, ALICE.transfer(0, BOB.address, 100, maxPriorityFeePerGas=3))
    fee = 21_000 * (BASE_FEE + 3)
    assert outcome == Charged(Effect.TRANSFER, 21_000, BASE_FEE + 3, covered=100)
    assert ledger.accounts == {
        ALICE.address: Account(1, ETHER - 100 - fee),
        BOB.address: Account(0, 100),
        SEQUENCER: Account(0, fee),
    }


def test_cleared_money_can_be_spent_again_at_once() -> None:
    ledger = funded(alice=ETHER)
    apply(ledger, ALICE.transfer(0, BOB.address, ETHER // 2))
    assert isinstance(apply(ledger, BOB.transfer(0, ALICE.address, 1)), Charged)


def test_an_order_pays_its_intrinsic_gas_and_puts_the_reward_into_escrow() -> None:
    ledger = funded(alice=ETHER)
    raw = ALICE.order(0, 70)
    gas = call_gas(order_calldata(JOB))
    assert apply(ledger, raw) == Charged(Effect.ORDER, gas, BASE_FEE, covered=70)
    assert ledger.escrows == {keccak256(record_of(raw)): Escrow(70, ALICE.address)}
    assert ledger.account(ALICE.address) == Account(1, ETHER - 70 - gas * BASE_FEE)


def test_anything_else_prepays_its_whole_gas_and_value() -> None:
    ledger = funded(alice=ETHER)
    assert apply(ledger, ALICE.call(0, b"\1", value=9)) == Charged(
        Effect.PREPAID, 100_000, 2 * GWEI, covered=9
    )
    assert ledger.prepaid == 100_000 * 2 * GWEI + 9
    assert ledger.account(SEQUENCER) == Account()


def test_of_a_value_that_code_receives_the_ledger_takes_what_cleared_money_is_left() -> None:
    fee = 100_000 * 2 * GWEI
    ledger = funded(alice=fee + 4)
    outcome = apply(ledger, ALICE.call(0, b"\1", value=9))
    assert outcome == Charged(Effect.PREPAID, 100_000, 2 * GWEI, covered=4)
    assert ledger.account(ALICE.address) == Account(nonce=1, cleared=0)
    assert ledger.prepaid == fee + 4


def test_gas_is_paid_in_cleared_money_whatever_runs() -> None:
    ledger = funded(alice=100_000 * 2 * GWEI - 1)
    assert apply(ledger, ALICE.call(0, b"\1")) == Skipped(SkipReason.FUNDS)


def test_the_reward_of_an_order_is_covered_by_cleared_money() -> None:
    cover = 200_000 * 2 * GWEI + 70
    assert apply(funded(alice=cover - 1), ALICE.order(0, 70)) == Skipped(SkipReason.FUNDS)
    assert isinstance(apply(funded(alice=cover), ALICE.order(0, 70)), Charged)


ACCESS_LIST = [{"address": "0x" + "11" * 20, "storageKeys": []}]


@pytest.mark.parametrize(
    ("fields", "effect"),
    [
        ({}, Effect.TRANSFER),
        ({"gas": 21_001}, Effect.PREPAID),
        ({"data": b"\0", "gas": 21_000}, Effect.PREPAID),
        ({"to": None}, Effect.PREPAID),
        ({"to": "0x" + DNN.hex()}, Effect.PREPAID),
        ({"to": "0x" + DNN.hex(), "data": order_calldata(JOB), "gas": 90_000}, Effect.ORDER),
        ({"to": "0x" + DNN.hex(), "data": order_calldata(JOB) + b"\0", "gas": 90_000}, Effect.PREPAID),
        (
            {"to": "0x" + DNN.hex(), "data": order_calldata(JOB), "gas": 90_000, "accessList": ACCESS_LIST},
            Effect.PREPAID,
        ),
        ({"data": order_calldata(JOB), "gas": 90_000}, Effect.PREPAID),
    ],
)
def test_what_a_transaction_is_follows_from_its_bytes(fields: dict[str, Any], effect: Effect) -> None:
    assert effect_of(decoded(ALICE.sign(**fields))) is effect


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (ALICE.transfer(1, BOB.address, 1), SkipReason.NONCE_TOO_HIGH),
        (ALICE.sign(gas=20_999), SkipReason.INTRINSIC_GAS),
        (ALICE.call(0, b"\1" * 100, gas=24_999), SkipReason.INTRINSIC_GAS),
        (ALICE.call(0, b"", gas=BLOCK_GAS_LIMIT + 1), SkipReason.BLOCK_GAS),
        (ALICE.sign(maxFeePerGas=BASE_FEE - 1), SkipReason.BASE_FEE),
        (ALICE.transfer(0, BOB.address, ETHER), SkipReason.FUNDS),
        (MALLORY.transfer(0, BOB.address, 0), SkipReason.FUNDS),
    ],
)
def test_a_transaction_that_breaks_a_rule_has_no_effect_at_all(raw: bytes, reason: SkipReason) -> None:
    ledger = funded(alice=ETHER)
    before = state(ledger)
    assert apply(ledger, raw) == Skipped(reason)
    assert state(ledger) == before


def test_a_transaction_counts_once() -> None:
    ledger = funded(alice=ETHER)
    raw = ALICE.transfer(0, BOB.address, 1)
    assert isinstance(apply(ledger, raw), Charged)
    assert apply(ledger, raw) == Skipped(SkipReason.NONCE_TOO_LOW)


def test_cover_is_asked_for_at_the_highest_price_not_at_the_effective_one() -> None:
    raw = ALICE.transfer(0, BOB.address, 5)
    short = funded(alice=21_000 * 2 * GWEI + 4)
    assert apply(short, raw) == Skipped(SkipReason.FUNDS)
    assert isinstance(apply(funded(alice=21_000 * 2 * GWEI + 5), raw), Charged)


@pytest.mark.parametrize("record", [b"", b"\xff", b"\0" * 70, record_of(ALICE.sign())[:-1] + b"\1"])
def test_bytes_that_are_no_transaction_are_ordered_without_effect(record: bytes) -> None:
    ledger = funded(alice=ETHER)
    before = state(ledger)
    outcome = ledger.apply(record, decode_or_none(record, L2_CHAIN_ID), BlockTerms(BASE_FEE))
    assert isinstance(outcome, Skipped)
    assert state(ledger) == before


def test_a_record_signed_for_another_chain_is_never_its_signers() -> None:
    found = decode_or_none(record_of(ALICE.sign()), 1)
    assert found is None or found.sender != ALICE.address


def test_skipped_transactions_use_no_gas_of_the_block() -> None:
    ledger, terms = funded(alice=ETHER), BlockTerms(BASE_FEE)
    ledger.apply(*pair(ALICE.sign(nonce=3)), terms)
    ledger.apply(*pair(ALICE.sign(nonce=0)), terms)
    assert terms == BlockTerms(BASE_FEE, ordered_gas=21_000)


def test_a_full_queue_does_not_crowd_out_a_forced_transaction() -> None:
    full = [pair(MALLORY.call(nonce, b"", gas=BLOCK_GAS_LIMIT, maxFeePerGas=GWEI)) for nonce in range(3)]
    honest = pair(ALICE.transfer(0, BOB.address, 1))
    ledger = funded(alice=ETHER, mallory=ETHER)
    outcomes, gas = fold_block(ledger, [*full, honest], BASE_FEE, [], forced=4)
    assert [type(each) for each in outcomes] == [Charged] * 4
    assert next_base_fee(BASE_FEE, gas) == BASE_FEE * 9 // 8


def test_own_transactions_share_what_forced_ones_leave() -> None:
    ledger = funded(alice=ETHER, mallory=ETHER)
    forced = pair(MALLORY.call(0, b"", gas=BLOCK_GAS_LIMIT, maxFeePerGas=GWEI))
    outcomes, _ = fold_block(ledger, [forced, pair(ALICE.sign())], BASE_FEE, [], forced=1)
    assert outcomes[1] == Skipped(SkipReason.BLOCK_GAS)


# --- the ends of an escrow ---


def ordered() -> tuple[Ledger, Any]:
    ledger = funded(alice=ETHER)
    raw = ALICE.order(0, 70)
    apply(ledger, raw)
    return ledger, keccak256(record_of(raw))


def test_a_final_claim_pays_its_claimant_once() -> None:
    ledger, job = ordered()
    ledger.apply_origin(Origin((Payout(job, BOB.address), Payout(job, MALLORY.address))))
    assert ledger.account(BOB.address).cleared == 70
    assert ledger.account(MALLORY.address).cleared == 0
    assert ledger.escrows == {}


def test_a_payout_of_a_job_that_does_not_exist_changes_nothing() -> None:
    ledger, job = ordered()
    before = state(ledger)
    ledger.apply_origin(Origin((Payout(keccak256(job), MALLORY.address),)))
    assert state(ledger) == before


def test_the_payer_gets_the_reward_of_a_lapsed_job_back_once() -> None:
    ledger, job = ordered()
    before = ledger.account(ALICE.address).cleared
    ledger.apply_origin(Origin((Lapse(job), Lapse(job))))
    assert ledger.account(ALICE.address).cleared == before + 70
    assert ledger.escrows == {}


def test_the_first_end_of_a_job_counts() -> None:
    for ends, paid in (((Payout, Lapse), 70), ((Lapse, Payout), 0)):
        ledger, job = ordered()
        told = {Payout: Payout(job, BOB.address), Lapse: Lapse(job)}
        ledger.apply_origin(Origin(tuple(told[end] for end in ends)))
        assert ledger.account(BOB.address).cleared == paid


# --- exits ---


def test_an_exit_leaves_the_balance_and_counts_for_ever() -> None:
    ledger = funded(alice=ETHER)
    for nonce, amount in enumerate((70, 0, 5)):
        charged = apply(ledger, ALICE.transfer(nonce, EXIT, amount))
        assert charged == Charged(Effect.EXIT, Gas(21_000), charged.price, Wei(amount))
    fees = ledger.account(SEQUENCER).cleared
    assert ledger.account(ALICE.address) == Account(3, Wei(ETHER - 75 - fees), Wei(75))
    assert ledger.account(EXIT) == Account()
    assert ledger.held == ledger.deposited == ETHER


def test_money_that_comes_later_keeps_what_was_withdrawn() -> None:
    ledger = funded(alice=ETHER)
    apply(ledger, ALICE.transfer(0, EXIT, 70))
    apply(ledger, ALICE.transfer(1, BOB.address, 1))
    ledger.apply_origin(Origin((Deposit(ALICE.address, Wei(5)),)))
    assert ledger.account(ALICE.address).withdrawn == 70


def test_an_exit_needs_cover_for_all_that_leaves() -> None:
    ledger = funded(alice=ETHER)
    assert apply(ledger, ALICE.transfer(0, EXIT, ETHER)) == Skipped(SkipReason.FUNDS)


@pytest.mark.parametrize(
    ("fields", "gas"), [({"gas": 21_001}, 21_000), ({"gas": 30_000, "data": b"\1"}, 21_040)]
)
def test_an_exit_may_have_any_gas_limit_and_data_and_pays_what_it_owes(
    fields: dict[str, Any], gas: int
) -> None:
    ledger = funded(alice=ETHER)
    charged = apply(ledger, ALICE.sign(nonce=0, to=EXIT, value=7, **fields))
    assert charged == Charged(Effect.EXIT, Gas(gas), charged.price, Wei(7))
    assert ledger.account(ALICE.address).withdrawn == 7


def test_a_copy_looks_ahead_without_changing_the_original() -> None:
    ledger = funded(alice=ETHER)
    before = state(ledger)
    apply(ledger.copy(), ALICE.order(0, 1))
    assert state(ledger) == before


# --- hostile actors ---

WALLETS = (ALICE, BOB, MALLORY)
AMOUNTS = st.integers(0, 2 * ETHER) | st.sampled_from([0, 1, 2**256 - 1])
GAS = st.sampled_from([0, 20_999, 21_000, 21_001, 60_000, BLOCK_GAS_LIMIT, 2**64 - 1])
TARGETS = st.sampled_from([ALICE.address, BOB.address, DNN, EXIT, SEQUENCER, None])
DATA = st.sampled_from([b"", b"\0", b"\1" * 40, order_calldata(JOB), order_calldata(JOB)[:-1]])
PLAIN = decoded(ALICE.sign())


def transaction(fields: dict[str, Any]) -> SignedTransaction:
    return PLAIN._replace(**fields)


TRANSACTIONS = st.fixed_dictionaries(
    {
        "sender": st.sampled_from([wallet.address for wallet in WALLETS]),
        "nonce": st.integers(0, 3),
        "gas_limit": GAS,
        "max_fee": st.sampled_from([0, BASE_FEE - 1, BASE_FEE, 2 * BASE_FEE, 2**256 - 1]),
        "value": AMOUNTS,
        "to": TARGETS,
        "data": DATA,
    }
).map(transaction)
DEPOSITS = st.builds(
    Deposit, st.sampled_from([wallet.address for wallet in WALLETS]), st.integers(1, 10 * ETHER)
)
STEPS = st.lists(
    TRANSACTIONS | DEPOSITS | st.tuples(st.sampled_from([Payout, Lapse]), st.integers(0, 5)), max_size=25
)


@given(STEPS)
def test_whatever_comes_deposits_equal_balances_escrow_prepaid_and_withdrawn(steps: list[Any]) -> None:
    ledger, terms = empty_ledger(), BlockTerms(BASE_FEE)
    for place, step in enumerate(steps):
        before = state(ledger)
        withdrawn = {address: account.withdrawn for address, account in ledger.accounts.items()}
        if isinstance(step, SignedTransaction):
            outcome = ledger.apply(place.to_bytes(4, "big"), step, terms)
            paid = isinstance(outcome, Charged)
            assert paid or state(ledger) == before
            assert not paid or ledger.account(step.sender).nonce == step.nonce + 1
            if isinstance(outcome, Charged):
                whole = outcome.effect is not Effect.PREPAID or ledger.account(step.sender).cleared > 0
                assert 0 <= outcome.covered <= step.value
                assert not whole or outcome.covered == step.value
        elif isinstance(step, Deposit):
            ledger.apply_origin(Origin((step,)))
        else:
            jobs = list(ledger.escrows)
            job = jobs[step[1] % len(jobs)] if jobs else keccak256(b"none")
            end = Payout(job, MALLORY.address) if step[0] is Payout else Lapse(job)
            ledger.apply_origin(Origin((end,)))
        assert ledger.held == ledger.deposited
        assert all(ledger.account(address).withdrawn >= wei for address, wei in withdrawn.items())
        assert all(account.cleared >= 0 for account in ledger.accounts.values())
        assert terms.ordered_gas <= BLOCK_GAS_LIMIT


@given(st.lists(TRANSACTIONS, max_size=20))
def test_an_attacker_without_cleared_money_has_no_effect(attack: list[SignedTransaction]) -> None:
    ledger = funded(alice=ETHER)
    before = state(ledger)
    hostile = [each._replace(sender=Address(b"\xee" * 20)) for each in attack]
    outcomes = [ledger.apply(b"\1", each, BlockTerms(BASE_FEE)) for each in hostile]
    assert state(ledger) == before
    assert all(isinstance(each, Skipped) for each in outcomes)


@given(st.lists(TRANSACTIONS, max_size=12), st.integers(1, ETHER))
def test_an_attacker_never_orders_more_than_its_money_pays_for(
    attack: list[SignedTransaction], money: int
) -> None:
    ledger = funded(mallory=money)
    hostile = [each._replace(sender=MALLORY.address, to=None) for each in attack]
    outcomes, _ = fold_block(ledger, [(b"\1", each) for each in hostile], BASE_FEE, [])
    gas = sum(each.gas for each in outcomes if isinstance(each, Charged))
    assert gas * BASE_FEE <= money
