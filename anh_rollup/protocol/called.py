"""Called jobs: what contracts on L2 ask for while they run, and what L1 says about it (docs/world.md).

Nobody orders a called job. Its terms name it, and the first claim about it that is final on L1 fills its
*cell*: from then on everybody knows the same result. Where none is in time, anybody may have L1 say so.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from eth_abi.exceptions import DecodingError
from eth_utils.address import to_canonical_address

from anh_rollup.encoding.abi import decode, encode
from anh_rollup.errors import AnhError
from anh_rollup.primitives import ZERO_DIGEST, Address, BatchNumber, Seconds, Wei
from anh_rollup.protocol.claims import Claim
from anh_rollup.protocol.jobs import (
    NO_ROOT,
    Job,
    JobKind,
    JobMalformedError,
    Property,
    decode_job,
    encode_job,
    terms,
)
from anh_rollup.protocol.orders import OrderedJob

NO_BATCH: Final = BatchNumber(0)
"""What claims about called jobs name instead of a batch: the Inbox counts from 1."""

_TRAINING: Final = b"\1"
"""What an encoded request begins with."""

_TYPES: Final = ("uint256", "bytes")


class RequestMalformedError(AnhError):
    """Bytes that are no request.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a request: {reason}", remedy="Use what `encode_request` gave.")
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Cell:
    """What a final claim says about a called job.

    Attributes:
        model: Root of the trained model.
        scores: The sum of the scores of each property.
        claimant: Who is paid.
    """

    model: bytes
    scores: tuple[int, ...]
    claimant: Address


@dataclass(frozen=True, slots=True)
class Untrained:
    """What a called job has come to that nobody has done in time: it never has a result."""


UNTRAINED: Final = Untrained()
"""The end of each such job."""

Ending = Cell | Untrained
"""What L1 says of a called job that has ended."""


@dataclass(frozen=True, slots=True)
class TrainingRequest:
    """A run waits for the result of a called job.

    Attributes:
        job: The job.
        reward: Wei that the call pays to who fills the cell.
    """

    job: Job
    reward: Wei


def called_job(architecture: bytes, properties: Sequence[Property], deadline: Seconds, uri: str) -> Job:
    """The job that a call of `train` asks for.

    Raises:
        JobMalformedError: It breaks a rule of jobs.
    """
    return Job(JobKind.TRAINING, architecture, NO_ROOT, tuple(properties), deadline, uri)


def is_called(claim: Claim) -> bool:
    """Whether a claim is about a called job: it has no place in the order."""
    return claim.batch == NO_BATCH


def placeless(request: TrainingRequest) -> OrderedJob:
    """A called job as accountants take jobs."""
    return OrderedJob(NO_BATCH, ZERO_DIGEST, 0, terms(request.job), request.job, request.reward)


def cell_of(claim: Claim) -> Cell:
    """What a final claim fills its cell with."""
    sums = tuple(each.sum for each in claim.scores)
    return Cell(claim.result, sums, Address(to_canonical_address(claim.claimant)))


def encode_request(request: TrainingRequest) -> bytes:
    """What a run that waits is noted with."""
    return _TRAINING + encode(_TYPES, (request.reward, encode_job(request.job)))


def decode_request(encoded: bytes) -> TrainingRequest:
    """The request that was encoded.

    Raises:
        RequestMalformedError: The bytes are not the canonical encoding of a request.
    """
    if encoded[:1] != _TRAINING:
        raise RequestMalformedError("it begins with no kind of request")
    try:
        reward, job = decode(_TYPES, encoded[1:])
        request = TrainingRequest(decode_job(job), Wei(reward))
    except (DecodingError, OverflowError, JobMalformedError) as error:
        raise RequestMalformedError(f"it cannot be decoded ({error})") from error
    if encode_request(request) != encoded:
        raise RequestMalformedError("the encoding is not the canonical one")
    return request
