"""A property with its artifacts, evaluated: what accountants claim and defend, challengers compare with."""

from collections import OrderedDict
from dataclasses import dataclass
from threading import Lock
from typing import Final

import numpy as np

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.hashing import expect_rows
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import ELEMENT_SIZE, Elements, TensorTree, chunk_count_of
from anh_rollup.evaluation import reference
from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.evaluation.sources import Sources
from anh_rollup.protocol.evaluated import EvaluatedProperty, Trace
from anh_rollup.protocol.game import TensorPath
from anh_rollup.tensor.program import Kind, Program

#: Sources that are the same for all samples.
SHARED: Final = (Kind.PARAMETER, Kind.CONSTANT)

#: Bytes of the traces that are kept for a property (choice); one trace is always kept.
MOST_KEPT: Final = 1 << 28

#: Bytes of a tensor's tree for each chunk (`TensorTree`).
_TREE_BYTES: Final = 64

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
    return sum(tensor_bytes(each.size) for each in program.values if each.kind not in SHARED)


def trace_rows(program: Program) -> int:
    """Rows that the trees of a sample's trace hash: the chunks, and nearly as many nodes above them."""
    return 2 * sum(chunk_count_of(each.size) for each in program.values if each.kind not in SHARED)


def evaluate_property(
    artifacts: Artifacts, evaluator: Evaluator, scores: Elements | None = None
) -> EvaluatedProperty:
    """Evaluates every sample, and traces single ones when asked.

    Args:
        artifacts: Program, samples, answers and parameters.
        evaluator: Any exact backend.
        scores: What an earlier evaluation of the same gave, which then is not repeated.

    Raises:
        SourcesRefusedError: The artifacts are not what the program declares.
    """
    sources = artifacts.sources
    expect_rows(trace_rows(artifacts.program))
    loaded = evaluator.load(artifacts.program, sources.parameters)
    if scores is None:
        scores = loaded.evaluate(sources.fields, sources.answers).reshape(-1)
    return EvaluatedProperty(
        program=artifacts.program,
        scores=ScoreTree(scores),
        trace_of=_Tracer(artifacts, loaded).trace,
        path_of=artifacts.path,
        rules=reference,
    )


class _Tracer:
    """Traces samples, one at a time; keeps the latest ones, and the trees of tensors that all samples share.

    Several games can go on at once, each about its sample: without their traces every move would cost one.
    """

    def __init__(self, artifacts: Artifacts, loaded: LoadedProgram) -> None:
        self._artifacts = artifacts
        self._loaded = loaded
        self._lock = Lock()
        self._shared = _parameters(artifacts)
        self._kept: OrderedDict[int, Trace] = OrderedDict()
        self._most = max(1, MOST_KEPT // max(1, trace_bytes(artifacts.program)))

    def trace(self, sample: int) -> Trace:
        """Every value for one sample, with trees."""
        with self._lock:
            found = self._kept.pop(sample, None) or self._compute(sample)
            self._kept[sample] = found
            while len(self._kept) > self._most:
                self._kept.popitem(last=False)
            return found

    def _compute(self, sample: int) -> Trace:
        values, sources = self._artifacts.program.values, self._artifacts.sources
        tensors = self._loaded.trace(sample, sources.fields, sources.answers)
        new = [value for value in range(len(tensors)) if value not in self._shared]
        made = TensorTree.several([np.asarray(tensors[value]) for value in new])
        found = self._shared | dict(zip(new, made, strict=True))
        self._shared = {value: tree for value, tree in found.items() if values[value].kind in SHARED}
        return Trace.of([found[value] for value in range(len(tensors))])


def _parameters(artifacts: Artifacts) -> dict[int, TensorTree]:
    """The parameters' trees: the model's root was checked by the same ones."""
    if artifacts.model is None:
        return {}
    values = artifacts.program.values
    return {
        each: artifacts.model.tensors[values[each].index]
        for each in artifacts.program.source_ids(Kind.PARAMETER)
    }
