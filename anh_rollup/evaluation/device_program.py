"""The exact evaluator for graphics processors: the reference's bytes, from torch on any of its devices."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch

from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.device_operations import apply
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources, check_loadable, checked_sources
from anh_rollup.evaluation.steps import Step, step_of
from anh_rollup.evaluation.workload import held_elements, lasting_values
from anh_rollup.tensor.program import Kind, Program, Tensor
from anh_rollup.watching import Watch, unwatched

LOG = logging.getLogger(__name__)

#: Bytes of an element while it is worked on: as int32, and as int64 or float64 on its way in and out.
ELEMENT_BYTES: Final = 32

#: How many products of int8 slices are faster than one in float64 (choice; no card was measured): makers
#: state 30 times the rate and more, and cutting slices takes time, too.
SLICES_WORTH: Final = 16

#: The first of NVIDIA's compute capabilities with int8 units for matrices.
INT8_UNITS: Final = (7, 5)


def device_evaluator(watch: Watch = unwatched) -> "DeviceEvaluator | None":
    """The evaluator on the first graphics processor that torch sees; None where it sees none."""
    if not torch.cuda.is_available():
        return None
    worth = SLICES_WORTH if torch.cuda.get_device_capability() >= INT8_UNITS else 0
    return DeviceEvaluator(worth=worth, watch=watch)


@dataclass(frozen=True, slots=True)
class DeviceEvaluator:
    """Evaluates on a device of torch, and on the processor what the device has no room for.

    Implements `Evaluator`.

    Attributes:
        device: As torch names it.
        memory: Bytes that the samples evaluated at once may take there, roughly.
        worth: How many products of int8 slices are faster than one in float64; 0 never slices.
        watch: Shows how far it is with the samples.
    """

    device: str = "cuda"
    memory: int = 1 << 32
    worth: int = SLICES_WORTH
    watch: Watch = unwatched

    def load(self, program: Program, parameters: Sequence[Tensor]) -> "DeviceProgram":
        """The program, ready to be evaluated many times. See `Evaluator.load`."""
        check_loadable(program, parameters)
        places = [each for each, value in enumerate(program.values) if value.opcode is not None]
        steps = {each: step_of(program, each) for each in places}
        beside = FastEvaluator(watch=self.watch).load(program, parameters)
        return DeviceProgram(self, program, tuple(parameters), steps, lasting_values(program), beside)

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        return self.load(program, sources.parameters).evaluate(sources.fields, sources.answers)

    def trace(self, program: Program, sources: Sources, sample: int) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        return self.load(program, sources.parameters).trace(sample, sources.fields, sources.answers)


@dataclass(frozen=True, slots=True, eq=False)
class DeviceProgram:
    """A program with its parameters. Implements `LoadedProgram`.

    Attributes:
        evaluator: Where it is evaluated.
        program: The program.
        parameters: Its parameters, checked: per parameter an int32 array (*shape).
        steps: For each instruction what is proven about it.
        lasting: The values that do not depend on the sample.
        beside: The same program on the processor.
    """

    evaluator: DeviceEvaluator
    program: Program
    parameters: tuple[Tensor, ...]
    steps: dict[int, Step]
    lasting: frozenset[int]
    beside: LoadedProgram
    _fixed: dict[int, torch.Tensor] = field(default_factory=dict)

    def evaluate(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        result = np.empty((sources.count, *self.program.output.shape), dtype=np.int32)
        step = max(1, self.evaluator.memory // (ELEMENT_BYTES * held_elements(self.program)))
        try:
            for start in self.evaluator.watch(range(0, sources.count, step), "evaluating"):
                stop = min(start + step, sources.count)
                for output in self._values(sources.samples(start, stop)):
                    last = output
                result[start:stop] = last.cpu().numpy()
        except torch.OutOfMemoryError:
            self._tell()
            return self.beside.evaluate(fields, answers)
        return result

    def prepare_traces(self) -> None:
        """Nothing is shared. See `LoadedProgram.prepare_traces`."""

    def trace(
        self, sample: int, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()
    ) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        try:
            return [each[0].cpu().numpy() for each in self._values(sources.sample(sample))]
        except torch.OutOfMemoryError:
            self._tell()
            return self.beside.trace(sample, fields, answers)

    def _tell(self) -> None:
        """Says that the processor does it; what the device holds is in nobody's way then."""
        self._fixed.clear()
        LOG.info("no room on %s: evaluating on the processor", self.evaluator.device)

    def _values(self, sources: Sources) -> Iterator[torch.Tensor]:
        """Every value in order, int32 (N or 1, *shape); each is dropped after its last use, or kept."""
        values = self.program.values
        last_use = {each: user for user, value in enumerate(values) for each in value.inputs}
        alive = dict(self._fixed)
        for each, value in enumerate(values):
            if each not in alive:
                alive[each] = self._value(each, sources, alive)
            if each in self.lasting:
                self._fixed[each] = alive[each]
            yield alive[each]
            for source in {each, *value.inputs}:
                if last_use.get(source, -1) <= each:
                    alive.pop(source, None)

    def _value(self, each: int, sources: Sources, alive: dict[int, torch.Tensor]) -> torch.Tensor:
        value = self.program.values[each]
        if value.opcode is not None:
            inputs = [alive[source] for source in value.inputs]
            with torch.inference_mode():
                return apply(self.steps[each], inputs, self.evaluator.worth)
        if value.kind is Kind.CONSTANT:
            given = self.program.constants[value.constant][np.newaxis]
        else:
            given = sources.of(value.kind, value.index)
        return torch.from_numpy(given.astype(np.int32)).to(self.evaluator.device)
