"""The reference evaluator: what every other backend and the contracts must equal, byte for byte."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from anh_rollup.evaluation.dependencies import element_dependencies, finish_dependencies
from anh_rollup.evaluation.dependencies import terms_of as terms
from anh_rollup.evaluation.folding import finish, partials
from anh_rollup.evaluation.operations import Wide, apply
from anh_rollup.evaluation.sources import Sources, check_loadable, checked_sources
from anh_rollup.tensor.program import Kind, Program, Tensor
from anh_rollup.tensor.shapes import block_count, block_size

__all__ = [
    "ReferenceEvaluator",
    "block_count",
    "block_size",
    "element_dependencies",
    "finish",
    "finish_dependencies",
    "partials",
    "terms",
]


@dataclass(frozen=True, slots=True)
class ReferenceEvaluator:
    """Evaluates with int64 numpy: slow and plain. Implements `Evaluator`.

    Attributes:
        batch: Samples evaluated at once; bounds memory, never changes a result.
    """

    batch: int = 128

    def load(self, program: Program, parameters: Sequence[Tensor]) -> "ReferenceProgram":
        """The program with these parameters. See `Evaluator.load`."""
        check_loadable(program, parameters)
        return ReferenceProgram(program, tuple(parameters), self.batch)

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        return self.load(program, sources.parameters).evaluate(sources.fields, sources.answers)

    def trace(self, program: Program, sources: Sources, sample: int) -> list[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        return self.load(program, sources.parameters).trace(sample, sources.fields, sources.answers)


@dataclass(frozen=True, slots=True)
class ReferenceProgram:
    """A program with its parameters. Implements `LoadedProgram`.

    Attributes:
        program: The program.
        parameters: Its parameters, checked: per parameter an int32 array (*shape).
        batch: Samples evaluated at once.
    """

    program: Program
    parameters: tuple[Tensor, ...]
    batch: int

    def evaluate(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        result = np.empty((sources.count, *self.program.output.shape), dtype=np.int32)
        for start in range(0, sources.count, self.batch):
            stop = min(start + self.batch, sources.count)
            for output in _values(self.program, sources.samples(start, stop)):
                last = output
            result[start:stop] = last
        return result

    def prepare_traces(self) -> None:
        """Nothing is shared. See `LoadedProgram.prepare_traces`."""

    def trace(self, sample: int, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> list[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        # The ellipsis keeps a rank-0 value an array; a numpy scalar would forget its byte order.
        values = _values(self.program, sources.sample(sample))
        return [value[0, ...].astype(np.int32) for value in values]


def _values(program: Program, sources: Sources) -> Iterator[Wide]:
    """Every value in order, as int64 (N or 1, *shape); each is dropped after its last use."""
    last_use = {each: user for user, value in enumerate(program.values) for each in value.inputs}
    alive: dict[int, Wide] = {}
    for each, value in enumerate(program.values):
        if value.kind is Kind.INSTRUCTION:
            computed = apply(value, [alive[source] for source in value.inputs])
        elif value.kind is Kind.CONSTANT:
            computed = program.constants[value.constant][np.newaxis].astype(np.int64)
        else:
            computed = sources.of(value.kind, value.index).astype(np.int64)
        alive[each] = computed
        for source in {each, *value.inputs}:
            if last_use.get(source, -1) <= each:
                del alive[source]
        yield computed
