"""The engine over the executable specification: the definition of what a run does."""

import sys
from collections.abc import Mapping
from typing import Any, Final, cast

from ethereum.crypto.hash import Hash32
from ethereum.forks.cancun.state import State, TransientStorage, account_has_code_or_nonce, get_account
from ethereum.forks.cancun.vm import (
    BlockEnvironment,
    Evm,
    Message,
    TransactionEnvironment,
    exceptions,
    interpreter,
)
from ethereum.forks.cancun.vm.interpreter import STACK_DEPTH_LIMIT, process_create_message, process_message
from ethereum_types.bytes import Bytes0, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

from anh_rollup.primitives import DIGEST_SIZE, Address, Gas
from anh_rollup.world import limited_instructions  # noqa: F401 - makes loops look at the time
from anh_rollup.world.bytecode import JumpDestinations
from anh_rollup.world.engine import Block, Changes, Log, Outcome, Run, StateReader, SystemContract
from anh_rollup.world.outcomes import OUT_OF_GAS, gas_with_floor, halted, owed_gas, refused
from anh_rollup.world.specification_state import LazyState
from anh_rollup.world.strict import PRECOMPILED, Scope, ScopedState, created_address
from anh_rollup.world.system_calls import system_contracts

REFUND_QUOTIENT: Final = 5
"""At most one part in five of the gas is refunded (EIP-3529)."""

interpreter.get_valid_jump_destinations = JumpDestinations  # type: ignore[assignment, attr-defined]

_DEEPEST: Final = 8 * int(STACK_DEPTH_LIMIT)
"""Frames of Python: the specification takes four for one of the EVM, and whoever calls an engine has some."""

#: What can end the outermost frame, which is never static and never too deep.
_HALTS: Final[Mapping[type, str]] = {
    exceptions.AddressCollision: "contract address collision",
    exceptions.InvalidContractPrefix: "invalid code: must not begin with 0xef",
    exceptions.InvalidJumpDestError: "invalid jump destination",
    exceptions.InvalidOpcode: "invalid opcode",
    exceptions.OutOfBoundsRead: "return data out of bounds",
    exceptions.OutOfGasError: OUT_OF_GAS,
    exceptions.StackOverflowError: "stack overflow",
    exceptions.StackUnderflowError: "stack underflow",
}


