"""The engine over the executable specification: what it answers, and what it says that it has looked at."""

import hashlib

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.world.engine import Account, Changes, Log, Reads
from anh_rollup.world.strict import PRECOMPILED, created_address
from tests.doubles.state import FEE_RECIPIENT, block
from tests.unit.world.engines import (
    CONTRACT,
    MONEY,
    NONCE,
    OTHER,
    RETURN_OUTPUT,
    RETURN_TOP,
    REVERT_TOP,
    SENDER,
    STRANGER,
    address,
    call,
    creation,
    execute,
    load,
    number,
    returned,
    state,
    store,
)

TRANSFER_GAS = 21_000
CREATED = created_address(SENDER, NONCE)


def test_a_run_changes_nothing_but_what_it_says() -> None:
    before = state(store(1, "602a"))
    outcome = execute(before, value=Wei(5))
    assert outcome.changes == Changes(
        accounts={
            SENDER: Account(NONCE + 1, MONEY - 5),
            CONTRACT: Account(1, 5, before.accounts[CONTRACT].code),
        },
        slots={(CONTRACT, 1): 42},
    )
    assert (before.slots, before.accounts[CONTRACT].balance) == ({}, 0)


def test_what_is_written_back_as_it_was_is_no_change() -> None:
    outcome = execute(state(store(1, "602b") + store(1, "602a"), slots={(CONTRACT, 1): 42}))
    assert outcome.changes == Changes()


def test_a_zero_that_is_written_is_a_change() -> None:
    assert execute(state(store(1, "5f"), slots={(CONTRACT, 1): 42})).changes.slots == {(CONTRACT, 1): 0}


def test_no_fee_is_charged() -> None:
    assert execute(state("00")).changes == Changes()


def test_a_creation_gets_the_address_of_its_nonce() -> None:
    outcome = execute(state(""), to=None, data=bytes.fromhex(creation("6001")), value=Wei(3))
    assert outcome.created == CREATED
    assert outcome.output == bytes.fromhex("6001")
    assert outcome.changes.accounts == {
        SENDER: Account(NONCE + 1, MONEY - 3),
        CREATED: Account(1, 3, bytes.fromhex("6001")),
    }


def test_a_creation_collides_with_an_account_that_has_code() -> None:
    before = state("")
    before.accounts[CREATED] = Account(1, 0, b"\x00")
    outcome = execute(before, to=None, data=b"\x00")
    assert (outcome.succeeded, outcome.gas_used, outcome.created) == (False, 500_000, None)
    assert outcome.halt == "contract address collision"


def test_a_creation_keeps_the_money_that_was_there() -> None:
    before = state("")
    before.accounts[CREATED] = Account(0, 7)
    outcome = execute(before, to=None, data=b"\x00")
    assert outcome.changes.accounts == {CREATED: Account(1, 7)}


def test_create_counts_the_creators_nonce() -> None:
    outcome = execute(state(f"5f5f5ff0{RETURN_TOP}"))
    made = created_address(CONTRACT, 1)
    assert returned(outcome) == int.from_bytes(made, "big")
    assert outcome.changes.accounts.keys() == {CONTRACT, made}
    assert outcome.changes.accounts[made] == Account(1)


def test_create2_follows_the_salt() -> None:
    outcome = execute(state(f"602a5f5f5ff5{RETURN_TOP}"))
    salted = b"\xff" + CONTRACT + (42).to_bytes(32, "big") + keccak256(b"")
    assert returned(outcome) == int.from_bytes(keccak256(salted)[12:], "big")


def test_a_revert_changes_nothing() -> None:
    outcome = execute(state(f"{store(1)}5f5fa05f{REVERT_TOP}"), value=Wei(1))
    assert not outcome.succeeded
    assert (outcome.changes, outcome.logs) == (Changes(), ())


def test_a_revert_has_its_data_and_is_no_halt() -> None:
    outcome = execute(state(f"602a{REVERT_TOP}"))
    assert (outcome.succeeded, outcome.halt, int.from_bytes(outcome.output, "big")) == (False, None, 42)
    assert outcome.gas_used < 500_000


