"""The ClaimArbiter: refutations in one sealed transaction."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum
from typing import ClassVar

from anh_rollup.encoding.tensors import Opening
from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.contracts.inbox import Batch
from anh_rollup.l1.contracts.records import ProgramHeader, ProgramRecord, TensorPath
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.jobs import Job


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

    def refute_index(self, claim: Claim, batch: Batch) -> TransactionRequest:
        """The claim names a transaction behind the batch's end."""
        return self.request("refuteIndex", claim, batch)

    def refute_place(
        self, claim: Claim, batch: Batch, leaf: bytes, proof: tuple[bytes, ...]
    ) -> TransactionRequest:
        """Another transaction stands at the claimed place."""
        return self.request("refutePlace", claim, batch, leaf, proof)

    def refute_record(self, claim: Claim, record: bytes) -> TransactionRequest:
        """The transaction is no order with the claimed terms."""
        return self.request("refuteRecord", claim, record)

    def refute_threshold(self, claim: Claim, job: Job, property_index: int) -> TransactionRequest:
        """A sum is below its threshold."""
        return self.request("refuteThreshold", claim, job, property_index)

    def refute_count(
        self, claim: Claim, job: Job, property_index: int, count: int, tree: bytes
    ) -> TransactionRequest:
        """A score list is not as long as its data set."""
        return self.request("refuteCount", claim, job, property_index, count, tree)

    def refute_result(
        self,
        terms: tuple[Claim, Job],
        property_index: int,
        header: ProgramHeader,
        sample: int,
        path: TensorPath,
    ) -> TransactionRequest:
        """A result has the wrong number of tensors, samples or answers."""
        return self.request("refuteResult", *terms, property_index, header, sample, path)

    def refute_shape(
        self,
        terms: tuple[Claim, Job],
        property_index: int,
        source: ProgramRecord,
        sample: int,
        path: TensorPath,
    ) -> TransactionRequest:
        """A source's tensor has another shape than it declares."""
        return self.request("refuteShape", *terms, property_index, source, sample, path)

    def refute_range(
        self,
        terms: tuple[Claim, Job],
        property_index: int,
        source: ProgramRecord,
        place: tuple[int, TensorPath],
        element: int,
        *,
        opening: Opening,
    ) -> TransactionRequest:
        """An element of a source is outside its range; `place` is (sample, path)."""
        return self.request("refuteRange", *terms, property_index, source, *place, element, opening)
