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
from anh_rollup.evaluation.steps import Step, step_of
from anh_rollup.evaluation.torch_elementwise import ELEMENTWISE
from anh_rollup.evaluation.torch_linear import linear
from anh_rollup.evaluation.torch_movement import MOVEMENT
from anh_rollup.evaluation.torch_step import Rule, clamped
from anh_rollup.evaluation.torch_weights import Folded, fold
from anh_rollup.evaluation.workload import lasting_values, working_elements
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.program import Tensor as Elements
from anh_rollup.watching import Watch, unwatched

_RULES: Final[dict[Opcode, Rule]] = {**ELEMENTWISE, **MOVEMENT}
_LINEAR: Final = (Opcode.MATMUL, Opcode.CONV)
_GIVEN: Final = (Kind.PARAMETER, Kind.CONSTANT)
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
        watch: Shows how far it is with the samples.
        steps: For each instruction what is proven about it.
        users: For each value that is read the instructions that read it, in order.
        lasting: The values that do not depend on the sample.
        dropped: For each value those that nothing behind it reads.
        bytes_of_a_sample: What one sample's values take at once, at most.
        tables: Parameters that GATHER takes elements of, and nothing else reads: they stay int32.
        fixed: Those of them that are kept, (1, *shape).
        folded: For each linear instruction the prepared weights that are kept, None where it has none.
        spent: The lasting values that only what is kept was computed from.
    """

    program: Program
    parameters: tuple[Elements, ...]
    memory: int
    keeps: bool
    watch: Watch
    steps: dict[int, Step]
    users: dict[int, list[int]]
    lasting: frozenset[int]
    dropped: list[list[int]]
    bytes_of_a_sample: int
    tables: frozenset[int]
    fixed: dict[int, Tensor] = field(default_factory=dict)
    folded: dict[int, Folded | None] = field(default_factory=dict)
    spent: set[int] = field(default_factory=set)

    @classmethod
    def of(
        cls,
        program: Program,
        parameters: tuple[Elements, ...],
        memory: int,
        *,
        keeps: bool,
        watch: Watch = unwatched,
    ) -> "TorchProgram":
        """Looks at the program; computes nothing yet."""
        instructions = [each for each, value in enumerate(program.values) if value.opcode is not None]
        steps = {each: step_of(program, each) for each in instructions}
        users: dict[int, list[int]] = {}
        for user in instructions:
            for each in program.values[user].inputs:
                users.setdefault(each, []).append(user)
        lasting = lasting_values(program)
        dropped = _dropped(program, users)
        size = _bytes_of_a_sample(program, dropped, lasting)
        return cls(
            program,
            parameters,
            memory,
            keeps,
            watch,
            steps,
            users,
            lasting,
            dropped,
            size,
            _tables(program, users),
        )

    def evaluate(self, fields: Sequence[Elements], answers: Sequence[Elements] = ()) -> Elements:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        result = np.empty((sources.count, *self.program.output.shape), dtype=np.int32)
        threads = min(torch.get_num_threads(), MOST_THREADS)
        step = max(1, self.memory * threads // self.bytes_of_a_sample)
        keeps = self.keeps or sources.count > step
        with torch.inference_mode():
            for start in self.watch(range(0, sources.count, step), "evaluating"):
                stop = min(start + step, sources.count)
                output = self._output(sources.samples(start, stop), keeps=keeps)
                result[start:stop] = output.numpy()
        return result

    def prepare_traces(self) -> None:
        """Nothing is shared. See `LoadedProgram.prepare_traces`."""

    def trace(
        self, sample: int, fields: Sequence[Elements], answers: Sequence[Elements] = ()
    ) -> list[Elements]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        sources = checked_sources(self.program, fields, answers, self.parameters).sample(sample)
        found, alive = dict[int, Elements](), dict(self.fixed)
        with torch.inference_mode():
            for each in self._traced():
                if each not in self.fixed:
                    alive[each] = self._value(each, sources, alive, keeps=self.keeps)
                value = self.program.values[each]
                if value.kind not in _GIVEN:
                    # By numpy, for torch's threads wait for one another; while the cache has the elements.
                    found[each] = alive[each][0].numpy().astype(np.int32)
                for read in value.inputs:
                    if self.users[read][-1] == each:
                        alive.pop(read, None)
        values = enumerate(self.program.values)
        return [self._given(value) if value.kind in _GIVEN else found[each] for each, value in values]

    def _given(self, value: Value) -> Elements:
        """The elements of a parameter or a constant."""
        constants, index = self.program.constants, value.index
        return constants[value.constant] if value.kind is Kind.CONSTANT else self.parameters[index]

    def _traced(self) -> list[int]:
        """The values that a trace computes: all but spent ones that no spent instruction is computed from."""
        again: set[int] = set()
        for each in sorted(self.spent, reverse=True):
            if self.program.values[each].opcode is not None or each in again:
                again |= {each, *self.program.values[each].inputs}
        return [each for each in range(len(self.program.values)) if each in again or each not in self.spent]

    def _output(self, sources: Sources, *, keeps: bool) -> Tensor:
        """The last value, (N or 1, *shape); each is dropped after its last use.

        Args:
            sources: The samples.
            keeps: Whether what is the same for every sample is kept for another run.
        """
        alive = dict(self.fixed)
        for each in range(len(self.program.values)):
            if each not in self.fixed and each not in self.spent:
                alive[each] = self._value(each, sources, alive, keeps=keeps)
            for read in self.dropped[each]:
                alive.pop(read, None)
        return alive[len(self.program.values) - 1]

    def _value(self, each: int, sources: Sources, alive: dict[int, Tensor], *, keeps: bool) -> Tensor:
        value = self.program.values[each]
        if value.kind is Kind.CONSTANT:
            result = _floats(self.program.constants[value.constant][np.newaxis])
        elif value.opcode is None:
            elements = sources.of(value.kind, value.index)
            result = torch.from_numpy(elements.astype(np.int32)) if each in self.tables else _floats(elements)
        elif value.opcode in _LINEAR:
            result = self._linear(each, alive, keeps=keeps)
        else:
            result = self._other(each, alive)
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

    def _other(self, each: int, alive: dict[int, Tensor]) -> Tensor:
        """An instruction's elements, clamped; by the reference's rule where no float is wide enough."""
        step = self.steps[each]
        inputs, opcode = [alive[source] for source in step.value.inputs], step.value.opcode
        raw = None if opcode is None else _RULES[opcode](step, inputs)
        if raw is None:
            wide = apply(step.value, [one.to(torch.int64).numpy() for one in inputs])
            return torch.from_numpy(wide.astype(np.float64))
        return clamped(step, raw, shared=opcode in _SHARING)


def _tables(program: Program, users: dict[int, list[int]]) -> frozenset[int]:
    """Parameters of which nothing but GATHER reads any elements."""
    return frozenset(
        each
        for each in program.source_ids(Kind.PARAMETER)
        if all(
            program.values[user].opcode is Opcode.GATHER and program.values[user].inputs[1] != each
            for user in users.get(each, ())
        )
    )


def _dropped(program: Program, users: dict[int, list[int]]) -> list[list[int]]:
    """For each value those that nothing behind it reads; the output is none of them."""
    found: list[list[int]] = [[] for _ in program.values]
    for each in range(len(program.values) - 1):
        found[max([each, *users.get(each, ())])].append(each)
    return found


def _bytes_of_a_sample(program: Program, dropped: list[list[int]], lasting: frozenset[int]) -> int:
    """What one sample's values take at once, at most."""
    alive, most = 0, 8
    for each, value in enumerate(program.values):
        alive += 0 if each in lasting else 8 * value.size
        most = max(most, alive + 8 * working_elements(program, each))
        alive -= sum(8 * program.values[one].size for one in dropped[each] if one not in lasting)
    return most


def _floats(elements: Elements) -> Tensor:
    """By numpy, for torch's threads wait for one another."""
    return torch.from_numpy(elements.astype(np.float64, order="C"))