def test_a_delegated_call_works_on_its_callers_storage() -> None:
    outcome = execute(state(call(OTHER, "f4"), store(1)))
    assert outcome.changes.slots == {(CONTRACT, 1): 1}


def test_a_static_call_cannot_write() -> None:
    outcome = execute(state(call(OTHER, "fa") + RETURN_TOP, store(1)))
    assert returned(outcome) == 0
    assert outcome.changes == Changes()


def test_transient_storage_lasts_to_the_end_of_the_run() -> None:
    other = f"5f5c600101805f5d{RETURN_TOP}"
    code = call(OTHER) + call(OTHER) + RETURN_OUTPUT
    before = state(code, other)
    assert [returned(execute(before)) for _ in range(2)] == [2, 2]
    assert execute(before).changes == Changes()


def test_transient_storage_is_undone_where_a_frame_reverts() -> None:
    assert returned(execute(state(f"60075f5d{call(OTHER, 'f4')}5f5c{RETURN_TOP}", "60085f5d5f5ffd"))) == 7


def test_a_contract_that_is_destroyed_where_it_was_created_leaves_its_money_alone() -> None:
    init = f"{store(1)}{address(STRANGER)}ff"
    outcome = execute(state(""), to=None, data=bytes.fromhex(init), value=Wei(3))
    assert outcome.changes == Changes(
        accounts={SENDER: Account(NONCE + 1, MONEY - 3), STRANGER: Account(0, 3)}, slots={}
    )


def test_a_contract_from_before_survives_its_destruction_without_money() -> None:
    before = state(f"{address(STRANGER)}ff")
    outcome = execute(before, value=Wei(3))
    assert outcome.changes.accounts == {SENDER: Account(NONCE + 1, MONEY - 3), STRANGER: Account(0, 3)}


@pytest.mark.parametrize(
    ("contract", "output"),
    [(2, hashlib.sha256(bytes(32)).digest()), (4, bytes(32)), (5, b""), (8, (1).to_bytes(32, "big"))],
)
def test_precompiled_contracts_answer(contract: int, output: bytes) -> None:
    data = b"" if contract in (5, 8) else bytes(32)
    outcome = execute(state(""), to=Address(contract.to_bytes(20, "big")), data=data)
    assert (outcome.succeeded, outcome.output) == (True, output)


def test_precompiled_contracts_are_those_of_the_strict_rules() -> None:
    warm = [f"{address(contract)}31" for contract in sorted(PRECOMPILED)]
    gas = execute(state("".join(warm))).gas_used - TRANSFER_GAS
    assert gas == len(PRECOMPILED) * (3 + 100)


def test_clearing_storage_is_refunded_up_to_a_fifth() -> None:
    slots = {(CONTRACT, key): 1 for key in range(3)}
    outcome = execute(state("".join(store(key, "5f") for key in range(3)), slots=slots))
    spent = TRANSFER_GAS + 3 * (2 + 3 + 5_000)
    assert outcome.gas_used == spent - spent // 5


def test_a_failed_run_gets_no_refund() -> None:
    outcome = execute(state(f"{store(1, '5f')}5f{REVERT_TOP}", slots={(CONTRACT, 1): 1}))
    memory = 2 + 2 + 3 + 3 + 3 + 2
    assert outcome.gas_used == TRANSFER_GAS + 2 + 3 + 5_000 + memory


def test_calldata_costs_at_least_the_floor() -> None:
    outcome = execute(state("00"), data=b"\x01" * 1_000)
    assert outcome.gas_used == TRANSFER_GAS + 1_000 * 40


def test_listed_elements_are_paid_for_and_warm() -> None:
    outcome = execute(state(load(1) + address(OTHER) + "31"), access_list=((CONTRACT, (1,)), (OTHER, ())))
    assert outcome.gas_used == TRANSFER_GAS + 2 * 2_400 + 1_900 + (3 + 100) + (3 + 100)


def test_the_sender_the_recipient_and_the_fee_recipient_are_warm() -> None:
    outcome = execute(state("3331" + "3031" + "4131"))
    assert outcome.gas_used == TRANSFER_GAS + 3 * (2 + 100)


