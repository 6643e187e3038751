"""What exists for a strict run, and what makes it fail; both engines alike."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.world.engine import (
    AccessList,
    Account,
    Block,
    Changes,
    Engine,
    Outcome,
    Reads,
    Run,
    StateReader,
    SystemContract,
)
from anh_rollup.world.revm import RevmEngine
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import (
    ACCOUNT_KEY,
    OUTSIDE,
    STRICT_MARKER,
    Scope,
    created_address,
    is_strict,
)
from tests.doubles.state import FEE_RECIPIENT, MemoryState, block
from tests.unit.world.engines import (
    CONTRACT,
    MONEY,
    NONCE,
    OTHER,
    RETURN_TOP,
    REVERT_TOP,
    SENDER,
    STRANGER,
    address,
    call,
    creation,
    load,
    number,
    returned,
    state,
    store,
    transaction,
)

MARKER = ((STRICT_MARKER, ()),)
CREATED = created_address(SENDER, NONCE)


class Never:
    """An engine that nothing may be handed on to."""

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        raise AssertionError("handed on")


@pytest.fixture(params=[SpecificationEngine(), RevmEngine(Never())], ids=["specification", "revm"])
def engine(request: pytest.FixtureRequest) -> Engine:
    found: Engine = request.param
    return found


def execute(
    engine: Engine, before: MemoryState, *listed: tuple[Address, tuple[int, ...]], **fields: object
) -> Outcome:
    run = transaction(access_list=(*MARKER, *listed), is_strict=True, **fields)
    return engine.run(run, block(), before, {})


def fails(outcome: Outcome) -> bool:
    """Whether it failed for what is outside, as the rules have it."""
    failure = Outcome(False, Gas(500_000), b"", None, (), Changes(), outcome.reads, OUTSIDE)
    assert (outcome.halt == OUTSIDE) == (outcome == failure)
    return outcome.halt == OUTSIDE


@pytest.mark.parametrize(
    ("access_list", "strict"),
    [
        ((), False),
        (((CONTRACT, (1,)),), False),
        (((CONTRACT, (1,)), (STRICT_MARKER, ())), True),
        (((STRICT_MARKER, (1,)),), False),
        (((STRICT_MARKER, (1,)), (STRICT_MARKER, ())), True),
    ],
)
def test_the_marker_without_keys_makes_a_transaction_strict(access_list: AccessList, strict: bool) -> None:
    assert is_strict(access_list) == strict


def test_the_constants_are_those_of_the_docs() -> None:
    assert f"0x{STRICT_MARKER.hex()}" == "0x000000000000000000000000000000000057e1c7"
    assert int.from_bytes(keccak256(b"anh.account"), "big") == ACCOUNT_KEY


def test_what_it_reads_and_writes_follows_from_the_list() -> None:
    listed = (*MARKER, (OTHER, (1, ACCOUNT_KEY)), (STRANGER, (2,)))
    scope = Scope(transaction(access_list=listed))
    assert scope.accounts == {SENDER, CONTRACT, OTHER, STRANGER}
    assert scope.writable == {SENDER, OTHER}
    assert scope.slots == {(OTHER, 1), (STRANGER, 2)}
    assert scope.reads == Reads(scope.accounts, scope.slots)


def test_the_recipient_of_a_value_and_the_created_contract_are_written() -> None:
    assert Scope(transaction(value=Wei(1))).writable == {SENDER, CONTRACT}
    creating = Scope(transaction(to=None))
    assert creating.writable == creating.accounts == {SENDER, CREATED}


def test_a_created_contracts_address_follows_from_sender_and_nonce() -> None:
    vitalik = Address(bytes.fromhex("6ac7ea33f8831ea9dcc53393aaa88b25a785dbf0"))
    made = [created_address(vitalik, nonce).hex() for nonce in range(2)]
    assert made == ["cd234a471b72ba2f1ccf0a70fcaba648a5eecd8d", "343c43a37d37dff08ae8c4a11544c718abb4fcf8"]


def test_listed_elements_are_read_and_written(engine: Engine) -> None:
    before = state(f"{load(1)}{number(2)}55{load(1)}{RETURN_TOP}", slots={(CONTRACT, 1): 42})
    outcome = execute(engine, before, (CONTRACT, (1, 2)))
    assert returned(outcome) == 42
    assert outcome.changes == Changes(slots={(CONTRACT, 2): 42})
    assert outcome.reads == Reads(frozenset({SENDER, CONTRACT}), frozenset({(CONTRACT, 1), (CONTRACT, 2)}))


@pytest.mark.parametrize(
    "code",
    [
        load(3),
        store(3),
        f"{address(STRANGER)}31",
        f"{address(STRANGER)}3b",
        f"{address(STRANGER)}3f",
        call(STRANGER),
    ],
)
def test_a_look_outside_fails_the_run(engine: Engine, code: str) -> None:
    assert fails(execute(engine, state(code + "00"), (CONTRACT, (1,))))


def test_a_look_outside_in_a_reverted_frame_does_not(engine: Engine) -> None:
    before = state(f"{call(OTHER)}{RETURN_TOP}", f"{address(STRANGER)}31{load(3)}01{REVERT_TOP}")
    before.accounts[STRANGER] = Account(0, 5)
    before.slots[OTHER, 3] = 5
    assert returned(execute(engine, before, (OTHER, ()))) == 0


def test_what_is_outside_reads_as_empty(engine: Engine) -> None:
    """The frame reverts, so it may look, and tells what it saw."""
    seen = f"{address(STRANGER)}31{address(STRANGER)}3b01{load(3)}01{REVERT_TOP}"
    before = state(seen, slots={(CONTRACT, 3): 5})
    before.accounts[STRANGER] = Account(1, 5, b"\x00")
    outcome = execute(engine, before)
    assert (outcome.output, outcome.halt) == (bytes(32), None)


def test_a_run_that_reverts_as_a_whole_pays_for_what_it_did_alone(engine: Engine) -> None:
    outcome = execute(engine, state(f"{load(3)}{REVERT_TOP}"))
    assert (outcome.halt, outcome.gas_used < 30_000) == (None, True)


@pytest.mark.parametrize("warm", [FEE_RECIPIENT, STRICT_MARKER, Address(bytes(19) + b"\x02")])
def test_what_is_touched_from_the_start_may_be_looked_at_and_reads_as_empty(
    engine: Engine, warm: Address
) -> None:
    before = state(f"{address(warm)}31{RETURN_TOP}")
    before.accounts[warm] = Account(0, 5)
    assert returned(execute(engine, before)) == 0


def test_the_fee_recipient_reads_as_it_is_where_it_is_listed(engine: Engine) -> None:
    before = state(f"4131{RETURN_TOP}")
    before.accounts[FEE_RECIPIENT] = Account(0, 5)
    assert returned(execute(engine, before, (FEE_RECIPIENT, ()))) == 5


def test_precompiled_contracts_run(engine: Engine) -> None:
    identity = Address(bytes(19) + b"\x04")
    assert execute(engine, state(""), to=identity, data=b"\x07").output == b"\x07"


def test_precompiled_contracts_take_no_money_unless_they_are_listed(engine: Engine) -> None:
    identity = Address(bytes(19) + b"\x04")
    before = state(call(identity, value=1) + "00")
    before.accounts[CONTRACT] = replace(before.accounts[CONTRACT], balance=1)
    listed = (CONTRACT, (ACCOUNT_KEY,))
    assert fails(execute(engine, before, listed))
    assert execute(engine, before, listed, (identity, (ACCOUNT_KEY,))).changes.accounts[identity] == Account(
        0, 1
    )


def test_money_moves_between_accounts_with_the_account_key_alone(engine: Engine) -> None:
    before = state(call(OTHER, value=1) + "00", "00")
    before.accounts[CONTRACT] = replace(before.accounts[CONTRACT], balance=1)
    permitted, listed = (OTHER, (ACCOUNT_KEY,)), (OTHER, ())
    assert fails(execute(engine, before, permitted))
    assert fails(execute(engine, before, listed, (CONTRACT, (ACCOUNT_KEY,))))
    outcome = execute(engine, before, permitted, (CONTRACT, (ACCOUNT_KEY,)))
    assert {each: account.balance for each, account in outcome.changes.accounts.items() if account} == {
        CONTRACT: 0,
        OTHER: 1,
    }


def test_money_that_comes_back_is_no_change(engine: Engine) -> None:
    """The contract pays the other one, unless it is being paid itself; the other one pays it back."""
    paying = call(OTHER, value=1)
    code = f"3461{5 + len(paying) // 2 + 1:04x}57{paying}005b00"
    before = state(code, f"{call(CONTRACT, value=1)}00")
    before.accounts[CONTRACT] = Account(1, 1, bytes.fromhex(code))
    outcome = execute(engine, before, (OTHER, ()))
    assert (outcome.succeeded, outcome.changes) == (True, Changes())
    assert outcome.gas_used > 2 * 9_000


def test_the_account_key_reads_as_zero_and_cannot_be_written(engine: Engine) -> None:
    before = state(f"{load(ACCOUNT_KEY)}{RETURN_TOP}", slots={(CONTRACT, ACCOUNT_KEY): 5})
    assert returned(execute(engine, before, (CONTRACT, (ACCOUNT_KEY,)))) == 0
    assert fails(execute(engine, before))
    assert fails(execute(engine, state(store(ACCOUNT_KEY)), (CONTRACT, (ACCOUNT_KEY,))))


@pytest.mark.parametrize(
    ("value", "gas", "refund"),
    [("602a", 100, 0), ("6001", 2_900, 0), ("5f", 2_900, 4_800)],
    ids=["as it was", "changed", "cleared"],
)
def test_gas_of_storage_follows_from_what_was_there_before(
    engine: Engine, value: str, gas: int, refund: int
) -> None:
    """EIP-2200, EIP-2929 and EIP-3529, for two listed elements, which are warm."""
    before = state(store(1, value) + store(2, value), slots={(CONTRACT, 1): 42, (CONTRACT, 2): 42})
    owed = 21_000 + 2 * 2_400 + 2 * 1_900
    used = owed + 2 * (gas + 3 + (2 if value == "5f" else 3))
    assert execute(engine, before, (CONTRACT, (1, 2))).gas_used == used - min(2 * refund, used // 5)


def test_a_created_contract_needs_its_elements_listed(engine: Engine) -> None:
    init = bytes.fromhex(store(1))
    assert fails(execute(engine, state(""), to=None, data=init))
    outcome = execute(engine, state(""), (CREATED, (1,)), to=None, data=init, value=Wei(2))
    assert outcome.created == CREATED
    assert outcome.changes == Changes(
        {SENDER: Account(NONCE + 1, MONEY - 2), CREATED: Account(1, 2)}, {(CREATED, 1): 1}
    )


def test_a_created_contract_has_its_code(engine: Engine) -> None:
    outcome = execute(engine, state(""), to=None, data=bytes.fromhex(creation("600100")))
    assert outcome.output == bytes.fromhex("600100")
    assert outcome.changes.accounts == {CREATED: Account(1, 0, bytes.fromhex("600100"))}


@pytest.mark.parametrize(
    ("code", "halt"),
    [
        ("fe", "invalid opcode"),
        ("0c", "invalid opcode"),
        ("5b5f56", "out of gas"),
        ("63ffffffff51", "out of gas"),
        ("50", "stack underflow"),
        ("5f" * 1025, "stack overflow"),
        ("600456", "invalid jump destination"),
        ("60015f5f3e", "return data out of bounds"),
    ],
)
def test_a_halt_uses_all_gas_and_has_a_name(engine: Engine, code: str, halt: str) -> None:
    outcome = execute(engine, state(code))
    assert (outcome.succeeded, outcome.gas_used, outcome.output, outcome.halt) == (False, 500_000, b"", halt)


@pytest.mark.parametrize("number", [6, 8, 9, 10])
def test_precompiled_contracts_refuse_what_is_malformed(engine: Engine, number: int) -> None:
    outcome = execute(engine, state(""), to=Address(number.to_bytes(20, "big")), data=b"\xff" * 100)
    assert (outcome.gas_used, outcome.halt) == (500_000, "out of gas")


def test_a_creation_collides_with_an_account_that_has_a_nonce(engine: Engine) -> None:
    before = state("")
    before.accounts[CREATED] = Account(1)
    outcome = execute(engine, before, to=None)
    assert (outcome.gas_used, outcome.halt) == (500_000, "contract address collision")


@pytest.mark.parametrize("code", ["60ef5f5360015ff3", "6160015ff3"], ids=["begins with 0xef", "too long"])
def test_code_that_cannot_be_deployed_uses_all_gas(engine: Engine, code: str) -> None:
    outcome = execute(engine, state(""), to=None, data=bytes.fromhex(code), gas_limit=Gas(6_000_000))
    assert (outcome.succeeded, outcome.gas_used, outcome.halt is None) == (False, 6_000_000, False)


def test_a_value_without_cover_runs_no_code(engine: Engine) -> None:
    outcome = execute(engine, state(store(1)), value=Wei(MONEY + 1))
    assert (outcome.halt, outcome.gas_used) == ("insufficient balance for transfer", 23_400)
    assert outcome.reads == Reads(frozenset({SENDER, CONTRACT}))
