"""What every evaluator offers. All of them give the same bytes; they differ in speed alone."""

from collections.abc import Sequence
from typing import Protocol

from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.program import Program, Tensor


class LoadedProgram(Protocol):
    """A program with the parameters of one model, made ready once for sample after sample."""

    def evaluate(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Tensor:
        """The output for every sample: int32 array (N, *output shape).

        Args:
            fields: For each field the samples' elements, int32 array (N, *shape).
            answers: For each answer the samples' elements, int32 array (N, *shape).

        Raises:
            SourcesRefusedError: Where fields or answers are not what the program declares.
        """
        ...

    def prepare_traces(self) -> None:
        """Makes ready what the traces of all samples share, and memory for the next one.

        May be called again at any time: it then prepares memory for one further trace.
        """
        ...

    def trace(
        self, sample: int, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()
    ) -> Sequence[Tensor]:
        """Every value for one sample, sources and constants too, in program order: int32 arrays (*shape).

        Raises:
            SourcesRefusedError: Where fields or answers are not what the program declares, or lack the
                sample.
        """
        ...


class Evaluator(Protocol):
    """Evaluates the exact reading of a program."""

    def load(self, program: Program, parameters: Sequence[Tensor]) -> LoadedProgram:
        """The program, ready to be evaluated many times with these parameters, which must not change.

        Raises:
            SourcesRefusedError: Where the parameters are not what the program declares.
            ProgramTooLargeError: Where one sample takes too much memory.
        """
        ...

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The same as `load` and `LoadedProgram.evaluate`, for a program that is evaluated once."""
        ...

    def trace(self, program: Program, sources: Sources, sample: int) -> Sequence[Tensor]:
        """The same as `load` and `LoadedProgram.trace`, for a program that is evaluated once."""
        ...
