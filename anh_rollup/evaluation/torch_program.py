"""The exact evaluator on torch, on any of its devices: the same bytes as the reference.

It is for graphics processors, and for systems that run no code from memory.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch

from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources, check_loadable, checked_sources
from anh_rollup.evaluation.steps import Step, steps_with
from anh_rollup.evaluation.torch_operations import apply, input_types
from anh_rollup.evaluation.torch_products import float32_is_exact
from anh_rollup.evaluation.workload import lasting_values, working_elements
from anh_rollup.tensor.program import Kind, Program, Tensor, Value
from anh_rollup.watching import Watch, unwatched

LOG = logging.getLogger(__name__)

#: Bytes of an element while it is there, as float64.
ELEMENT_BYTES: Final = 8

#: Bytes that samples evaluated at once may take on a graphics processor (choice: copies take as much again).
DEVICE_MEMORY: Final = 1 << 31

#: How many products of int8 slices are faster than one in float64 (choice; no card was measured): makers
#: state 30 times the rate and more, and cutting slices takes time, too.
SLICES_WORTH: Final = 16

#: The first of NVIDIA's compute capabilities with int8 units for matrices.
INT8_UNITS: Final = (7, 5)

_GIVEN: Final = (Kind.PARAMETER, Kind.CONSTANT)


def device_evaluator(watch: Watch = unwatched) -> "TorchEvaluator | None":
    """The evaluator on the first graphics processor that torch sees; None where it sees none."""
    if not torch.cuda.is_available():
        return None
    worth = SLICES_WORTH if torch.cuda.get_device_capability() >= INT8_UNITS else 0
    return TorchEvaluator("cuda", DEVICE_MEMORY, worth, watch)


@dataclass(frozen=True, slots=True)
class TorchEvaluator:
    """Evaluates on a device of torch, and on the processor what a graphics processor has no room for.

    Implements `Evaluator`.

    Attributes:
        device: "cpu" or "cuda".
        memory: Bytes that the values of the samples evaluated at once may take there, roughly. It never
            changes a result.
        worth: How many products of int8 slices are faster than one in float64; 0 never slices.
        watch: Shows how far it is with the samples.
    """

    device: str = "cpu"
    memory: int = 1 << 23
    worth: int = 0
    watch: Watch = unwatched

    def load(self, program: Program, parameters: Sequence[Tensor]) -> "TorchProgram":
        """The program, ready to be evaluated many times. See `Evaluator.load`."""
        check_loadable(program, parameters)
        return TorchProgram.of(self, program, tuple(parameters))

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        return self.load(program, sources.parameters).evaluate(sources.fields, sources.answers)

    def trace(self, program: Program, sources: Sources, sample: int) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        return self.load(program, sources.parameters).trace(sample, sources.fields, sources.answers)


@dataclass(slots=True, eq=False)
class TorchProgram:
    """A program with its parameters. Implements `LoadedProgram`.

    What is the same for every sample is computed when it is first needed, and kept.

    Attributes:
        evaluator: Where it is evaluated.
        program: The program.
        parameters: Its parameters, checked: per parameter an int32 array (*shape).
        steps: For each instruction what is proven about it with these parameters.
        types: For each instruction the types in which it reads its inputs.
        lasting: The values that do not depend on the sample.
        dropped: For each value those that nothing behind it reads.
        bytes_of_a_sample: What one sample's values take at once, at most.
    """

    evaluator: TorchEvaluator
    program: Program
    parameters: tuple[Tensor, ...]
    steps: dict[int, Step]
    types: dict[int, list[torch.dtype | None]]
    lasting: frozenset[int]
    dropped: list[list[int]]
    bytes_of_a_sample: int
    #: Lasting values in the types in which instructions read them, None for that of their own.
    _fixed: dict[tuple[int, torch.dtype | None], torch.Tensor] = field(default_factory=dict)
    _processor: LoadedProgram | None = None

    @classmethod
    def of(
        cls, evaluator: TorchEvaluator, program: Program, parameters: tuple[Tensor, ...]
    ) -> "TorchProgram":
        """Looks at the program; computes nothing yet."""
        steps, narrow = steps_with(program, parameters), float32_is_exact(evaluator.device)
        types = {each: input_types(step, narrow=narrow) for each, step in steps.items()}
        lasting, dropped = lasting_values(program), _dropped(program)
        size = _bytes_of_a_sample(program, dropped, lasting)
        return cls(evaluator, program, parameters, steps, types, lasting, dropped, size)

    def evaluate(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        result = np.empty((sources.count, *self.program.output.shape), dtype=np.int32)
        step = max(1, self.evaluator.memory // self.bytes_of_a_sample)
        try:
            for start in self.evaluator.watch(range(0, sources.count, step), "evaluating"):
                stop = min(start + step, sources.count)
                for _, output in self._values(sources.samples(start, stop)):
                    last = output
                result[start:stop] = last.cpu().numpy()
        except torch.OutOfMemoryError:
            return self._beside().evaluate(fields, answers)
        return result

    def prepare_traces(self) -> None:
        """What no sample changes is kept from the first one on. See `LoadedProgram.prepare_traces`."""

    def trace(
        self, sample: int, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()
    ) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        try:
            found = {
                each: output[0].cpu().numpy().astype(np.int32)
                for each, output in self._values(sources.sample(sample))
            }
        except torch.OutOfMemoryError:
            return self._beside().trace(sample, fields, answers)
        values = enumerate(self.program.values)
        return [self._elements(value) if value.kind in _GIVEN else found[each] for each, value in values]

    def _beside(self) -> LoadedProgram:
        """The same program on the processor; what the device holds is in nobody's way then."""
        self._fixed.clear()
        LOG.info("no room on %s: evaluating on the processor", self.evaluator.device)
        if self._processor is None:
            self._processor = FastEvaluator(watch=self.evaluator.watch).load(self.program, self.parameters)
        return self._processor

    def _elements(self, value: Value) -> Tensor:
        """The elements of a parameter or a constant."""
        constants = self.program.constants
        return constants[value.constant] if value.kind is Kind.CONSTANT else self.parameters[value.index]

    def _values(self, sources: Sources) -> Iterator[tuple[int, torch.Tensor]]:
        """The output and all before it but parameters and constants, with their ids: (N or 1, *shape).

        Each is dropped after its last use, or kept where it is the same for every sample.
        """
        alive: dict[int, torch.Tensor] = {}
        for each, value in enumerate(self.program.values):
            if value.kind in _GIVEN and value is not self.program.output:
                continue
            if each in self.lasting:
                yield each, self._read(each, None, alive)
                continue
            alive[each] = self._source(value, sources) if value.opcode is None else self._result(each, alive)
            yield each, alive[each]
            for read in self.dropped[each]:
                alive.pop(read, None)

    def _source(self, value: Value, sources: Sources) -> torch.Tensor:
        """A field's or an answer's elements, by numpy, for torch's threads wait for one another."""
        elements = sources.of(value.kind, value.index).astype(np.float64, order="C")
        return torch.from_numpy(elements).to(self.evaluator.device)

    @torch.inference_mode()
    def _result(self, each: int, alive: dict[int, torch.Tensor]) -> torch.Tensor:
        """An instruction's elements."""
        step = self.steps[each]
        reads = zip(step.value.inputs, self.types[each], strict=True)
        return apply(
            step, [self._read(source, wanted, alive) for source, wanted in reads], self.evaluator.worth
        )

    def _read(self, each: int, wanted: torch.dtype | None, alive: dict[int, torch.Tensor]) -> torch.Tensor:
        """A value as an instruction reads it; what is the same for every sample is computed once."""
        if each in alive:
            return alive[each] if wanted is None else alive[each].to(wanted)
        found = self._fixed.get((each, wanted))
        if found is None:
            value = self.program.values[each]
            if value.kind in _GIVEN:
                given = self._elements(value)[np.newaxis].astype(np.int32, order="C")
                made = torch.from_numpy(given).to(self.evaluator.device)
            else:
                made = self._result(each, alive) if wanted is None else self._read(each, None, alive)
            found = self._fixed[each, wanted] = made if wanted is None else made.to(wanted)
        return found


def _dropped(program: Program) -> list[list[int]]:
    """For each value those that nothing behind it reads; the output is none of them."""
    last = {each: user for user, value in enumerate(program.values) for each in value.inputs}
    found: list[list[int]] = [[] for _ in program.values]
    for each in range(len(program.values) - 1):
        found[last.get(each, each)].append(each)
    return found


def _bytes_of_a_sample(program: Program, dropped: list[list[int]], lasting: frozenset[int]) -> int:
    """What one sample's values take at once, at most."""
    alive, most = 0, 1
    for each, value in enumerate(program.values):
        alive += 0 if each in lasting else value.size
        most = max(most, alive + working_elements(program, each))
        alive -= sum(program.values[one].size for one in dropped[each] if one not in lasting)
    return ELEMENT_BYTES * most
