"""A small claim with all that it is about, in a store: true, until a test replaces a part of it."""

from dataclasses import dataclass, field, replace

import numpy as np

from anh_rollup.challenger.examine import Examiner
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.l1.contracts.claims import Answered, Demand
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.claims import Claim, Scores, claim_id
from anh_rollup.protocol.jobs import Job, JobKind, Property, terms
from anh_rollup.protocol.orders import OrderedBatch
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Relation
from tests.doubles.ordering import ALICE, BOB, record_of

CLAIMANT = "0x" + "22" * 20
COUNT = 5
ROOT = b"\x07" * 32


def trained_program():
    """Reads a row of two numbers, a label, and two parameters; the score is whether they agree."""
    b = ProgramBuilder()
    x, label = b.field((1, 2), low=-9, high=9), b.field((), low=0, high=1)
    weights = b.parameter((2, 40), low=-9, high=9)
    bias = b.parameter((40,), low=-9, high=9)
    found = b.compare(b.sum(b.matmul(x, weights) + bias), Relation.GREATER, 0)
    return b.build(b.equal(found, label))


def answered_program():
    """Reads a field of two numbers and an answer of two; the score is their agreement in all places."""
    b = ProgramBuilder()
    x, answer = b.field((2,), low=-9, high=9), b.answer((2,), low=-9, high=9)
    return b.build(b.sum(b.equal(x, answer)))


@dataclass
class ListedOrder:
    """An order of batches as they are listed."""

    batches: list = field(default_factory=list)

    def refresh(self):
        return False

    def jobs(self):
        return ()

    def batch(self, number):
        return next((each for each in self.batches if each.header.number == number), None)

    def record(self, transaction):
        records = (record for batch in self.batches for record in batch.records)
        return next((record for record in records if keccak256(record) == transaction), None)


def batch_of(records, number=1):
    """A batch that holds records."""
    root = MerkleTree([keccak256(each) for each in records]).root
    return OrderedBatch(BatchHeader(number, bytes(32), root, len(records), ROOT, 0), tuple(records))


def void_batch(number, count=3):
    """A batch whose bytes say something else than its header."""
    return OrderedBatch(BatchHeader(number, bytes(32), ROOT, count, ROOT, 0), ())


@dataclass
class Case:
    """A claim; its artifacts lie in the user's and in the claimant's stores, not in the challenger's."""

    folder: object
    program: object
    dataset: Dataset
    model: Model | None = None
    answers: Dataset | None = None
    threshold: int = 0
    other: Property | None = None

    def __post_init__(self):
        self.user, self.theirs, self.ours = (self.store(name) for name in ("user", "theirs", "ours"))
        self.user.put_program(self.program)
        self.user.put_dataset(self.dataset)
        wanted = Property(self.program.root, self.dataset.root, self.threshold)
        kind = JobKind.TRAINING if self.answers is None else JobKind.INFERENCE
        named = bytes(32) if self.answers is None else ROOT
        self.job = Job(kind, ROOT, named, (wanted,), 5000, self.uri("user"))
        order, spare = ALICE.order(0, 7, self.job), BOB.order(0, 7)
        self.order = ListedOrder([batch_of([record_of(order), record_of(spare)])])
        self.evaluated = self._evaluate()
        self.claim = self._claim()
        self.publish()

    def _evaluate(self):
        held = Artifacts(self.program, self.dataset, self.answers, self.model)
        return evaluate_property(held, ReferenceEvaluator())

    def _claim(self):
        head = self.evaluated.scores.header
        first = self.order.batches[0]
        return Claim(
            CLAIMANT, 1, ROOT, 0, keccak256(first.records[0]), terms(self.job), self.result.root,
            (Scores(head.count, head.total, head.top),), self.uri("theirs"),
        )  # fmt: skip

    @property
    def result(self):
        return self.model if self.answers is None else self.answers

    def store(self, name):
        (self.folder / name).mkdir(exist_ok=True)
        return ArtifactStore(self.folder / name, RemotePolicy(file_roots=(self.folder,)))

    def uri(self, name):
        return (self.folder / name).as_uri()

    def publish(self):
        """Puts the result and the score list where the claim says."""
        put = self.theirs.put_model if self.answers is None else self.theirs.put_dataset
        put(self.result)
        self.theirs.put_scores(self.evaluated.scores.scores)

    def says(self, **changes):
        """The record of the claim with other words."""
        claim = replace(self.claim, **changes)
        return ClaimRecord(claim_id(claim), claim, self.job, 0)

    def withheld(self, **changes):
        """The record of the claim without a place where its result is."""
        return self.says(**{"uri": "", **changes})

    def examiner(self):
        """An honest challenger's."""
        return Examiner(self.ours, ReferenceEvaluator(), self.order, L2_CHAIN_ID)


def answering_program():
    """The architecture whose outputs `answered_program` takes for answers: its field."""
    builder = ProgramBuilder()
    return builder.build(builder.field((2,), low=-9, high=9))


def training_case(folder, **changes):
    """A claim about a trained model of two parameters, 80 and 40 elements: 3 and 2 chunks."""
    chance, program = np.random.default_rng(3), trained_program()
    fields = (
        chance.integers(-9, 10, (COUNT, 1, 2), dtype=np.int32),
        chance.integers(0, 2, (COUNT,), dtype=np.int32),
    )
    model = Model([chance.integers(-9, 10, each.shape, dtype=np.int32) for each in program.parameters])
    return Case(folder, program, Dataset(fields), **{"model": model, **changes})


def inference_case(folder, **changes):
    """A claim about answers, all but one of them right."""
    fields = np.random.default_rng(4).integers(-9, 10, (COUNT, 2), dtype=np.int32)
    answers = fields.copy()
    answers[0, 0] = 1 - abs(answers[0, 0])
    made = {"answers": Dataset([answers]), **changes}
    return Case(folder, answered_program(), Dataset([fields]), **made)


def answered(identifier, asked, shown):
    """The event of an answer to a demand."""
    return Answered(identifier, keccak256(repr(asked).encode()), asked, *shown)


__all__ = [
    "CLAIMANT",
    "COUNT",
    "Case",
    "Demand",
    "answered",
    "answering_program",
    "inference_case",
    "training_case",
]
