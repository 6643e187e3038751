"""A property with its artifacts, evaluated: what accountants claim and defend, challengers compare with."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.hashing import expect_rows
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import CHUNK_SIZE, ELEMENT_SIZE, Elements, TensorTree, chunk_count_of
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.aside import do_aside
from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.evaluation.packed_traces import MOST_NOTED, lasting_bytes, packed_chunks, packing_of
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.tensor_forest import LAYOUT_BYTES, PackedTensors, Packing, TensorForest
from anh_rollup.primitives import DIGEST_SIZE
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.game import TensorPath
from anh_rollup.tensor.program import Kind, Program

#: Bytes of the traces that are kept for a property (choice); one trace is always kept.
MOST_KEPT: Final = 1 << 28

#: Bytes of a tensor's tree for each chunk (`TensorTree`).
_TREE_BYTES: Final = 64

#: Bytes of a trace beside its values, its nodes and its roots (measured: 1,100).
_TRACE_BYTES: Final = 2_000

#: Bytes of what is noted of a value's work (measured for three networks: 990 to 1,450).
_NOTED_BYTES: Final = 1_500

#: Bytes of a tensor with its tree beside elements and nodes (measured by the process's size: 1,180).
_TENSOR_BYTES: Final = 1_200


@dataclass(frozen=True, slots=True, eq=False)
class Artifacts:
    """What a property is evaluated over.

    Attributes:
        program: The score program.
        dataset: The samples.
        answers: The answers, one for each sample, where the program reads any.
        model: The parameters, where the program reads any.
    """

    program: Program
    dataset: Dataset
    answers: Dataset | None
    model: Model | None

    @property
    def sources(self) -> Sources:
        """What the program reads; spare fields and tensors are not looked at, as on L1."""
        answers = () if self.answers is None else self.answers.fields[: len(self.program.answers)]
        model = () if self.model is None else self.model.parameters[: len(self.program.parameters)]
        return Sources(self.dataset.fields[: len(self.program.fields)], answers, model)

    def path(self, value: int, sample: int) -> TensorPath:
        """The way from the artifacts' roots to the tensor that a source value reads; empty for a constant."""
        source = self.program.values[value]
        if source.kind is Kind.PARAMETER and self.model is not None:
            opening, tree = self.model.opening(source.index), self.model.tree
            return TensorPath(tree.count, tree.root, (opening.tensor,), opening.proof)
        held = {Kind.FIELD: self.dataset, Kind.ANSWER: self.answers}.get(source.kind)
        if held is None:
            return TensorPath(0, bytes(32), (), ())
        shown = held.opening(sample)
        return TensorPath(held.count, held.tree.root, shown.tensors, shown.proof)


def tensor_bytes(size: int) -> int:
    """Bytes of memory that a tensor of so many elements takes with its tree, roughly."""
    return ELEMENT_SIZE * size + _TREE_BYTES * chunk_count_of(size) + _TENSOR_BYTES


def trace_bytes(program: Program) -> int:
    """Bytes of memory that the trace of a sample takes beside what all samples share, roughly."""
    own = sum((CHUNK_SIZE + _TREE_BYTES) * each for each in packed_chunks(program))
    return own + _TREE_BYTES * len(program.values) + _TRACE_BYTES


def prepared_bytes(program: Program) -> int:
    """Bytes of memory kept ready for the traces of all samples, beside that of the first one, roughly."""
    lasting = lasting_bytes(program)
    kept = lasting if lasting <= MOST_NOTED else 0
    return kept + LAYOUT_BYTES * sum(packed_chunks(program)) + _NOTED_BYTES * len(program.values)


def trace_rows(program: Program) -> int:
    """Rows that the trees of a sample's trace hash: the chunks, and nearly as many nodes above them."""
    return 2 * sum(packed_chunks(program))


