"""The engine over revm: fast, for strict runs of code that it can be trusted with.

pyrevm has no database callback and no inspector, so it is given all that exists for a run, and its journal
tells afterwards what was looked at and changed.
"""

from collections.abc import Mapping
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.world.bytecode import instructions
from anh_rollup.world.engine import Account, Block, Engine, Outcome, Run, StateReader, SystemContract
from anh_rollup.world.outcomes import refused
from anh_rollup.world.revm_machine import Filling, execute
from anh_rollup.world.strict import Scope

GASPRICE, BLOCKHASH, BASEFEE, CREATE, CREATE2 = 0x3A, 0x40, 0x48, 0xF0, 0xF5

UNTRUSTED: Final = frozenset({GASPRICE, BLOCKHASH, BASEFEE, CREATE, CREATE2})
"""Instructions that run elsewhere. pyrevm asks for the money to pay a gas price, invents the hashes of blocks
and answers a base fee of 0; and what contracts create may contain all of those."""


class RevmEngine:
    """Runs what revm can be trusted with, and hands on the rest: whoever has it needs no other engine.

    Args:
        other: Runs what is not strict, may call a system contract, has a sender with code, or may reach an
            instruction of UNTRUSTED.
    """

    def __init__(self, other: Engine) -> None:
        self._other = other

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        """Executes a transaction on a state, which stays as it is.

        Raises:
            ResultMissingError: A system contract lacks a result.
        """
        outcome = None
        if run.is_strict and run.gas_limit <= block.gas_limit:
            scope = Scope(run)
            if scope.accounts.isdisjoint(systems):
                outcome = _executed(scope, block, state)
        return outcome or self._other.run(run, block, state, systems)


def _executed(scope: Scope, block: Block, state: StateReader) -> Outcome | None:
    """The outcome of a run that revm can be trusted with; None of one that it cannot."""
    run = scope.run
    accounts = {address: state.account(address) or Account() for address in scope.accounts}
    refusal = refused(run, accounts[run.sender].balance, scope.reads)
    if refusal:
        return refusal
    if not _is_trusted(run, accounts):
        return None
    slots = {place: state.slot(*place) for place in scope.slots}
    executed = execute(run, block, Filling(accounts, slots))
    if executed is None:
        return None
    outcome, looks = executed
    return scope.judged(outcome, looks, block.fee_recipient)


def _is_trusted(run: Run, accounts: Mapping[Address, Account]) -> bool:
    """Whether revm runs this as the specification does. A sender with code it refuses (EIP-3607)."""
    codes = [account.code for account in accounts.values()]
    if run.to is None:
        codes.append(run.data)
    return not accounts[run.sender].code and all(UNTRUSTED.isdisjoint(instructions(code)) for code in codes)
