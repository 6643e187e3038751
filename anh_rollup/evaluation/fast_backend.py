"""The fast exact evaluator: the same bytes as the reference, on compiled kernels."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Final

from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.sources import Sources, check_loadable
from anh_rollup.kernels.machine_code import Processor, this_processor
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.watching import Watch, unwatched

#: It takes long to import, and much memory.
_TORCH: Final = "anh_rollup.evaluation.torch_program"

#: What a graphics processor's driver brings: to Linux, to Linux inside Windows, and to Windows.
DRIVERS: Final = ("/dev/nvidiactl", "/dev/dxg", "C:/Windows/System32/nvcuda.dll")


def fastest_evaluator(watch: Watch = unwatched) -> Evaluator:
    """The exact backend for this machine: on a graphics processor where torch sees one.

    torch is asked only where there is a driver.
    """
    if not any(map(os.path.exists, DRIVERS)):
        return FastEvaluator(watch=watch)
    found: Evaluator | None = import_module(_TORCH).device_evaluator(watch)
    return FastEvaluator(watch=watch) if found is None else found


@dataclass(frozen=True, slots=True)
class FastEvaluator:
    """Evaluates many samples at once. Implements `Evaluator`.

    It imports torch only where the system runs no code from memory, or a program has sums of products that
    no kernel carries.

    Attributes:
        memory: Bytes that the values of the samples evaluated at once may take for each processor, roughly;
            `compiled_program.MOST_THREADS` of them count. It never changes a result. Measured: with 4
            or 8 MiB dense layers and convolutions are no slower than with more. Depthwise ones find in the
            cache what they read, and take two thirds of the time.
        watch: Shows how far it is with the samples.
        processor: What kernels are compiled for; None where none may be.
    """

    memory: int = 1 << 23
    watch: Watch = unwatched
    processor: Processor | None = field(default_factory=this_processor)

    def load(self, program: Program, parameters: Sequence[Tensor]) -> LoadedProgram:
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

    def _loaded(self, program: Program, parameters: Sequence[Tensor], *, keeps: bool) -> LoadedProgram:
        check_loadable(program, parameters)
        given = tuple(parameters)
        if self.processor is None:
            torch: Evaluator = import_module(_TORCH).TorchEvaluator(memory=self.memory, watch=self.watch)
            return torch.load(program, given)
        return CompiledProgram.of(program, given, self.processor, self.memory, keeps=keeps, watch=self.watch)
