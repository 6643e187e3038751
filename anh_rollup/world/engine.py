"""What an EVM engine is asked and what it answers. An engine keeps nothing between two runs.

The world gives an engine one transaction, the block that it stands in and a way to read the state before it;
the engine gives back what changed. Fees are the ledger's: a sender's balance is what is left after the ledger
has taken the prepaid fee, and no engine touches it for gas.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from anh_rollup.primitives import Address, Digest, Gas, Seconds, Wei

Slot = int
"""A storage key, 0 to 2**256 - 1."""

AccessList = tuple[tuple[Address, tuple[Slot, ...]], ...]
"""Addresses with storage keys, as EIP-2930 has them."""


@dataclass(frozen=True, slots=True)
class Account:
    """An account as the EVM sees it.

    Attributes:
        nonce: Transactions sent, or contracts created.
        balance: Wei.
        code: Its code; empty for one without.
    """

    nonce: int = 0
    balance: int = 0
    code: bytes = b""

    @property
    def is_empty(self) -> bool:
        """As EIP-161 has it."""
        return self == Account()


class StateReader(Protocol):
    """The state before a run. An engine reads what it needs only: each read may cost an execution."""

    def account(self, address: Address) -> Account | None:
        """An account, or None where there is none."""
        ...

    def slot(self, address: Address, key: Slot) -> int:
        """An element of an account's storage, 0 where nothing was written."""
        ...


@dataclass(frozen=True, slots=True)
class Block:
    """What the EVM can know of the block that a transaction stands in.

    Attributes:
        chain_id: The L2's.
        number: Its height.
        time: Seconds.
        base_fee: Wei a gas.
        gas_limit: Of the block.
        fee_recipient: What COINBASE gives.
        randomness: What PREVRANDAO gives, 32 bytes.
        hash_of: The hash of one of the 256 blocks before.
    """

    chain_id: int
    number: int
    time: int
    base_fee: int
    gas_limit: int
    fee_recipient: Address
    randomness: bytes
    hash_of: Callable[[int], Digest]


@dataclass(frozen=True, slots=True)
class Run:
    """A transaction or call to execute.

    Attributes:
        sender: Who sent it. Its nonce in the state is the one *after* this transaction: the ledger counts it.
        nonce: The transaction's own, from which the address of a created contract follows.
        to: The account called; None creates a contract.
        value: Wei.
        data: Calldata or init code.
        gas_limit: With the intrinsic gas.
        gas_price: What GASPRICE gives; wei a gas.
        access_list: Warm from the start, and paid for in the intrinsic gas.
        is_strict: Whether nothing outside the list exists for it (docs/world.md).
    """

    sender: Address
    nonce: int
    to: Address | None
    value: Wei
    data: bytes
    gas_limit: Gas
    gas_price: Wei
    access_list: AccessList = ()
    is_strict: bool = False


@dataclass(frozen=True, slots=True)
class Log:
    """One event of a contract: up to four topics of 32 bytes, and data."""

    address: Address
    topics: tuple[bytes, ...]
    data: bytes


@dataclass(frozen=True, slots=True)
class Changes:
    """What a run changed.

    Attributes:
        accounts: The accounts that are different now; None where one is gone.
        slots: The elements of storage that are different now, by account and key.
    """

    accounts: Mapping[Address, Account | None] = field(default_factory=dict)
    slots: Mapping[tuple[Address, Slot], int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Reads:
    """What a run looked at, in reverted frames too, whether or not it was there.

    What else the state holds cannot change the outcome. The reads of a strict run are all that exists for it.
    """

    accounts: frozenset[Address] = frozenset()
    slots: frozenset[tuple[Address, Slot]] = frozenset()


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a run.

    Attributes:
        succeeded: False where it reverted or halted: then nothing changed.
        gas_used: With the intrinsic gas, less refunds, and at least EIP-7623's floor.
        output: What it returned, or the data that it reverted with; a created contract's code. Empty where it
            halted.
        created: The address of the created contract, where it is one and succeeded.
        logs: In order; none where it failed.
        changes: Empty where it failed. Gas is not in it.
        reads: What it looked at.
        halt: Why it stopped where it neither succeeded nor reverted, in the field's words ("out of gas").
            It is for people: engines may choose other words.
    """

    succeeded: bool
    gas_used: Gas
    output: bytes
    created: Address | None
    logs: tuple[Log, ...]
    changes: Changes
    reads: Reads
    halt: str | None = None


@dataclass(frozen=True, slots=True)
class SystemCall:
    """A call of a system contract.

    Attributes:
        caller: Whose call it is.
        data: Calldata.
        gas: What is left for the call.
        value: Wei that came with it; the system contract's account has them already.
        time: Of the block, in seconds.
        is_direct: Whether it is the transaction itself, and no call of a contract.
    """

    caller: Address
    data: bytes
    gas: Gas
    value: Wei = Wei(0)
    time: Seconds = Seconds(0)
    is_direct: bool = False


@dataclass(frozen=True, slots=True)
class SystemAnswer:
    """What a system contract does with a call.

    Attributes:
        output: What it returns.
        gas: What it takes; more than there is halts the call.
        payee: Who gets the value of the call, in the same run; None leaves it to the system contract.
    """

    output: bytes
    gas: Gas
    payee: Address | None = None


class SystemContract(Protocol):
    """A contract that the node carries out itself, at a fixed address."""

    def call(self, call: SystemCall) -> SystemAnswer:
        """What it does with a call.

        Its address is warm, as a precompiled contract's is. Delegated calls never arrive here: they revert.

        Raises:
            ResultMissingError: Its result is not known yet. The run stops as a whole, whatever the callers
                would have caught, and is run again when the result is there.
            SystemRevertError: The call is refused; the calling contract sees a revert with its data.
        """
        ...


class Engine(Protocol):
    """Runs single transactions. All engines give the same outcomes; they differ in speed alone."""

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        """Executes a transaction on a state, which stays as it is.

        Raises:
            ResultMissingError: A system contract lacks a result.
        """
        ...
