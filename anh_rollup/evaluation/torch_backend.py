"""The fast exact evaluator: the same bytes as the reference, on ordinary floating-point kernels.

Every element is an int32, so float64 holds it exactly. Each instruction runs in floating point where the
program's proven ranges say that no intermediate loses a bit (`torch_linear`, `torch_elementwise`), and by the
reference's int64 rule where they do not.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import torch
from torch import Tensor

from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.operations import apply
from anh_rollup.evaluation.sources import Sources, check_sources
from anh_rollup.evaluation.torch_elementwise import ELEMENTWISE
from anh_rollup.evaluation.torch_linear import linear, padded_size
from anh_rollup.evaluation.torch_movement import MOVEMENT
from anh_rollup.evaluation.torch_step import Rule, Step, clamped, step_of
from anh_rollup.evaluation.torch_weights import Folded, fold
from anh_rollup.evaluation.workload import lasting_values
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program
from anh_rollup.tensor.program import Tensor as Elements

_RULES: Final[dict[Opcode, Rule]] = {**ELEMENTWISE, **MOVEMENT}
_LINEAR: Final = (Opcode.MATMUL, Opcode.CONV)
#: Their results may share memory with an input.
_SHARING: Final = (Opcode.SHIFT, Opcode.VIEW)


@dataclass(frozen=True, slots=True)
class TorchEvaluator:
    """Evaluates many samples at once. Implements `Evaluator`.

    Attributes:
        memory: Bytes that the values of the samples evaluated at once may take, roughly. It never changes a
            result. Measured: 8 to 64 MiB are best.
    """

    memory: int = 1 << 25

    def evaluate(self, program: Program, sources: Sources) -> Elements:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        check_sources(program, sources)
        result = np.empty((sources.count, *program.output.shape), dtype=np.int32)
        with torch.inference_mode():
            run = _Run.of(program)
            step = max(1, self.memory // run.bytes_of_a_sample())
            run.keeps = sources.count > step
            for start in range(0, sources.count, step):
                stop = min(start + step, sources.count)
                torch.from_numpy(result[start:stop]).copy_(run.output(sources.samples(start, stop)))
        return result

    def trace(self, program: Program, sources: Sources, sample: int) -> list[Elements]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        check_sources(program, sources)
        if sample not in range(sources.count):
            raise SourcesRefusedError(f"sample {sample}", f"{sources.count} samples are given")
        with torch.inference_mode():
            run = _Run.of(program)
            values = run.values(sources.samples(sample, sample + 1), keep_all=True)
            return [values[each][0].to(torch.int32).numpy() for each in range(len(program.values))]


@dataclass(slots=True)
class _Run:
    """A program with its parameters. What is the same for every sample is computed when it is first needed.

    So weights are prepared and multiplied by while they are in the processor's cache, and a program that is
    run once never holds all of them as floats.

    Attributes:
        program: The program.
        keeps: Whether what is the same for every sample is kept for another run.
        steps: For each instruction what is proven about it.
        last_use: For each value the last instruction that reads it.
        lasting: The values that do not depend on the sample.
        fixed: Those of them that are kept, (1, *shape).
        folded: For each linear instruction the prepared weights that are kept, where it has any.
    """

    program: Program
    keeps: bool
    steps: dict[int, Step]
    last_use: dict[int, int]
    lasting: frozenset[int]
    fixed: dict[int, Tensor] = field(default_factory=dict)
    folded: dict[int, Folded | None] = field(default_factory=dict)

    @classmethod
    def of(cls, program: Program) -> "_Run":
        """Looks at the program, which will be run once; computes nothing yet."""
        instructions = [each for each, value in enumerate(program.values) if value.opcode is not None]
        steps = {each: step_of(program, each) for each in instructions}
        last_use = {each: user for user, value in enumerate(program.values) for each in value.inputs}
        lasting = lasting_values(program)
        return cls(program, keeps=False, steps=steps, last_use=last_use, lasting=lasting)

    def bytes_of_a_sample(self) -> int:
        """Bytes that one sample's values take at once, at most."""
        alive: dict[int, int] = {}
        now, most = 0, 8
        for each, value in enumerate(self.program.values):
            if each in self.lasting:
                continue
            alive[each] = 8 * value.size
            now += alive[each]
            most = max(most, now + self._padded_bytes(each))
            for source in value.inputs:
                if self.last_use[source] == each:
                    now -= alive.pop(source, 0)
        return most

    def _padded_bytes(self, each: int) -> int:
        """What a convolution's input takes with its margins."""
        return 8 * padded_size(self.steps[each]) if self.program.values[each].opcode is Opcode.CONV else 0

    def output(self, sources: Sources) -> Tensor:
        """The last value, (N or 1, *shape)."""
        return self.values(sources, keep_all=False)[len(self.program.values) - 1]

    def values(self, sources: Sources, *, keep_all: bool) -> dict[int, Tensor]:
        """Values for these samples; without `keep_all` each is dropped after its last use."""
        alive = dict(self.fixed)
        for each, value in enumerate(self.program.values):
            if each in self.fixed:
                continue
            alive[each] = self._value(each, sources, [alive[source] for source in value.inputs])
            if self.keeps and each in self.lasting:
                self.fixed[each] = alive[each]
            for source in () if keep_all else {each, *value.inputs}:
                if self.last_use.get(source, len(self.program.values)) <= each:
                    del alive[source]
        return alive

    def _value(self, each: int, sources: Sources, inputs: Sequence[Tensor]) -> Tensor:
        value = self.program.values[each]
        if value.kind is Kind.CONSTANT:
            return _floats(self.program.constants[value.constant][np.newaxis])
        if value.opcode is None:
            return _floats(sources.of(value.kind, value.index))
        return self.instruction(each, inputs)

    def instruction(self, each: int, inputs: Sequence[Tensor]) -> Tensor:
        """An instruction's elements, clamped; by the reference's rule where no float is wide enough."""
        step = self.steps[each]
        opcode = step.value.opcode
        if opcode is None or opcode in _LINEAR:
            return linear(step, inputs, self._folded(each, inputs))
        raw = _RULES[opcode](step, inputs)
        if raw is None:
            wide = apply(step.value, [one.to(torch.int64).numpy() for one in inputs])
            return torch.from_numpy(wide).to(torch.float64)
        return clamped(step, raw, shared=opcode in _SHARING)

    def _folded(self, each: int, inputs: Sequence[Tensor]) -> Folded | None:
        """A linear instruction's prepared weights, where they do not depend on the sample."""
        if each in self.folded:
            return self.folded[each]
        same = self.lasting.issuperset(self.program.values[each].inputs[1:])
        folded = fold(self.steps[each], inputs[1:]) if same else None
        if self.keeps:
            self.folded[each] = folded
        return folded


def _floats(elements: Elements) -> Tensor:
    if not elements.flags.writeable:
        # torch would warn of an array that it must not write to.
        return torch.from_numpy(elements.astype(np.float64, order="C"))
    # torch knows no negative strides.
    forward = elements if min(elements.strides, default=0) >= 0 else elements.copy()
    return torch.from_numpy(forward).to(torch.float64, memory_format=torch.contiguous_format)
