"""A program loaded into torch with its parameters: what no sample changes is prepared once and kept.

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

from anh_rollup.evaluation.operations import apply
from anh_rollup.evaluation.sources import Sources, checked_sources
from anh_rollup.evaluation.torch_dense import Packed
from anh_rollup.evaluation.torch_elementwise import ELEMENTWISE
from anh_rollup.evaluation.torch_linear import linear
from anh_rollup.evaluation.torch_movement import MOVEMENT
from anh_rollup.evaluation.torch_step import Rule, Step, clamped, step_of
from anh_rollup.evaluation.torch_weights import Folded, fold
from anh_rollup.evaluation.workload import lasting_values, working_elements
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program
from anh_rollup.tensor.program import Tensor as Elements

_RULES: Final[dict[Opcode, Rule]] = {**ELEMENTWISE, **MOVEMENT}
_LINEAR: Final = (Opcode.MATMUL, Opcode.CONV)
#: More threads than this get no more memory (choice: larger blocks are asked from the system each time).
MOST_THREADS: Final = 4
#: Their results may share memory with an input.
_SHARING: Final = (Opcode.SHIFT, Opcode.VIEW)


@dataclass(slots=True)
class TorchProgram:
    """A program with its parameters. Implements `LoadedProgram`.

    What is the same for every sample is computed when it is first needed. So weights are prepared and
    multiplied by while they are in the processor's cache, and a program that is run once never holds all of
    them as floats.

    Attributes:
        program: The program.
        parameters: Its parameters, checked: per parameter an int32 array (*shape).
        memory: Bytes that the values of the samples evaluated at once may take for each thread, roughly.
        keeps: Whether what is the same for every sample is kept for another run.
        steps: For each instruction what is proven about it.
        users: For each value that is read the instructions that read it, in order.
        lasting: The values that do not depend on the sample.
        fixed: Those of them that are kept, (1, *shape).
        folded: For each linear instruction the prepared weights that are kept, None where it has none.
        spent: The lasting values that only what is kept was computed from.
    """

    program: Program
    parameters: tuple[Elements, ...]
    memory: int
    keeps: bool
    steps: dict[int, Step]
    users: dict[int, list[int]]
    lasting: frozenset[int]
    fixed: dict[int, Tensor] = field(default_factory=dict)
    folded: dict[int, Folded | Packed | None] = field(default_factory=dict)
    spent: set[int] = field(default_factory=set)

    @classmethod
    def of(
        cls, program: Program, parameters: tuple[Elements, ...], memory: int, *, keeps: bool
    ) -> "TorchProgram":
        """Looks at the program; computes nothing yet."""
        instructions = [each for each, value in enumerate(program.values) if value.opcode is not None]
        steps = {each: step_of(program, each) for each in instructions}
        users: dict[int, list[int]] = {}
        for user in instructions:
            for each in program.values[user].inputs:
                users.setdefault(each, []).append(user)
        return cls(program, parameters, memory, keeps, steps, users, lasting_values(program))

    def evaluate(self, fields: Sequence[Elements], answers: Sequence[Elements] = ()) -> Elements:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        result = np.empty((sources.count, *self.program.output.shape), dtype=np.int32)
        threads = min(torch.get_num_threads(), MOST_THREADS)
        step = max(1, self.memory * threads // self._bytes_of_a_sample())
        keeps = self.keeps or sources.count > step
        with torch.inference_mode():
            for start in range(0, sources.count, step):
                stop = min(start + step, sources.count)
                output = self._output(sources.samples(start, stop), keeps=keeps)
                torch.from_numpy(result[start:stop]).copy_(output)
        return result

    def trace(
        self, sample: int, fields: Sequence[Elements], answers: Sequence[Elements] = ()
    ) -> list[Elements]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        with torch.inference_mode():
            values = self._values(sources.sample(sample), keeps=self.keeps, keep_all=True)
            return [values[each][0].to(torch.int32).numpy() for each in range(len(self.program.values))]

    def _bytes_of_a_sample(self) -> int:
        """Bytes that one sample's values take at once, at most."""
        alive: dict[int, int] = {}
        now, most = 0, 8
        for each, value in enumerate(self.program.values):
            if each in self.lasting:
                continue
            alive[each] = 8 * value.size
            now += alive[each]
            most = max(most, now + 8 * working_elements(self.program, each))
            for source in value.inputs:
                if self._is_last_use(source, each):
                    now -= alive.pop(source, 0)
        return most

    def _output(self, sources: Sources, *, keeps: bool) -> Tensor:
        """The last value, (N or 1, *shape)."""
        return self._values(sources, keeps=keeps, keep_all=False)[len(self.program.values) - 1]

    def _values(self, sources: Sources, *, keeps: bool, keep_all: bool) -> dict[int, Tensor]:
        """Values for these samples.

        Args:
            sources: The samples.
            keeps: Whether what is the same for every sample is kept for another run.
            keep_all: Whether every value is given; else each is dropped after its last use.
        """
        alive = dict(self.fixed)
        for each, value in enumerate(self.program.values):
            if each in self.fixed or (each in self.spent and not keep_all):
                continue
            alive[each] = self._value(each, sources, alive, keeps=keeps)
            for source in () if keep_all else {each, *value.inputs}:
                if self._is_last_use(source, each):
                    alive.pop(source, None)
        return alive

    def _is_last_use(self, source: int, user: int) -> bool:
        """Whether nothing behind `user` reads a value, nor is it the output."""
        return (
            self.users[source][-1] <= user if source in self.users else source != len(self.program.values) - 1
        )

    def _value(self, each: int, sources: Sources, alive: dict[int, Tensor], *, keeps: bool) -> Tensor:
        value = self.program.values[each]
        if value.kind is Kind.CONSTANT:
            result = _floats(self.program.constants[value.constant][np.newaxis])
        elif value.opcode is None:
            result = _floats(sources.of(value.kind, value.index))
        elif value.opcode in _LINEAR:
            result = self._linear(each, alive, keeps=keeps)
        else:
            result = self._other(each, [alive[source] for source in value.inputs])
        if keeps and each in self.lasting and each not in self.spent:
            self.fixed[each] = result
            self._forget_spent(value.inputs)
        return result

    def _linear(self, each: int, alive: dict[int, Tensor], *, keeps: bool) -> Tensor:
        """A sum of products; its weights are prepared where they do not depend on the sample."""
        step, inputs = self.steps[each], self.program.values[each].inputs
        if each in self.folded:
            folded = self.folded[each]
        else:
            same = self.lasting.issuperset(inputs[1:]) and not step.has_wide_margins
            folded = fold(step, [alive[source] for source in inputs[1:]]) if same else None
            if keeps:
                self.folded[each] = folded
                self._forget_spent(inputs[1:])
        read = inputs if folded is None else inputs[:1]
        return linear(step, [alive[source] for source in read], folded)

    def _forget_spent(self, sources: Sequence[int]) -> None:
        """Forgets those of these lasting values that no instruction reads in another run."""
        for source in self.lasting.intersection(sources):
            if not any(self._reads_again(user, source) for user in self.users[source]):
                self.spent.add(source)
                self.fixed.pop(source, None)

    def _reads_again(self, user: int, source: int) -> bool:
        """Whether an instruction reads a value in another run, for neither it nor its weights are kept."""
        if user in self.fixed or user in self.spent:
            return False
        return self.folded.get(user) is None or source == self.program.values[user].inputs[0]

    def _other(self, each: int, inputs: Sequence[Tensor]) -> Tensor:
        """An instruction's elements, clamped; by the reference's rule where no float is wide enough."""
        step = self.steps[each]
        opcode = step.value.opcode
        raw = None if opcode is None else _RULES[opcode](step, inputs)
        if raw is None:
            wide = apply(step.value, [one.to(torch.int64).numpy() for one in inputs])
            return torch.from_numpy(wide).to(torch.float64)
        return clamped(step, raw, shared=opcode in _SHARING)


def _floats(elements: Elements) -> Tensor:
    if not elements.flags.writeable:
        # torch would warn of an array that it must not write to.
        return torch.from_numpy(elements.astype(np.float64, order="C"))
    # torch knows no negative strides.
    forward = elements if min(elements.strides, default=0) >= 0 else elements.copy()
    return torch.from_numpy(forward).to(torch.float64, memory_format=torch.contiguous_format)
