"""What every evaluator offers. All of them give the same bytes; they differ in speed alone."""

from typing import Protocol

from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.program import Program, Tensor


class Evaluator(Protocol):
    """Evaluates the exact reading of a program."""

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape).

        Raises:
            SourcesRefusedError: Where the sources are not what the program declares.
        """
        ...

    def trace(self, program: Program, sources: Sources, sample: int) -> list[Tensor]:
        """Every value for one sample, sources and constants too, in program order: int32 arrays (*shape).

        Raises:
            SourcesRefusedError: Where the sources are not what the program declares, or lack the sample.
        """
        ...
