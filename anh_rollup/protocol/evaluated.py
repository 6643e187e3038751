"""A property as one side of a game evaluated it: scores, traces, and what elements depend on."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.artifacts import ProgramHeader
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.protocol.continued import Continued
from anh_rollup.protocol.game import RecordProof, TensorPath
from anh_rollup.tensor.program import Program, Tensor

Indices = NDArray[np.int64]


@dataclass(frozen=True, slots=True, eq=False)
class Trace:
    """Every value of a score program for one sample.

    Attributes:
        tensors: Each value's elements with their tree, in program order.
        tree: The tree over the tensor roots.
    """

    tensors: Sequence[TensorTree]
    tree: MerkleTree

    @classmethod
    def of(cls, tensors: Sequence[TensorTree]) -> "Trace":
        """The trace that these tensors make."""
        return cls(tuple(tensors), MerkleTree([tensor.root for tensor in tensors]))

    @property
    def elements(self) -> Sequence[Tensor]:
        """The elements of every value."""
        return Continued(len(self.tensors), lambda value: self.tensors[value].elements)

    @property
    def score(self) -> int:
        """The last value, which is one number."""
        return int(self.tensors[-1].elements.reshape(-1)[0])

    def changed(self, replaced: Mapping[int, Tensor]) -> "Trace":
        """The same trace with other elements for some values."""
        own, roots = {value: TensorTree(each) for value, each in replaced.items()}, self.tree.nodes(0)
        for value, tensor in own.items():
            roots[value] = tensor.root
        tensors = Continued(
            len(self.tensors), lambda value: own[value] if value in own else self.tensors[value]
        )
        return Trace(tensors, MerkleTree(roots))


class ElementRules(Protocol):
    """What an element of an instruction depends on; `anh_rollup.evaluation.reference` is one, injected."""

    def element_dependencies(
        self,
        program: Program,
        value: int,
        element: int,
        block: int | None = None,
        *,
        trace: Sequence[Tensor] | None = None,
    ) -> Sequence[Indices]:
        """For each input the flat indices that the element, or one block of its terms, is computed from."""
        ...

    def finish_dependencies(self, program: Program, value: int, element: int) -> Sequence[Indices]:
        """For each input the flat indices that turn a whole sum into the element: bias and shift."""
        ...

    def partials(
        self, program: Program, trace: Sequence[Tensor], value: int, element: int
    ) -> NDArray[np.int64]:
        """The exact partial of each block."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EvaluatedProperty:
    """One property of a claim as one side evaluated it.

    Attributes:
        program: The score program.
        scores: The score of every sample.
        trace_of: Computes the trace of one sample.
        path_of: The way to a source's tensor for one sample: (value, sample) to path.
        rules: What elements depend on.
    """

    program: Program
    scores: ScoreTree
    trace_of: Callable[[int], Trace]
    path_of: Callable[[int, int], TensorPath]
    rules: ElementRules

    @property
    def header(self) -> ProgramHeader:
        """The preimage of the program's root."""
        return self.program.header

    def record(self, value: int) -> RecordProof:
        """A value's record with its proof."""
        return RecordProof(self.program.records[value], tuple(self.program.tree.proof(value)))
