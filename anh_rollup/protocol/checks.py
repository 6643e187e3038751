"""What is wrong with a claim, and the cheapest way to say so on L1: pure functions of claim and artifacts.

Cheapest first: a sealed call of the ClaimArbiter where one transaction proves it, a game where only the
evaluation does. A claim with nothing wrong gives None.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.scores import ScoresHeader, ScoreTree
from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, Elements, TensorTree, encode_shape
from anh_rollup.encoding.transactions import decode_record
from anh_rollup.primitives import ChainId, Digest
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import TensorPath
from anh_rollup.protocol.jobs import Job, order_calldata
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.orders import OrderedBatch
from anh_rollup.protocol.refutations import (
    OneShot,
    OpenGame,
    ProgramRecord,
    Refutation,
    RefuteCount,
    RefuteIndex,
    RefutePlace,
    RefuteRange,
    RefuteRecord,
    RefuteResult,
    RefuteShape,
    RefuteThreshold,
)
from anh_rollup.tensor.program import Kind, Program, Value

#: Longest record that a transaction to L1 can show: 128 KiB, which nodes relay, less the longest claim.
MOST_SHOWN_BYTES: Final = (128 << 10) - (4 << 10)


def check_order(
    claim: Claim, job: Job, batch: OrderedBatch, recorded: bytes | None, chain_id: ChainId
) -> OneShot | None:
    """Whether the claimed transaction stands at the claimed place and orders the claimed job.

    Nobody can open a void batch, so the place in one cannot be told; the transaction, however, has a reward
    only where it stands in the order, and then everybody knows its record. A record that is too long to be
    shown is no order, so a claim on it is paid nothing.

    Args:
        claim: The claim.
        job: The job that it names.
        batch: The batch that it names.
        recorded: The record of the claimed transaction, wherever it is ordered; None where it is not.
        chain_id: The L2's chain id, which the order must be signed for.
    """
    if claim.index >= batch.header.count:
        recorded = batch.forced_at(claim.index)
        if recorded is None or keccak256(recorded) != claim.transaction:
            return RefuteIndex(claim, batch.header, batch.previous or batch.header)
    elif not batch.is_void:
        leaves = [keccak256(record) for record in batch.records]
        if leaves[claim.index] != claim.transaction:
            proof = tuple(MerkleTree(leaves).proof(claim.index))
            return RefutePlace(claim, batch.header, leaves[claim.index], proof)
        recorded = batch.records[claim.index]
    if recorded is None or len(recorded) > MOST_SHOWN_BYTES or _orders(recorded, job, chain_id):
        return None
    return RefuteRecord(claim, recorded)


def _orders(record: bytes, job: Job, chain_id: ChainId) -> bool:
    try:
        transaction = decode_record(record, chain_id)
    except EncodingError:
        return False
    return transaction.to == DNN and transaction.data == order_calldata(job)


def check_terms(claim: Claim, job: Job) -> OneShot | None:
    """Whether every claimed sum reaches its threshold."""
    for index, (wanted, scores) in enumerate(zip(job.properties, claim.scores, strict=True)):
        if scores.sum < wanted.threshold:
            return RefuteThreshold(claim, job, index)
    return None


def check_count(claim: Claim, job: Job, index: int, dataset: Dataset) -> OneShot | None:
    """Whether a property has as many scores as its data set has samples."""
    if claim.scores[index].count == dataset.count:
        return None
    return RefuteCount(claim, job, index, dataset.count, dataset.tree.root)


def value_record(program: Program, value: int) -> ProgramRecord:
    """A value's record with the way to the program's root, as the ClaimArbiter takes it."""
    return ProgramRecord(program.header, value, program.records[value], tuple(program.tree.proof(value)))


@dataclass(frozen=True, slots=True, eq=False)
class Subject:
    """One property of a claim with everything that it is about.

    Attributes:
        claim: The claim.
        job: Its job.
        index: The property.
        program: The score program.
        dataset: The samples.
        model: The parameters; None where the program reads none.
        answers: The answers of an inference; None for training.
    """

    claim: Claim
    job: Job
    index: int
    program: Program
    dataset: Dataset
    model: Model | None
    answers: Dataset | None

    @property
    def head(self) -> tuple[Claim, Job, int]:
        """What each of its refutations begins with."""
        return self.claim, self.job, self.index

    @property
    def scores(self) -> Scores:
        """What the claim says about the property."""
        return self.claim.scores[self.index]


def check_sources(subject: Subject) -> Refutation | None:
    """Whether counts, shapes and ranges are those that the score program declares."""
    miscounted = check_count(*subject.head, subject.dataset)
    if miscounted is not None:
        return miscounted
    wrong = _check_result(subject)
    if wrong is not None:
        return RefuteResult(*subject.head, subject.program.header, 0, wrong)
    for value, source in enumerate(subject.program.values):
        refutation = _check_source(subject, value, source)
        if refutation is not None:
            return refutation
    return None


def _check_result(subject: Subject) -> TensorPath | None:
    """The head of a result with a wrong number of tensors, samples or answers."""
    if subject.answers is not None:
        answers, shown = subject.answers, subject.answers.opening(0)
        if answers.count == subject.scores.count and len(shown.tensors) == len(subject.program.answers):
            return None
        return TensorPath(answers.count, answers.tree.root, shown.tensors, shown.proof)
    if subject.model is None or subject.model.tree.count == len(subject.program.parameters):
        return None
    return TensorPath(subject.model.tree.count, subject.model.tree.root, (), ())


def _check_source(subject: Subject, value: int, source: Value) -> Refutation | None:
    held = _held(subject, source)
    if held is None:
        return None
    shape, elements = held.shape[1:], held
    if source.kind is Kind.PARAMETER:
        shape, elements = held.shape, held[np.newaxis]
    if shape != source.shape:
        record, _, path = _opened(subject, value, 0)
        return RefuteShape(*subject.head, record, 0, path)
    outside = (elements < source.low) | (elements > source.high)
    if not outside.any():
        return None
    sample, element = divmod(int(np.flatnonzero(outside)[0]), source.size)
    record, tensor, path = _opened(subject, value, sample)
    opening = tensor.opening([element // CHUNK_ELEMENTS])
    return RefuteRange(*subject.head, record, sample, path, element, opening)


def _held(subject: Subject, source: Value) -> Elements | None:
    """All elements that a source reads, with a leading sample axis unless it is a parameter."""
    if source.kind is Kind.PARAMETER and subject.model is not None:
        held = subject.model.parameters
        return held[source.index] if source.index < len(held) else None
    if source.kind is Kind.FIELD and source.index < len(subject.dataset.fields):
        return subject.dataset.fields[source.index]
    if source.kind is Kind.ANSWER and subject.answers is not None:
        return subject.answers.fields[source.index]
    return None


def _opened(subject: Subject, value: int, sample: int) -> tuple[ProgramRecord, TensorTree, TensorPath]:
    """A source's record, the tensor that it reads for one sample, and the whole way to it."""
    tensor, path = _path(subject, subject.program.values[value], sample)
    return value_record(subject.program, value), tensor, path


