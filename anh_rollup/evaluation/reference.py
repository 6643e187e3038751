"""The reference evaluator: what every other backend and the contracts must equal, byte for byte."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from anh_rollup.evaluation.dependencies import element_dependencies, finish_dependencies
from anh_rollup.evaluation.dependencies import terms_of as terms
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.folding import finish, partials
from anh_rollup.evaluation.operations import Wide, apply
from anh_rollup.evaluation.sources import Sources, check_sources
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

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        check_sources(program, sources)
        result = np.empty((sources.count, *program.output.shape), dtype=np.int32)
        for start in range(0, sources.count, self.batch):
            stop = min(start + self.batch, sources.count)
            for output in _values(program, sources.samples(start, stop)):
                last = output
            result[start:stop] = last
        return result

    def trace(self, program: Program, sources: Sources, sample: int) -> list[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        check_sources(program, sources)
        if sample not in range(sources.count):
            raise SourcesRefusedError(f"sample {sample}", f"{sources.count} samples are given")
        one = sources.samples(sample, sample + 1)
        # The ellipsis keeps a rank-0 value an array; a numpy scalar would forget its byte order.
        return [value[0, ...].astype(np.int32) for value in _values(program, one)]


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