def evaluate_property(
    artifacts: Artifacts, evaluator: Evaluator, scores: Elements | None = None, *, traced: bool = True
) -> EvaluatedProperty:
    """Evaluates every sample, and traces single ones when asked.

    Args:
        artifacts: Program, samples, answers and parameters.
        evaluator: Any exact backend.
        scores: What an earlier evaluation of the same gave, which then is not repeated.
        traced: Whether a game may ask for traces: what they share is made ready now, and not by a move.

    Raises:
        SourcesRefusedError: The artifacts are not what the program declares.
    """
    sources = artifacts.sources
    expect_rows(trace_rows(artifacts.program))
    loaded = evaluator.load(artifacts.program, sources.parameters)
    if scores is None:
        scores = loaded.evaluate(sources.fields, sources.answers).reshape(-1)
    tracer = _Tracer(artifacts, loaded)
    if traced:
        tracer.prepare()
    return EvaluatedProperty(
        program=artifacts.program,
        scores=ScoreTree(scores),
        trace_of=tracer.trace,
        path_of=artifacts.path,
        rules=reference,
    )


class _Tracer:
    """Traces samples, one at a time; keeps the latest ones, and what all samples share.

    Several games can go on at once, each about its sample: without their traces every move would cost one.
    """

    def __init__(self, artifacts: Artifacts, loaded: LoadedProgram) -> None:
        self._artifacts = artifacts
        self._loaded = loaded
        self._lock = Lock()
        self._shared: _Shared | None = None
        self._packing: Packing | None = None
        self._kept: OrderedDict[int, Trace] = OrderedDict()
        self._most = max(1, MOST_KEPT // max(1, trace_bytes(artifacts.program)))

    def prepare(self) -> None:
        """Makes ready what all samples share."""
        with self._lock:
            self._loaded.prepare_traces()
            self._share()

    def trace(self, sample: int) -> Trace:
        """Every value for one sample, with trees."""
        with self._lock:
            found = self._kept.pop(sample, None) or self._added(sample)
            self._kept[sample] = found
            return found

    def _added(self, sample: int) -> Trace:
        """A new trace: in the memory of the one that makes room for it, where one has to."""
        while len(self._kept) >= self._most:
            self._kept.popitem(last=False)
        found = self._compute(sample)
        if len(self._kept) + 1 < min(self._most, self._artifacts.dataset.count):
            do_aside(self._loaded.prepare_traces)
        return found

    def _compute(self, sample: int) -> Trace:
        shared, sources = self._share(), self._artifacts.sources
        tensors = self._loaded.trace(sample, sources.fields, sources.answers)
        if not isinstance(tensors, PackedTensors):
            self._packing = self._packing or packing_of(self._artifacts.program)
            tensors = PackedTensors.of(self._packing, tensors, shared.elements)
        forest = TensorForest(tensors, shared.trees)
        return Trace(forest, MerkleTree(forest.roots(shared.roots)))

    def _share(self) -> "_Shared":
        if self._shared is None:
            self._shared = _Shared.of(self._artifacts)
        return self._shared


@dataclass(frozen=True, slots=True)
class _Shared:
    """What the traces of all samples share.

    Attributes:
        elements: Of the parameters and the constants, by their values.
        trees: The same with their trees; the model's root was checked by these.
        roots: Their roots in the rows of their values, (values, 32).
    """

    elements: dict[int, Elements]
    trees: dict[int, TensorTree]
    roots: NDArray[np.uint8]

    @classmethod
    def of(cls, artifacts: Artifacts) -> "_Shared":
        """Hashes the constants."""
        program, model = artifacts.program, artifacts.model
        constants = dict(
            zip(program.constants, TensorTree.several(list(program.constants.values())), strict=True)
        )
        trees, roots = dict[int, TensorTree](), np.zeros((len(program.values), DIGEST_SIZE), np.uint8)
        for each, value in enumerate(program.values):
            if value.kind is Kind.CONSTANT:
                trees[each] = constants[value.constant]
            elif value.kind is Kind.PARAMETER and model is not None:
                trees[each] = model.tensors[value.index]
        for each, tree in trees.items():
            roots[each] = np.frombuffer(tree.root, np.uint8)
        return cls({each: tree.elements for each, tree in trees.items()}, trees, roots)
