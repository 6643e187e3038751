"""The exact evaluator on torch: the same bytes as the reference, on ordinary floating-point products."""

from collections.abc import Sequence
from dataclasses import dataclass

from anh_rollup.evaluation.sources import Sources, check_loadable
from anh_rollup.evaluation.torch_program import TorchProgram
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.watching import Watch, unwatched


@dataclass(frozen=True, slots=True)
class TorchEvaluator:
    """Evaluates many samples at once. Implements `Evaluator`.

    Attributes:
        memory: Bytes that the values of the samples evaluated at once may take for each of torch's threads,
            roughly; `torch_program.MOST_THREADS` of them count. It never changes a result.
        watch: Shows how far it is with the samples.
    """

    memory: int = 1 << 23
    watch: Watch = unwatched

    def load(self, program: Program, parameters: Sequence[Tensor]) -> TorchProgram:
        """The program, ready to be evaluated many times. See `Evaluator.load`."""
        return self._loaded(program, parameters, keeps=True)

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        once = self._loaded(program, sources.parameters, keeps=False)
        return once.evaluate(sources.fields, sources.answers)

    def trace(self, program: Program, sources: Sources, sample: int) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        once = self._loaded(program, sources.parameters, keeps=False)
        return once.trace(sample, sources.fields, sources.answers)

    def _loaded(self, program: Program, parameters: Sequence[Tensor], *, keeps: bool) -> TorchProgram:
        check_loadable(program, parameters)
        return TorchProgram.of(program, tuple(parameters), self.memory, keeps=keeps, watch=self.watch)
