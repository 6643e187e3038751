"""How an accountant behaves at each point where it could lie: honestly here; drills change one thing."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from anh_rollup.encoding.artifacts import Model
from anh_rollup.l1.docket import Docket
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.moves import Move
from anh_rollup.protocol.orders import OrderedJob


def _same_property(_index: int, evaluated: EvaluatedProperty) -> EvaluatedProperty:
    return evaluated


def _same_place(ordered: OrderedJob) -> OrderedJob:
    return ordered


def _same_claim(claim: Claim) -> Claim:
    return claim


def _same_move(move: Move) -> Move | None:
    return move


def _own_commitment(_docket: Docket, commitment: bytes, _claimant: str) -> bytes | None:
    return commitment


@dataclass(frozen=True, slots=True)
class Conduct:
    """What is done with honest work before it leaves the house.

    Attributes:
        name: How the command line calls it.
        evaluated: Changes a property, told its index, before it is claimed and defended.
        place: Changes where a job is taken to be ordered.
        claim: Changes a claim before it is committed.
        move: Changes a move of a game, or leaves it out.
        commitment: What is committed for (docket, own commitment, own account); None waits.
        checks: Whether a result has to reach the job's thresholds.
        examines: Whether a claim that anybody could refute is left.
        answers: Whether demands are answered.
        publishes: Whether the claim says where its artifacts are.
        lists: Whether the score lists are among them.
        substitute: Makes the model that is claimed in place of the trained one.
    """

    name: str = "honest"
    evaluated: Callable[[int, EvaluatedProperty], EvaluatedProperty] = _same_property
    place: Callable[[OrderedJob], OrderedJob] = _same_place
    claim: Callable[[Claim], Claim] = _same_claim
    move: Callable[[Move], Move | None] = _same_move
    commitment: Callable[[Docket, bytes, str], bytes | None] = _own_commitment
    checks: bool = True
    examines: bool = True
    answers: bool = True
    publishes: bool = True
    lists: bool = True
    substitute: Callable[[Model], Model] | None = None


HONEST: Final = Conduct()
