"""What all engines do alike: what a run has to have before its first instruction, and how it ends."""

from typing import Final

from anh_rollup.primitives import Gas
from anh_rollup.protocol.fees import base_gas, floor_gas
from anh_rollup.world.engine import Changes, Outcome, Reads, Run

MOST_INIT_CODE: Final = 49_152
"""Longest init code in bytes (EIP-3860)."""

OUT_OF_GAS: Final = "out of gas"
"""Why a run halts whose gas limit does not do."""

BALANCE_OVERFLOW: Final = "balance overflow"
"""Why a run halts that makes somebody richer than 256 bits can tell: a call can only pretend that."""


def owed_gas(run: Run) -> int:
    """The gas that is gone when the first instruction runs."""
    return base_gas(run.data, run.to is None, [len(keys) for _, keys in run.access_list])


def gas_with_floor(run: Run, used: int) -> Gas:
    """The gas that a run uses, where instructions and what it owes come to so much (EIP-7623)."""
    return Gas(max(used, floor_gas(run.data)))


def refused(run: Run, balance: int, reads: Reads) -> Outcome | None:
    """The outcome of a run that does not reach its first instruction; None for one that does.

    Args:
        run: The run.
        balance: The sender's.
        reads: What the outcome depends on.
    """
    owed = gas_with_floor(run, owed_gas(run))
    if run.gas_limit < owed:
        return halted(run.gas_limit, "intrinsic gas too low", reads)
    if run.to is None and len(run.data) > MOST_INIT_CODE:
        return halted(run.gas_limit, "max initcode size exceeded", reads)
    if run.value > balance:
        return halted(owed, "insufficient balance for transfer", reads)
    return None


def halted(gas_used: Gas, halt: str, reads: Reads) -> Outcome:
    """A failure without output."""
    return Outcome(False, gas_used, b"", None, (), Changes(), reads, halt)
