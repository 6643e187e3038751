"""The moves of a game about a ledger claim: calls of LedgerClaims.

The game's id and position come before the fields here. A game also ends by `moves.Timeout` and
`moves.VoidGame`, as one about a result does.
"""

from dataclasses import dataclass
from typing import ClassVar

from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.witnesses import Witness
from anh_rollup.protocol.moves import Move


@dataclass(frozen=True, slots=True)
class Reveal(Move):
    """Shows the nodes up to six levels below the disputed one; anybody may."""

    nodes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Choose(Move):
    """Goes into one of the revealed nodes; `proof` is its siblings up to the disputed node."""

    index: int
    node: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Prove(Move):
    """Shows that the machine before the chosen one leads to another.

    Attributes:
        before: That machine.
        proof: From it to the root.
        witness: Of the step.
    """

    sealed: ClassVar[bool] = True
    before: Machine
    proof: tuple[bytes, ...]
    witness: Witness
