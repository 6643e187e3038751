"""A program loaded into torch with its parameters: what no sample changes is prepared once and kept.

Every element is an int32, so float64 holds it exactly. Each instruction runs in floating point where the
program's proven ranges say that no intermediate loses a bit (`torch_linear`, `torch_elementwise`), and by the
reference's int64 rule where they do not.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from time import perf_counter
from typing import Final

import numpy as np
import torch
from torch import Tensor

from anh_rollup.evaluation.operations import apply
from anh_rollup.evaluation.passes import Group, schedule
from anh_rollup.evaluation.sources import Sources, checked_sources
from anh_rollup.evaluation.torch_dense import Packed
from anh_rollup.evaluation.torch_elementwise import ELEMENTWISE
from anh_rollup.evaluation.torch_linear import linear
from anh_rollup.evaluation.torch_movement import MOVEMENT
from anh_rollup.evaluation.torch_passes import Fused
from anh_rollup.evaluation.torch_step import Rule, Step, clamped, step_of
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
        order: Values and passes in the order in which they run.
        dropped: For each place of `order` the values that nothing behind it reads.
        bytes_of_a_sample: What one sample's values take at once, at most.
        tables: Parameters that GATHER takes elements of, and nothing else reads: they stay int32.
        fixed: Those of them that are kept, (1, *shape).
        folded: For each linear instruction the prepared weights that are kept, None where it has none.
        singles: Passes of one instruction, for traces and what fits no larger one; None where there is none.
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
    order: list[int | Fused]
    dropped: list[list[int]]
    bytes_of_a_sample: int
    tables: frozenset[int]
    fixed: dict[int, Tensor] = field(default_factory=dict)
    folded: dict[int, Folded | Packed | None] = field(default_factory=dict)
    singles: dict[int, Fused | None] = field(default_factory=dict)
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
        order = _order(program, steps, users, lasting)
        dropped = _dropped(program, order, users)
        size = _bytes_of_a_sample(program, order, dropped, lasting)
        return cls(
            program,
            parameters,
            memory,
            keeps,
            watch,
            steps,
            users,
            lasting,
            order,
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

    def trace(
        self, sample: int, fields: Sequence[Elements], answers: Sequence[Elements] = ()
    ) -> list[Elements]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        sources = checked_sources(self.program, fields, answers, self.parameters).sample(sample)
        found, alive = dict[int, Elements](), dict(self.fixed)
        with torch.inference_mode():
            for each in self._traced():
                self._do(each, sources, alive, keeps=self.keeps, keep_all=True)
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
        for place, each in enumerate(self.order):
            self._do(each, sources, alive, keeps=keeps, keep_all=False)
            for read in self.dropped[place]:
                alive.pop(read, None)
        return alive[len(self.program.values) - 1]

    def timed(
        self, fields: Sequence[Elements], answers: Sequence[Elements] = ()
    ) -> Iterator[tuple[float, int | Fused]]:
        """Evaluates all samples at once, and gives the seconds of each value and pass, in their order."""
        sources, alive = checked_sources(self.program, fields, answers, self.parameters), dict(self.fixed)
        with torch.inference_mode():
            for place, each in enumerate(self.order):
                start = perf_counter()
                self._do(each, sources, alive, keeps=self.keeps, keep_all=False)
                for read in self.dropped[place]:
                    alive.pop(read, None)
                yield perf_counter() - start, each

    def _do(
        self, each: int | Fused, sources: Sources, alive: dict[int, Tensor], *, keeps: bool, keep_all: bool
    ) -> None:
        """Computes a value or a pass, unless what was kept is enough."""
        if isinstance(each, Fused):
            self._pass(each, alive)
        elif each not in self.fixed and (keep_all or each not in self.spent):
            alive[each] = self._value(each, sources, alive, keeps=keeps)

    def _pass(self, each: Fused, alive: dict[int, Tensor]) -> None:
        """Several element-wise instructions; one by one where they do not fit a pass."""
        results = each.run(alive)
        if results is not None:
            alive.update(zip(each.group.results, results, strict=True))
            return
        for member in each.group.members:
            alive[member] = self._other(member, alive)

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
        if each not in self.singles:
            group = Group([each], list(dict.fromkeys(step.value.inputs)), [each])
            self.singles[each] = Fused.of(self.program, group, self.steps)
        single = self.singles[each]
        done = None if single is None else single.run(alive)
        if done is not None:
            return done[0]
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


def _order(
    program: Program, steps: dict[int, Step], users: dict[int, list[int]], lasting: frozenset[int]
) -> list[int | Fused]:
    """Values and passes; instructions that no pass can do stand by themselves."""
    found: list[int | Fused] = []
    for each in schedule(program, steps, users, lasting):
        fused = Fused.of(program, each, steps) if isinstance(each, Group) else None
        found.extend([each] if isinstance(each, int) else [fused] if fused else each.members)
    return found


def _dropped(program: Program, order: Sequence[int | Fused], users: dict[int, list[int]]) -> list[list[int]]:
    """For each place of the order the values that nothing behind it reads; the output is none of them."""
    places = {
        each: place
        for place, some in enumerate(order)
        for each in (some.group.members if isinstance(some, Fused) else [some])
    }
    found: list[list[int]] = [[] for _ in order]
    for each, place in places.items():
        if each != len(program.values) - 1:
            found[max([place, *(places[user] for user in users.get(each, ()))])].append(each)
    return found


def _bytes_of_a_sample(
    program: Program, order: Sequence[int | Fused], dropped: list[list[int]], lasting: frozenset[int]
) -> int:
    """What one sample's values take at once, at most."""
    alive: dict[int, int] = {}
    most = 8
    for place, each in enumerate(order):
        made = each.group.results if isinstance(each, Fused) else [each]
        alive.update((one, 8 * program.values[one].size) for one in made if one not in lasting)
        extra = 0 if isinstance(each, Fused) else 8 * working_elements(program, each)
        most = max(most, sum(alive.values()) + extra)
        for one in dropped[place]:
            alive.pop(one, None)
    return most


def _floats(elements: Elements) -> Tensor:
    """By numpy, for torch's threads wait for one another."""
    return torch.from_numpy(elements.astype(np.float64, order="C"))
