"""One EVM of pyrevm for one strict run: filled before, read afterwards."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Final

import pyrevm

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Block, Changes, Log, Outcome, Reads, Run, Slot
from anh_rollup.world.outcomes import BALANCE_OVERFLOW, OUT_OF_GAS, gas_with_floor
from anh_rollup.world.revm_journal import JournaledAccount, read_journal
from anh_rollup.world.strict import created_address

_PADDING: Final = 33
"""Zero bytes that revm appends to code that it has analysed."""

_EMPTY_CODE_HASH: Final = keccak256(b"")
_REVERT: Final = re.compile(r"Revert \{ gas_used: \d+, output: 0x([0-9a-f]*) \}")

_HALTS: Final[Mapping[str, str]] = {
    "CreateCollision": "contract address collision",
    "CreateContractSizeLimit": "invalid code: too long, or begins with 0xef",
    "InvalidFEOpcode": "invalid opcode",
    "InvalidJump": "invalid jump destination",
    "OpcodeNotFound": "invalid opcode",
    "OutOfGas": OUT_OF_GAS,
    "OutOfOffset": "return data out of bounds",
    "OverflowPayment": BALANCE_OVERFLOW,
    "PrecompileError": OUT_OF_GAS,
    "StackOverflow": "stack overflow",
    "StackUnderflow": "stack underflow",
}


@dataclass(frozen=True, slots=True)
class Filling:
    """The state that exists for a run.

    Attributes:
        accounts: Every account; an empty one where there is none.
        slots: Every element of storage.
    """

    accounts: Mapping[Address, Account]
    slots: Mapping[tuple[Address, Slot], int]


def execute(run: Run, block: Block, filling: Filling) -> tuple[Outcome, Reads] | None:
    """The outcome and what frames that were not reverted have looked at; None where revm refuses the run."""
    evm = _machine(run, block, filling)
    output = _output(evm, run)
    result = evm.result
    if result is None:
        return None
    used = gas_with_floor(run, result.gas_used)
    if not result.is_success:
        halt = _HALTS.get(result.reason.partition("(")[0], result.reason) if result.is_halt else None
        return Outcome(False, used, output, None, (), Changes(), Reads(), halt), Reads()
    journal = list(read_journal(evm.journal_str))
    changes, looks = _changes(evm, run, filling, journal), _looks(journal)
    created = created_address(run.sender, run.nonce) if run.to is None else None
    if created is not None:
        output = _code(evm, created)
    return Outcome(True, used, output, created, _logs(result), changes, looks), looks


def _machine(run: Run, block: Block, filling: Filling) -> Any:
    environment = pyrevm.BlockEnv(
        number=block.number,
        coinbase=_name(block.fee_recipient),
        timestamp=block.time,
        prevrandao=block.randomness,
        gas_limit=block.gas_limit,
        excess_blob_gas=0,
    )
    configuration = pyrevm.CfgEnv(chain_id=block.chain_id)
    evm = pyrevm.EVM(
        env=pyrevm.Env(cfg=configuration, block=environment), gas_limit=block.gas_limit, spec_id="CANCUN"
    )
    for address, account in filling.accounts.items():
        _insert(evm, address, account, run)
    for (address, key), value in filling.slots.items():
        if value:
            _insert_element(evm, _name(address), key, value)
    listed = [(_name(address), list(keys)) for address, keys in run.access_list]
    evm.set_tx_env(pyrevm.TxEnv(caller=_name(run.sender), access_list=listed))
    return evm


def _insert(evm: Any, address: Address, account: Account, run: Run) -> None:
    """Puts an account into the machine, which counts a creating sender's nonce itself."""
    if address == run.sender and run.to is None:
        account = replace(account, nonce=run.nonce)
    if account.is_empty:
        return
    # The type stub knows of no balance.
    fields: dict[str, Any] = {
        "nonce": account.nonce,
        "balance": account.balance,
        "code": account.code or None,
    }
    evm.insert_account_info(_name(address), pyrevm.AccountInfo(**fields))


def _insert_element(evm: Any, name: str, key: Slot, value: int) -> None:
    """Puts an element of storage into the machine's database.

    pyrevm loads the account with it, and would take the next one for a change by the run: another original
    value. So the account is unloaded again.
    """
    unloaded = evm.snapshot()
    evm.insert_account_storage(name, key, value)
    evm.revert(unloaded)


def _output(evm: Any, run: Run) -> bytes:
    """Executes the run: what it returned or reverted with; for a creation nothing."""
    try:
        if run.to is None:
            evm.deploy(_name(run.sender), run.data, value=run.value, gas=run.gas_limit)
            return b""
        return bytes(
            evm.message_call(
                caller=_name(run.sender),
                to=_name(run.to),
                calldata=run.data,
                value=run.value,
                gas=run.gas_limit,
            )
        )
    except RuntimeError as failure:
        reverted = _REVERT.search(str(failure))
        return bytes.fromhex(reverted[1]) if reverted else b""


def _looks(journal: list[JournaledAccount]) -> Reads:
    places = ((account.address, key) for account in journal for key in account.slots)
    return Reads(frozenset(account.address for account in journal), frozenset(places))


def _changes(evm: Any, run: Run, filling: Filling, journal: list[JournaledAccount]) -> Changes:
    """What is different now. Whatever was not filled in was empty."""
    accounts: dict[Address, Account | None] = {}
    slots: dict[tuple[Address, Slot], int] = {}
    for each in journal:
        before = filling.accounts.get(each.address, Account())
        after = None if each.is_destroyed else _after(evm, run, before, each)
        if (after or Account()) != before:
            accounts[each.address] = after
        for key, value in {} if each.is_destroyed else each.slots.items():
            if filling.slots.get((each.address, key), 0) != value:
                slots[each.address, key] = value
    return Changes(accounts, slots)


def _after(evm: Any, run: Run, before: Account, journaled: JournaledAccount) -> Account | None:
    """An account behind the run; None where nothing of it is left."""
    nonce = before.nonce if journaled.address == run.sender else journaled.nonce
    created = not before.code and journaled.code_hash != _EMPTY_CODE_HASH
    code = _code(evm, journaled.address) if created else before.code
    after = Account(nonce, journaled.balance, code)
    return None if after.is_empty else after


def _code(evm: Any, address: Address) -> bytes:
    """The code of an account that this run created."""
    return bytes(evm.get_code(_name(address)) or b"")[:-_PADDING]


def _logs(result: Any) -> tuple[Log, ...]:
    return tuple(_log(log) for log in result.logs)


def _log(log: Any) -> Log:
    topics, data = log.data
    return Log(Address(bytes.fromhex(log.address[2:])), tuple(bytes(topic) for topic in topics), bytes(data))


def _name(address: Address) -> str:
    return f"0x{address.hex()}"
