"""One step of the ledger's machine, as the table in docs/ledger-claims.md reads.

The Solidity twin is contracts/arbiters/LedgerArbiter.sol; tests/vectors/ledger_machine.json binds the two.
"""

from collections.abc import Callable, Mapping
from typing import Final

from anh_rollup.primitives import BatchNumber
from anh_rollup.protocol.machine.fields import Machine, Phase
from anh_rollup.protocol.machine.folding import apply, take_notice
from anh_rollup.protocol.machine.reading import enter, read_block
from anh_rollup.protocol.machine.records import gather, read_transaction, unpack
from anh_rollup.protocol.machine.sealing import seal
from anh_rollup.protocol.machine.state import Look, State
from anh_rollup.protocol.machine.view import View

_PHASES: Final[Mapping[Phase, Callable[[State, Look], State]]] = {
    Phase.IDLE: enter,
    Phase.BLOCK: read_block,
    Phase.NOTICES: take_notice,
    Phase.READ: read_transaction,
    Phase.GATHER: gather,
    Phase.UNPACK: unpack,
    Phase.APPLY: apply,
    Phase.SEAL: seal,
}


def step(state: State, last: BatchNumber, view: View) -> tuple[State, Look]:
    """The next state, and what was looked at for it.

    Args:
        state: The machine, with what its hashes stand for.
        last: The batch after which it stands still.
        view: What L1 holds.
    """
    look = Look(view)
    if is_at_rest(state.machine, last):
        return state, look
    return _PHASES[state.machine.phase](state, look), look


def is_at_rest(machine: Machine, last: BatchNumber) -> bool:
    """Whether a step changes nothing any more."""
    return machine.phase is Phase.IDLE and machine.batch == last
