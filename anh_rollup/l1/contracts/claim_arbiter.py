"""The ClaimArbiter: refutations in one sealed transaction, which the challenger's checks name and fill."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from anh_rollup.l1.contracts.base import Contract


class Fault(IntEnum):
    """Why a claim fell."""

    INDEX = 0
    PLACE = 1
    RECORD = 2
    THRESHOLD = 3
    COUNT = 4
    RESULT = 5
    SHAPE = 6
    RANGE = 7


@dataclass(frozen=True, slots=True)
class Faulted:
    """A claim was refuted here."""

    claim_id: bytes
    challenger: str
    fault: Fault


class ClaimArbiter(Contract):
    """Wrapper of contracts/arbiters/ClaimArbiter.sol; seal each request's data first."""

    NAME = "ClaimArbiter"
    EVENTS: ClassVar[Mapping[str, type]] = {"Faulted": Faulted}