class SpecificationEngine:
    """Runs everything. Making one lets Python recurse as deep as the EVM does."""

    def __init__(self) -> None:
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _DEEPEST))

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        """Executes a transaction on a state, which stays as it is.

        Raises:
            ResultMissingError: A system contract lacks a result.
        """
        if run.is_strict:
            return self._run_strictly(run, block, state, systems)
        lazy = LazyState(state)
        with system_contracts(systems):
            return _executed(run, block, lazy, frozenset(systems))

    def _run_strictly(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        scope = Scope(run)
        existing = {address: system for address, system in systems.items() if address in scope.accounts}
        lazy = LazyState(ScopedState(state, scope))
        with system_contracts(existing):
            outcome = _executed(run, block, lazy, frozenset(existing))
        return scope.judged(outcome, lazy.still_looked_at, block.fee_recipient)


def _executed(run: Run, block: Block, state: LazyState, systems: frozenset[Address]) -> Outcome:
    """Runs a transaction on a state that was made for it."""
    specified = cast(State, state)
    sender = get_account(specified, Bytes20(run.sender))
    refusal = refused(run, int(sender.balance), state.looked_at)
    if refusal:
        return refusal
    message = _message(run, block, state, systems)
    if run.to is None and account_has_code_or_nonce(specified, message.current_target):
        return halted(run.gas_limit, _HALTS[exceptions.AddressCollision], state.looked_at)
    evm = process_create_message(message) if run.to is None else process_message(message)
    return _failed(run, evm, state) if evm.error else _succeeded(run, evm, state)


def _succeeded(run: Run, evm: Evm, state: LazyState) -> Outcome:
    destroyed = frozenset(bytes(address) for address in evm.accounts_to_delete)
    return Outcome(
        succeeded=True,
        gas_used=_gas_used(run, evm, evm.refund_counter),
        output=bytes(evm.output),
        created=Address(bytes(evm.message.current_target)) if run.to is None else None,
        logs=tuple(
            Log(Address(bytes(log.address)), tuple(map(bytes, log.topics)), bytes(log.data))
            for log in evm.logs
        ),
        changes=state.changes(destroyed),
        reads=state.looked_at,
    )


def _failed(run: Run, evm: Evm, state: LazyState) -> Outcome:
    halt = (
        None
        if isinstance(evm.error, exceptions.Revert)
        else _HALTS.get(type(evm.error), type(evm.error).__name__)
    )
    return Outcome(
        succeeded=False,
        gas_used=_gas_used(run, evm, 0),
        output=bytes(evm.output),
        created=None,
        logs=(),
        changes=Changes(),
        reads=state.looked_at,
        halt=halt,
    )


def _gas_used(run: Run, evm: Evm, refund: int) -> Gas:
    used = run.gas_limit - int(evm.gas_left)
    return gas_with_floor(run, used - min(used // REFUND_QUOTIENT, refund))


def _message(run: Run, block: Block, state: LazyState, systems: frozenset[Address]) -> Message:
    """The outermost frame, with what EIP-2929, EIP-2930 and EIP-3651 make warm."""
    target = Bytes20(created_address(run.sender, run.nonce) if run.to is None else run.to)
    environment = _transaction(run, block, state)
    warm = {Bytes20(address) for address in PRECOMPILED | systems | {run.sender, target}}
    return Message(
        block_env=_block(block, state),
        tx_env=environment,
        caller=environment.origin,
        target=Bytes0() if run.to is None else target,
        current_target=target,
        gas=environment.gas,
        value=U256(run.value),
        data=b"" if run.to is None else run.data,
        code_address=None if run.to is None else target,
        code=run.data if run.to is None else get_account(cast(State, state), target).code,
        depth=Uint(0),
        should_transfer_value=True,
        is_static=False,
        accessed_addresses=warm | environment.access_list_addresses,
        accessed_storage_keys=set(environment.access_list_storage_keys),
        parent_evm=None,
    )


def _transaction(run: Run, block: Block, state: LazyState) -> TransactionEnvironment:
    addresses = {block.fee_recipient, *(address for address, _ in run.access_list)}
    keys = ((address, key) for address, listed in run.access_list for key in listed)
    return TransactionEnvironment(
        origin=Bytes20(run.sender),
        gas_price=Uint(run.gas_price),
        gas=Uint(run.gas_limit - owed_gas(run)),
        access_list_addresses={Bytes20(address) for address in addresses},
        access_list_storage_keys={
            (Bytes20(address), Bytes32(key.to_bytes(32, "big"))) for address, key in keys
        },
        transient_storage=cast(TransientStorage, state.transient),
        blob_versioned_hashes=(),
        index_in_block=None,
        tx_hash=None,
    )


def _block(block: Block, state: LazyState) -> BlockEnvironment:
    return BlockEnvironment(
        chain_id=U64(block.chain_id),
        state=cast(State, state),
        block_gas_limit=Uint(block.gas_limit),
        block_hashes=_Hashes(block),
        coinbase=Bytes20(block.fee_recipient),
        number=Uint(block.number),
        base_fee_per_gas=Uint(block.base_fee),
        time=U256(block.time),
        prev_randao=Bytes32(block.randomness),
        excess_blob_gas=U64(0),
        parent_beacon_block_root=Hash32(bytes(DIGEST_SIZE)),
    )


class _Hashes(list[Hash32]):
    """The hashes of the blocks before, the last at -1, each asked for when it is needed."""

    def __init__(self, block: Block) -> None:
        super().__init__()
        self._block = block

    def __getitem__(self, place: Any) -> Any:
        return Hash32(self._block.hash_of(self._block.number + int(place)))