def _path(subject: Subject, source: Value, sample: int) -> tuple[TensorTree, TensorPath]:
    """The tensor that a source reads for one sample, and the whole way to it."""
    if source.kind is Kind.PARAMETER and subject.model is not None:
        tree, opened = subject.model.tree, subject.model.opening(source.index)
        return _headed(
            subject.model.tensors[source.index], (tree.count, tree.root), (opened.tensor,), opened.proof
        )
    held = subject.answers if source.kind is Kind.ANSWER and subject.answers is not None else subject.dataset
    shown = held.opening(sample)
    tensor = TensorTree(held.sample(sample)[source.index])
    return _headed(tensor, (held.count, held.tree.root), shown.tensors, shown.proof)


def _headed(
    tensor: TensorTree, head: tuple[int, bytes], tensors: Sequence[bytes], proof: Sequence[bytes]
) -> tuple[TensorTree, TensorPath]:
    shape = encode_shape(tensor.shape)
    return tensor, TensorPath(*head, tuple(tensors), tuple(proof), shape, tensor.tree_root)


def check_scores(index: int, claimed: Scores, ours: ScoreTree, listed: Elements | None) -> Refutation | None:
    """Whether the claimed scores are those that the evaluation gives.

    Args:
        index: The property.
        claimed: What the claim says.
        ours: The scores as evaluated here.
        listed: The published list behind the claimed scores, if it could be had.
    """
    head = ours.header
    if (claimed.count, claimed.sum, claimed.top) == (head.count, head.total, head.top):
        return None
    if listed is None:
        return OpenGame(index, None)
    theirs = ScoreTree(listed)
    sample = int(np.flatnonzero(theirs.scores != ours.scores)[0])
    return OpenGame(index, (sample, int(theirs.scores[sample]), tuple(theirs.proof(sample))))


def scores_root(scores: Scores) -> bytes:
    """The name of a claim's score list in a store."""
    return ScoresHeader(scores.count, scores.sum, Digest(scores.top)).root