def test_too_little_gas_for_the_intrinsic_gas_halts() -> None:
    outcome = execute(state("00"), gas_limit=Gas(20_999))
    assert (outcome.gas_used, outcome.halt) == (20_999, "intrinsic gas too low")


def test_init_code_has_a_greatest_length() -> None:
    fits, above = (
        execute(state(""), to=None, data=bytes(size), gas_limit=Gas(10_000_000)) for size in (49_152, 49_153)
    )
    assert (fits.succeeded, fits.halt) == (True, None)
    assert (above.gas_used, above.halt) == (10_000_000, "max initcode size exceeded")


@pytest.mark.parametrize("to", [CONTRACT, None])
def test_a_value_without_cover_runs_no_code(to: Address | None) -> None:
    outcome = execute(state(store(1)), to=to, value=Wei(MONEY + 1))
    owed = TRANSFER_GAS + (32_000 if to is None else 0)
    assert (outcome.succeeded, outcome.gas_used, outcome.changes) == (False, owed, Changes())
    assert outcome.halt == "insufficient balance for transfer"
    assert outcome.reads == Reads(frozenset({SENDER}))


def test_the_whole_balance_can_be_sent() -> None:
    assert execute(state("00"), value=Wei(MONEY)).changes.accounts[SENDER] == Account(NONCE + 1, 0)


def test_logs_come_in_order_without_those_of_reverted_frames() -> None:
    quiet = f"60075f5fa15f{REVERT_TOP}"
    outcome = execute(state(f"60015f5fa1{call(OTHER)}6002600360205fa2", quiet))
    topics = [tuple(int.from_bytes(topic, "big") for topic in log.topics) for log in outcome.logs]
    assert topics == [(1,), (3, 2)]
    assert outcome.logs[0] == Log(CONTRACT, ((1).to_bytes(32, "big"),), b"")


def test_reverted_frames_have_looked_at_what_they_saw() -> None:
    outcome = execute(state(call(OTHER) + "00", f"{load(5)}{address(STRANGER)}31{REVERT_TOP}"))
    assert outcome.succeeded
    assert outcome.reads == Reads(frozenset({SENDER, CONTRACT, OTHER, STRANGER}), frozenset({(OTHER, 5)}))


def test_nothing_is_fetched_that_is_not_looked_at() -> None:
    before = state(load(1))
    outcome = execute(before)
    assert before.asked == len(outcome.reads.accounts) + len(outcome.reads.slots) == 3


def test_what_is_there_is_as_much_a_look_as_what_is_not() -> None:
    looks = f"{address(STRANGER)}3f{address(OTHER)}3b{load(9)}"
    reads = execute(state(looks)).reads
    assert reads == Reads(frozenset({SENDER, CONTRACT, STRANGER, OTHER}), frozenset({(CONTRACT, 9)}))


def test_the_block_is_what_was_given() -> None:
    codes = {
        "46": 7,
        "43": 1_000,
        "42": 12_000,
        "48": 7,
        "45": 120_000_000,
        "41": int.from_bytes(FEE_RECIPIENT, "big"),
        "44": int.from_bytes(b"\x11" * 32, "big"),
        "3a": 9,
        "4a": 1,
        "5f49": 0,
        "32": int.from_bytes(SENDER, "big"),
    }
    assert {code: returned(execute(state(code + RETURN_TOP))) for code in codes} == codes


@pytest.mark.parametrize(("height", "found"), [(744, 744), (999, 999), (743, 0), (1_000, 0), (2**255, 0)])
def test_the_hashes_of_256_blocks_can_be_asked_for(height: int, found: int) -> None:
    assert block().number == 1_000
    assert returned(execute(state(f"{number(height)}40{RETURN_TOP}"))) == found


def test_calls_nest_as_deep_as_the_evm_allows() -> None:
    deeper = f"5f546001015f55{call(CONTRACT)}00"
    outcome = execute(state(deeper), gas_limit=Gas(10**14))
    assert outcome.changes.slots == {(CONTRACT, 0): 1_025}


def test_an_account_that_becomes_empty_is_gone() -> None:
    before = state("00")
    before.accounts[SENDER] = Account(0, 5)
    assert execute(before, value=Wei(5)).changes.accounts[SENDER] is None
