"""What revm runs, what it hands on, and how its journal is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Address, Gas
from anh_rollup.world.engine import Account, Block, Outcome, Run, StateReader, SystemContract
from anh_rollup.world.revm import UNTRUSTED, RevmEngine
from anh_rollup.world.revm_journal import JournaledAccount, read_journal
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import STRICT_MARKER
from tests.doubles.state import MemoryState, block
from tests.unit.world.engines import CONTRACT, OTHER, SENDER, call, creation, state, store, transaction

MARKER = ((STRICT_MARKER, ()),)
EMPTY_CODE_HASH = keccak256(b"")


@dataclass
class Counting:
    """The specification's engine, which remembers what it ran."""

    runs: list[Run] = field(default_factory=list)

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        self.runs.append(run)
        return SpecificationEngine().run(run, block, state, systems)


def is_handed_on(before: MemoryState, **fields: object) -> bool:
    """Whether another engine runs a transaction; both give the same outcome."""
    counting = Counting()
    run = transaction(**({"access_list": MARKER, "is_strict": True} | fields))
    outcome = RevmEngine(counting).run(run, block(), before, {})
    assert outcome == SpecificationEngine().run(run, block(), before, {})
    return counting.runs == [run]


def test_plain_strict_code_runs_on_revm() -> None:
    assert not is_handed_on(state("00"))


def test_what_is_not_strict_is_handed_on() -> None:
    assert is_handed_on(state("00"), is_strict=False)


@pytest.mark.parametrize("instruction", sorted(UNTRUSTED))
def test_instructions_that_pyrevm_answers_otherwise_are_handed_on(instruction: int) -> None:
    code = f"5f5f5f5f{instruction:02x}00"
    assert is_handed_on(state(code))
    assert is_handed_on(state("00", code), access_list=(*MARKER, (OTHER, ())))
    assert not is_handed_on(state("00", code))
    assert is_handed_on(state("00"), to=None, data=bytes.fromhex(code))


def test_a_sender_with_code_is_handed_on() -> None:
    before = state("00")
    before.accounts[SENDER] = Account(4, 10**18, b"\x00")
    assert is_handed_on(before)


def test_more_gas_than_a_block_has_is_handed_on() -> None:
    assert is_handed_on(state("00"), gas_limit=Gas(120_000_001))


def test_code_that_cannot_run_is_no_reason_to_hand_on() -> None:
    assert not is_handed_on(state(""), to=None, data=bytes.fromhex(creation("5f40600055")))


def test_a_journal_is_read_back() -> None:
    text = (
        "JournaledState { state: {"
        f"0x{CONTRACT.hex()}: Account {{ info: AccountInfo {{ balance: 5, nonce: 1, "
        f"code_hash: 0x{EMPTY_CODE_HASH.hex()}, code: Some(Bytecode {{ bytecode: 0x00, state: Raw }}) }}, "
        "storage: {2: StorageSlot { previous_or_original_value: 1, present_value: 7 }, "
        "340: StorageSlot { previous_or_original_value: 0, present_value: 0 }}, "
        "status: AccountStatus(Touched) }, "
        f"0x{OTHER.hex()}: Account {{ info: AccountInfo {{ balance: 0, nonce: 0, "
        f"code_hash: 0x{EMPTY_CODE_HASH.hex()}, code: None }}, storage: {{}}, "
        "status: AccountStatus(Created | SelfDestructed | Touched) }}, transient_storage: {}, logs: [], "
        f"journal: [[AccountLoaded {{ address: 0x{SENDER.hex()} }}]] }}"
    )
    assert list(read_journal(text)) == [
        JournaledAccount(CONTRACT, 5, 1, EMPTY_CODE_HASH, {2: 7, 340: 0}, is_destroyed=False),
        JournaledAccount(OTHER, 0, 0, EMPTY_CODE_HASH, {}, is_destroyed=True),
    ]


def test_a_journal_of_nothing_holds_nothing() -> None:
    assert list(read_journal("JournaledState { state: {}, transient_storage: {} }")) == []


def test_everything_that_exists_is_fetched_once() -> None:
    before = state(store(1))
    run = transaction(access_list=(*MARKER, (CONTRACT, (1, 2)), (OTHER, ())), is_strict=True)
    RevmEngine(Counting()).run(run, block(), before, {})
    assert before.asked == 3 + 2


def test_calls_nest_as_deep_as_gas_allows() -> None:
    deeper = f"5f546001015f55{call(CONTRACT)}00"
    fields = {"access_list": (*MARKER, (CONTRACT, (0,))), "gas_limit": Gas(100_000_000)}
    assert not is_handed_on(state(deeper), **fields)
