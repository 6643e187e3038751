"""Contracts that the node carries out: how their results, refusals and missing results reach a run."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import pytest
from ethereum.forks.cancun.vm import interpreter

from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.world.engine import Account, Outcome, SystemAnswer, SystemCall
from anh_rollup.world.errors import ResultMissingError, SystemRevertError
from anh_rollup.world.revm import RevmEngine
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import STRICT_MARKER
from tests.doubles.state import MemoryState, block
from tests.unit.world.engines import (
    CONTRACT,
    NONCE,
    OTHER,
    RETURN_OUTPUT,
    RETURN_TOP,
    REVERT_TOP,
    SENDER,
    call,
    execute,
    returned,
    state,
    transaction,
)

SYSTEM = Address((0xA4E).to_bytes(20, "big"))
GAS = 1_000


@dataclass
class Answering:
    """Returns its caller and calldata, and pays somebody, or fails; remembers its calls."""

    failure: Exception | None = None
    payee: Address | None = None
    calls: list[tuple[Address, bytes]] = field(default_factory=list)

    def call(self, call: SystemCall) -> SystemAnswer:
        self.calls.append((call.caller, call.data))
        if self.failure:
            raise self.failure
        return SystemAnswer(bytes(12) + call.caller + call.data, Gas(GAS), self.payee)


def through(contract: Answering, code: str, **fields: object) -> Outcome:
    return execute(state(code), {SYSTEM: contract}, **fields)


def test_a_contract_gets_its_result() -> None:
    contract = Answering()
    assert returned(through(contract, call(SYSTEM) + RETURN_OUTPUT)) == int.from_bytes(CONTRACT, "big")
    assert contract.calls == [(CONTRACT, b"")]


def test_a_transaction_can_call_it_itself() -> None:
    outcome = through(Answering(), "", to=SYSTEM, data=b"\x01\x02")
    assert outcome.output == bytes(12) + SENDER + b"\x01\x02"
    assert outcome.gas_used == 21_000 + 2 * 16 + GAS


def test_it_takes_gas_and_is_warm() -> None:
    with_call = through(Answering(), call(SYSTEM)).gas_used
    without = through(Answering(), call(Address((4).to_bytes(20, "big")))).gas_used
    assert with_call - without == GAS - 15


def test_it_halts_where_it_takes_more_gas_than_there_is() -> None:
    assert through(Answering(), "", to=SYSTEM, gas_limit=Gas(21_000 + GAS - 1)).halt == "out of gas"
    assert through(Answering(), "", to=SYSTEM, gas_limit=Gas(21_000 + GAS)).succeeded


def test_a_value_reaches_its_account() -> None:
    outcome = through(Answering(), "", to=SYSTEM, value=Wei(5))
    assert outcome.changes.accounts[SYSTEM] == Account(0, 5)


def test_a_value_is_paid_to_whom_it_names() -> None:
    paying = Answering(payee=OTHER)
    direct = through(paying, "", to=SYSTEM, value=Wei(5)).changes.accounts
    assert SYSTEM not in direct
    assert direct[OTHER] == Account(1, 5)
    inside = through(paying, call(SYSTEM, value=3), value=Wei(5)).changes.accounts
    assert (inside[CONTRACT].balance, inside[OTHER].balance) == (2, 3)
    assert SYSTEM not in inside


def test_nobody_is_paid_in_a_frame_that_reverts() -> None:
    outcome = through(Answering(payee=OTHER), call(SYSTEM, value=3) + REVERT_TOP, value=Wei(5))
    assert not outcome.succeeded
    assert not outcome.changes.accounts


def test_a_refusal_takes_its_gas() -> None:
    free = through(Answering(SystemRevertError(b"no")), call(SYSTEM)).gas_used
    priced = through(Answering(SystemRevertError(b"no", Gas(GAS))), call(SYSTEM)).gas_used
    assert priced - free == GAS
    short = Answering(SystemRevertError(b"no", Gas(GAS)))
    assert through(short, "", to=SYSTEM, gas_limit=Gas(21_000 + GAS - 1)).halt == "out of gas"


def test_a_refusal_is_a_revert_that_a_caller_can_catch() -> None:
    refusing = Answering(SystemRevertError(b"\x00" * 31 + b"\x07"))
    caught = through(refusing, call(SYSTEM) + RETURN_OUTPUT)
    assert returned(caught) == 7
    direct = through(refusing, "", to=SYSTEM)
    assert (direct.succeeded, direct.halt, direct.output) == (False, None, b"\x00" * 31 + b"\x07")


def test_a_missing_result_is_caught_by_nobody() -> None:
    missing = Answering(ResultMissingError(b"what"))
    with pytest.raises(ResultMissingError) as raised:
        through(missing, call(SYSTEM) + "5f5500")
    assert raised.value.request == b"what"


def test_after_a_missing_result_the_next_run_finds_everything_as_it_was() -> None:
    engine, before = SpecificationEngine(), state(call(SYSTEM) + RETURN_TOP)
    with pytest.raises(ResultMissingError):
        engine.run(transaction(), block(), before, {SYSTEM: Answering(ResultMissingError(b"what"))})
    assert returned(engine.run(transaction(), block(), before, {SYSTEM: Answering()})) == 1


@pytest.mark.parametrize("kind", ["f4", "f2"])
def test_delegated_calls_never_reach_it(kind: str) -> None:
    contract = Answering()
    code = call(SYSTEM, kind) if kind == "f4" else call(SYSTEM).removesuffix("f1") + "f2"
    assert returned(through(contract, code + RETURN_TOP)) == 0
    assert contract.calls == []


def test_it_is_there_for_the_run_that_names_it_alone() -> None:
    through(Answering(), call(SYSTEM))
    assert SYSTEM not in interpreter.PRE_COMPILED_CONTRACTS
    assert execute(state(call(SYSTEM) + RETURN_OUTPUT)).output == b""


def test_threads_do_not_see_one_anothers() -> None:
    def answer(number: int) -> list[tuple[Address, bytes]]:
        contract = Answering()
        for _ in range(20):
            through(contract, "", to=SYSTEM, data=bytes([number + 1]))
        return contract.calls

    with ThreadPoolExecutor(4) as pool:
        found = list(pool.map(answer, range(4)))
    assert found == [[(SENDER, bytes([number + 1]))] * 20 for number in range(4)]


@pytest.mark.parametrize("engine", [SpecificationEngine(), RevmEngine(SpecificationEngine())])
def test_it_exists_for_a_strict_run_that_lists_it(engine: SpecificationEngine) -> None:
    before: MemoryState = state(call(SYSTEM) + RETURN_OUTPUT)
    listed = ((STRICT_MARKER, ()), (SYSTEM, ()))
    for access_list, halt in ((listed, None), (listed[:1], "outside the access list")):
        run = transaction(access_list=access_list, is_strict=True, nonce=NONCE)
        assert engine.run(run, block(), before, {SYSTEM: Answering()}).halt == halt
