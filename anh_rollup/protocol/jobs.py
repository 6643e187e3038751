"""Jobs: what a user orders, as the calldata of a transaction to the DNN system address.

A job is the single argument of `order((...))`; its reward is the transaction's value. Two encodings of a job
would be two terms, so only the canonical encoding (the one that `abi.encode` gives) is a job.
"""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, Final

from eth_abi.exceptions import DecodingError, EncodingError

from anh_rollup.encoding.abi import decode, encode, text_size
from anh_rollup.encoding.checks import INT64_LEAST, INT64_MOST, UINT64_MOST
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.primitives import DIGEST_SIZE, ZERO_DIGEST, Seconds

#: The system contract of the L2 that jobs are sent to; it has no code on the L2.
DNN_ADDRESS: Final = "0x0000000000000000000000000000000000000A4e"

#: A job asks for at least one property, and for so few that a claim stays one cheap transaction.
MOST_PROPERTIES: Final = 4

#: Most bytes of a URI in a job or a claim: Claims.sol takes no claim about a job with a longer one.
MOST_URI_BYTES: Final = 512

#: What the URI of an order may hold: L1 has to tell an order from other calls, and has no decoder for UTF-8.
PRINTABLE: Final = frozenset(map(chr, range(0x20, 0x7F)))

NO_ROOT: Final = ZERO_DIGEST

PROPERTY_TYPE: Final = "(bytes32,bytes32,int64)"
JOB_TYPE: Final = f"(uint8,bytes32,bytes32,{PROPERTY_TYPE}[],uint64,string)"

#: The first four bytes of the calldata of an order.
ORDER_SELECTOR: Final = keccak256(f"order({JOB_TYPE})".encode())[:4]


class JobMalformedError(AnhError):
    """A job that breaks a rule, or bytes that are not the canonical encoding of one.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a job: {reason}", remedy="Check its fields and use `order_calldata`.")
        self.reason = reason


class JobKind(IntEnum):
    """What a job asks for."""

    TRAINING = 1
    INFERENCE = 2


@dataclass(frozen=True, slots=True)
class Property:
    """What a result must have: the scores' sum over a data set reaches a threshold.

    Attributes:
        program: Root of the score program (32 bytes).
        dataset: Root of the data set (32 bytes).
        threshold: Least sum of the scores, int64.
    """

    program: bytes
    dataset: bytes
    threshold: int

    def __post_init__(self) -> None:
        """Raises `JobMalformedError` where a field is out of range."""
        _require_root("a property's program", self.program)
        _require_root("a property's data set", self.dataset)
        if not INT64_LEAST <= self.threshold <= INT64_MOST:
            raise JobMalformedError(f"the threshold {self.threshold} is not an int64")


@dataclass(frozen=True, slots=True)
class Job:
    """An order for training or inference.

    Attributes:
        kind: Training or inference.
        architecture: Root of the program that is trained, or answered.
        model: Root of the model whose answers are asked for; 32 zero bytes for training.
        properties: One to four properties that the result must have.
        deadline: Last L1 time (seconds) at which a claim can be revealed, uint64.
        uri: Where the poster keeps the artifacts; only a hint, every artifact is verified.
    """

    kind: JobKind
    architecture: bytes
    model: bytes
    properties: tuple[Property, ...]
    deadline: Seconds
    uri: str

    def __post_init__(self) -> None:
        """Raises `JobMalformedError` where a field breaks a rule."""
        _require_root("the architecture", self.architecture)
        if len(self.model) != DIGEST_SIZE:
            raise JobMalformedError(f"the model root has {len(self.model)} bytes instead of {DIGEST_SIZE}")
        if (self.model == NO_ROOT) != (self.kind is JobKind.TRAINING):
            raise JobMalformedError("a training job names no model, an inference job names one")
        if not 1 <= len(self.properties) <= MOST_PROPERTIES:
            raise JobMalformedError(f"it has {len(self.properties)} properties, not 1 to {MOST_PROPERTIES}")
        if not 0 <= self.deadline <= UINT64_MOST:
            raise JobMalformedError(f"the deadline {self.deadline} is not a uint64")
        if text_size(self.uri) > MOST_URI_BYTES:
            raise JobMalformedError(f"its URI has more than {MOST_URI_BYTES} bytes")


def encode_job(job: Job) -> bytes:
    """The canonical encoding: the calldata of an order after its selector.

    Raises:
        JobMalformedError: The URI is not text that UTF-8 can carry.
    """
    properties = [(item.program, item.dataset, item.threshold) for item in job.properties]
    fields = (int(job.kind), job.architecture, job.model, properties, job.deadline, job.uri)
    try:
        return encode([JOB_TYPE], [fields])
    except (EncodingError, UnicodeEncodeError) as error:
        raise JobMalformedError(f"it cannot be encoded ({error})") from error


def decode_job(encoded: bytes) -> Job:
    """The job that was encoded.

    Raises:
        JobMalformedError: The bytes are not the canonical encoding of a job.
    """
    try:
        (fields,) = decode([JOB_TYPE], encoded)
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:
        raise JobMalformedError(f"it cannot be decoded ({error})") from error
    job = _job_of(fields)
    if encode_job(job) != encoded:
        raise JobMalformedError("the encoding is not the canonical one")
    return job


def terms(job: Job) -> bytes:
    """The hash by which claims name a job: keccak of its canonical encoding."""
    return keccak256(encode_job(job))


def order_calldata(job: Job) -> bytes:
    """The calldata of a transaction that orders a job.

    Raises:
        JobMalformedError: The URI is not printable ASCII.
    """
    _require_printable(job.uri)
    return ORDER_SELECTOR + encode_job(job)


def decode_order(calldata: bytes) -> Job:
    """The job that a transaction's calldata orders.

    Raises:
        JobMalformedError: The calldata is not a canonical call of `order`, or the URI is not printable ASCII.
    """
    if calldata[:4] != ORDER_SELECTOR:
        raise JobMalformedError(f"the calldata does not start with 0x{ORDER_SELECTOR.hex()}")
    job = decode_job(calldata[4:])
    _require_printable(job.uri)
    return job


def _job_of(fields: tuple[Any, ...]) -> Job:
    kind, architecture, model, properties, deadline, uri = fields
    if kind not in tuple(JobKind):
        raise JobMalformedError(f"the kind {kind} is neither 1 (training) nor 2 (inference)")
    listed = tuple(Property(program, dataset, threshold) for program, dataset, threshold in properties)
    return Job(JobKind(kind), architecture, model, listed, deadline, uri)


def _require_printable(uri: str) -> None:
    if not PRINTABLE.issuperset(uri):
        raise JobMalformedError("its URI has other characters than printable ASCII")


def _require_root(what: str, root: bytes) -> None:
    # A root that nothing has is no fault of form: a claim about such a job must be read to be refuted.
    if len(root) != DIGEST_SIZE:
        raise JobMalformedError(f"{what} is not a root of {DIGEST_SIZE} bytes: 0x{root.hex()}")
