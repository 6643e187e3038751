"""A program loaded with its parameters to run on compiled kernels: what no sample changes is prepared once.

Every element is an int32, so float64 holds it exactly. Each instruction runs on kernels where the program's
proven ranges say that no intermediate loses a bit, and by the reference's int64 rule where they do not. The
first evaluation of so many samples looks at the program and notes what it does; those that follow do that
again on the same memory (`tape`).
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from importlib import import_module
from threading import Lock
from typing import Any, Final
from weakref import WeakValueDictionary

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.tensors import CHUNK_SIZE
from anh_rollup.evaluation.arena import Arena, address_of
from anh_rollup.evaluation.compiled_dense import (
    Packed,
    convolve,
    exact_weights,
    geometry,
    multiply,
    multiply_batches,
    packed,
)
from anh_rollup.evaluation.compiled_depthwise import Scaled, convolve_depthwise, scaled
from anh_rollup.evaluation.compiled_movement import MOVEMENT
from anh_rollup.evaluation.compiled_passes import Floats, Fused, Sink, limited
from anh_rollup.evaluation.exact_sums import LINEAR
from anh_rollup.evaluation.operations import apply
from anh_rollup.evaluation.packed_traces import MOST_NOTED, SHARED, lasting_bytes, packing_of
from anh_rollup.evaluation.passes import Group, schedule
from anh_rollup.evaluation.sources import Sources, checked_sources
from anh_rollup.evaluation.steps import Step, step_of
from anh_rollup.evaluation.tape import Tape
from anh_rollup.evaluation.tensor_forest import PackedTensors, Packing
from anh_rollup.evaluation.workload import lasting_values, working_elements
from anh_rollup.kernels.machine_code import Processor
from anh_rollup.kernels.threads import processors
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Tensor, Value
from anh_rollup.watching import Watch, unwatched

#: More threads than this get no more memory (choice).
MOST_THREADS: Final = 4
#: Numbers of samples whose work stays noted (choice: full blocks, and the rest).
MOST_TAPES: Final = 2
#: What does sums of products that no kernel carries: few programs have any, and torch takes much memory.
_TORCH: Final = "anh_rollup.evaluation.torch_operations"

#: An instruction's weights, and what says how they are prepared.
_Weights = tuple[tuple[int, ...], tuple[int, ...], Opcode | None]


@dataclass(slots=True)
class CompiledProgram:
    """A program with its parameters. Implements `LoadedProgram`. Threads that share it take turns.

    Attributes:
        program: The program.
        parameters: Its parameters, checked: per parameter an int32 array (*shape).
        processor: What kernels are compiled for.
        memory: Bytes that the values of the samples evaluated at once may take for each thread, roughly.
        keeps: Whether work is noted for another run.
        watch: Shows how far it is with the samples.
        steps: For each instruction what is proven about it.
        lasting: The values that do not depend on the sample.
        order: Values and passes in the order in which they run.
        dropped: For each place of `order` the values that nothing behind it reads.
        bytes_of_a_sample: What one sample's values take at once, at most.
        weights: Prepared weights, each once however many instructions multiply by them.
        exact: Whether float64 holds the sums of weights with inputs of a magnitude.
        singles: Passes of one instruction, for what fits no larger one; None where there is none.
    """

    program: Program
    parameters: tuple[Tensor, ...]
    processor: Processor
    memory: int
    keeps: bool
    watch: Watch
    steps: dict[int, Step]
    lasting: frozenset[int]
    order: list[int | Fused]
    dropped: list[list[int]]
    bytes_of_a_sample: int
    weights: dict[_Weights, Packed | Scaled] = field(default_factory=dict)
    exact: dict[tuple[_Weights, int], bool] = field(default_factory=dict)
    singles: dict[int, Fused | None] = field(default_factory=dict)
    _floats: WeakValueDictionary[int | bytes, Floats] = field(default_factory=WeakValueDictionary)
    _tapes: dict[int, tuple[Tape, Floats]] = field(default_factory=dict)
    _traced: "_Tracing | None" = None
    _ready: bool = False
    #: A list of one, which is all that noted work holds of this.
    _given: list[Sources] = field(default_factory=lambda: [Sources()])
    _turn: Lock = field(default_factory=Lock)

    @classmethod
    def of(
        cls,
        program: Program,
        parameters: tuple[Tensor, ...],
        processor: Processor,
        memory: int,
        *,
        keeps: bool,
        watch: Watch = unwatched,
    ) -> "CompiledProgram":
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
        return cls(program, parameters, processor, memory, keeps, watch, steps, lasting, order, dropped, size)

    def evaluate(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        result = np.empty((sources.count, *self.program.output.shape), dtype=np.int32)
        threads = min(processors(), MOST_THREADS)
        step = max(1, self.memory * threads // self.bytes_of_a_sample)
        keeps = self.keeps or sources.count > step
        with self._turn:
            for start in self.watch(range(0, sources.count, step), "evaluating"):
                stop = min(start + step, sources.count)
                result[start:stop] = self._output(sources.samples(start, stop), keeps=keeps)
            self._given[0] = Sources()
        return result

    def prepare_traces(self) -> None:
        """Notes what a trace takes, once. See `LoadedProgram.prepare_traces`."""
        if not self._ready:
            with self._turn:
                self._tracing()
                self._ready = True
        if self._traced is not None:
            self._traced.packing.make_ready()

    def trace(self, sample: int, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> PackedTensors:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        one = checked_sources(self.program, fields, answers, self.parameters).sample(sample)
        with self._turn:
            tracing = self._tracing()
            rows = tracing.packing.elements()
            self._given[0], tracing.sink.base[0] = one, address_of(rows)
            tracing.tape.again()
            self._given[0] = Sources()
        return PackedTensors(tracing.packing, rows, tracing.given)

    def _tracing(self) -> "_Tracing":
        """What is done for a trace; kept where it takes little memory beside what evaluations take."""
        if self._traced is not None:
            return self._traced
        # Traces overwrite what an evaluation leaves in its memory: it needs none of that when it is over.
        arena = Arena(next((tape.arena for tape, _ in self._tapes.values()), None))
        self._given[0], tape = Sources(), Tape(self.processor, keeps=True, arena=arena, runs=False)
        packing, values = packing_of(self.program), self.program.values
        places = {
            each: CHUNK_SIZE * packing.start(each) for each in packing.shapes if packing.owner[each] == each
        }
        sink = Sink(np.zeros(1, np.int64), places)
        self._run(tape, sink)
        tape.join()
        given = {each: self._elements(value) for each, value in enumerate(values) if value.kind in SHARED}
        found = _Tracing(tape, sink, packing, given)
        if self.keeps and self.bytes_of_a_sample + lasting_bytes(self.program) <= MOST_NOTED:
            self._traced = found
        return found

    def _whole(self, fused: Fused) -> Fused | None:
        """The same pass, which writes the results of all its instructions."""
        group = replace(fused.group, written=fused.group.members)
        return Fused.of(self.program, group, self.steps)

    def timed(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Iterator[tuple[float, Any]]:
        """Evaluates all samples at once, and gives the seconds of each piece of work with what it is for."""
        sources = checked_sources(self.program, fields, answers, self.parameters)
        self._output(sources, keeps=True)
        tape, _ = self._tapes[sources.count]
        yield from tape.timed()

    def _output(self, sources: Sources, *, keeps: bool) -> Floats:
        """The last value, (N or 1, *shape), until the next evaluation."""
        self._given[0] = sources
        if sources.count in self._tapes:
            tape, output = self._tapes[sources.count]
            tape.again()
            return output
        while len(self._tapes) >= MOST_TAPES:
            del self._tapes[next(iter(self._tapes))]
        tape = Tape(self.processor, keeps, Arena())
        output = self._run(tape)
        if keeps:
            self._tapes[sources.count] = (tape, output)
        return output

    def _run(self, tape: Tape, sink: Sink | None = None) -> Floats:
        """Computes all values, and drops each after its last use; writes them where they are wanted."""
        alive: dict[int, Floats] = {}
        once = Tape(self.processor)
        for place, each in enumerate(self.order):
            tape.owner = each
            if isinstance(each, Fused):
                self._pass(tape, each, alive, sink)
            else:
                alive[each] = self._value(once if each in self.lasting else tape, each, alive)
                if sink is not None:
                    sink.take(tape, each, alive[each])
            for read in self.dropped[place]:
                alive.pop(read, None)
        return self._read(len(self.program.values) - 1, alive)

    def _pass(self, tape: Tape, each: Fused, alive: dict[int, Floats], sink: Sink | None) -> None:
        """Several element-wise instructions; one by one where they do not fit a pass."""
        fused = each if sink is None else self._whole(each)
        sources = [self._read(source, alive) for source in each.group.sources]
        results = None if fused is None else fused.run(tape, sources, sink)
        if results is not None:
            alive.update(zip(each.group.results, results, strict=True))
            return
        for member in each.group.members:
            alive[member] = self._value(tape, member, alive)
            if sink is not None:
                sink.take(tape, member, alive[member])

    def _elements(self, value: Value) -> Tensor:
        """The elements of a parameter or a constant."""
        constants = self.program.constants
        return constants[value.constant] if value.kind is Kind.CONSTANT else self.parameters[value.index]

    def _read(self, each: int, alive: dict[int, Floats]) -> Floats:
        """A value that is there, a constant or a parameter: (N or 1, *shape)."""
        if each in alive:
            return alive[each]
        value = self.program.values[each]
        key = value.constant if value.kind is Kind.CONSTANT else each
        found = self._floats.get(key)
        if found is None:
            found = self._floats[key] = self._elements(value)[np.newaxis].astype(np.float64, order="C")
        return found

    def _value(self, tape: Tape, each: int, alive: dict[int, Floats]) -> Floats:
        """A field, an answer or an instruction: (N or 1, *shape)."""
        value = self.program.values[each]
        if value.opcode is None:
            return self._source(tape, value)
        rule = self._linear if value.opcode in LINEAR else self._single
        done = rule(tape, each, alive)
        return self._by_rule(tape, each, alive) if done is None else done

    def _source(self, tape: Tape, value: Value) -> Floats:
        """The samples' elements, which another evaluation gives anew."""
        given = self._given
        result: Floats = tape.empty((given[0].count, *value.shape))
        tape.do(lambda own: np.copyto(own, given[0].of(value.kind, value.index)), result)
        return result

    def _single(self, tape: Tape, each: int, alive: dict[int, Floats]) -> Floats | None:
        """An instruction that is no sum of products; None where only the reference's rule does it."""
        step = self.steps[each]
        if each not in self.singles:
            group = Group([each], list(dict.fromkeys(step.value.inputs)), [each])
            self.singles[each] = Fused.of(self.program, group, self.steps)
        single = self.singles[each]
        if single is not None:
            done = single.run(tape, [self._read(source, alive) for source in single.group.sources])
            return None if done is None else done[0]
        rule = None if step.value.opcode is None else MOVEMENT.get(step.value.opcode)
        if rule is None:
            return None
        raw = rule(tape, step, [self._read(source, alive) for source in step.value.inputs])
        if raw is None or (step.raw.low >= step.value.low and step.raw.high <= step.value.high):
            return raw
        return limited(tape, raw, {"low": step.value.low, "high": step.value.high})

    def _linear(self, tape: Tape, each: int, alive: dict[int, Floats]) -> Floats | None:
        """A sum of products; None where only the reference's rule does it."""
        step, (x, w, *_) = self.steps[each], self.program.values[each].inputs
        if step.has_wide_margins:
            return None
        ready = self._prepared(step, alive) if self.lasting.issuperset(step.value.inputs[1:]) else None
        if isinstance(ready, Scaled):
            return convolve_depthwise(tape, step, self._read(x, alive), ready)
        if ready is not None:
            work = multiply if step.value.opcode is Opcode.MATMUL else convolve
            return work(tape, step, self._read(x, alive), ready)
        done = None
        if step.value.opcode is Opcode.MATMUL:
            done = multiply_batches(tape, step, self._read(x, alive), self._read(w, alive))
        return self._by_torch(tape, step, alive) if done is None else done

    def _prepared(self, step: Step, alive: dict[int, Floats]) -> Packed | Scaled | None:
        """Weights that are the same for all samples, ready for a kernel; None where none is for them."""
        own, value = step.value.inputs[1:], step.value
        key = (own, value.attributes, value.opcode)
        bounded = (key, step.magnitudes[0])
        if bounded not in self.exact:
            found = exact_weights(step, [self._narrow(each, alive) for each in own])
            self.exact[bounded] = found is not None
            if found is not None and key not in self.weights:
                is_scaled = value.opcode is Opcode.CONV and _is_depthwise(step)
                tape = Tape(self.processor)
                self.weights[key] = scaled(found) if is_scaled else packed(tape, found, narrows=True)
        return self.weights[key] if self.exact[bounded] else None

    def _narrow(self, each: int, alive: dict[int, Floats]) -> NDArray[Any]:
        """A value, with the type that it has without being touched: (N or 1, *shape)."""
        return alive[each] if each in alive else self._elements(self.program.values[each])[np.newaxis]

    def _by_rule(self, tape: Tape, each: int, alive: dict[int, Floats]) -> Floats:
        """An instruction by the reference's rule, in int64; GATHER's tables stay as they are."""
        value = self.program.values[each]
        inputs = [self._narrow(source, alive) for source in value.inputs]
        is_gather = value.opcode is Opcode.GATHER

        def work(result: Floats, *inputs: NDArray[Any]) -> None:
            wide = [
                one if is_gather and one.dtype == np.int32 else one.astype(np.int64, copy=False)
                for one in inputs
            ]
            result[...] = apply(value, wide)

        result: Floats = tape.empty((max(one.shape[0] for one in inputs), *value.shape))
        tape.do(work, result, *inputs)
        return result

    def _by_torch(self, tape: Tape, step: Step, alive: dict[int, Floats]) -> Floats:
        """A sum of products that no kernel carries."""
        inputs = [self._read(source, alive) for source in step.value.inputs]
        result: Floats = tape.empty((max(one.shape[0] for one in inputs), *step.value.shape))
        tape.do(import_module(_TORCH).on_arrays(step), result, *inputs)
        return result


@dataclass(frozen=True, slots=True)
class _Tracing:
    """What is done for the trace of any sample.

    Attributes:
        tape: The work.
        sink: Where it writes.
        packing: How that lies.
        given: Constants and parameters.
    """

    tape: Tape
    sink: Sink
    packing: Packing
    given: dict[int, Tensor]


def _is_depthwise(step: Step) -> bool:
    """Whether each output of a CONV reads one channel, and each channel is read for one output."""
    g = geometry(step.shapes, step.value.attributes)
    return 1 < g.groups == g.channels == g.outputs


def _order(
    program: Program, steps: dict[int, Step], users: dict[int, list[int]], lasting: frozenset[int]
) -> list[int | Fused]:
    """Values and passes; instructions that no pass can do stand by themselves."""
    found: list[int | Fused] = []
    for each in schedule(program, steps, users, lasting):
        fused = Fused.of(program, each, steps) if isinstance(each, Group) else None
        found.extend([each] if isinstance(each, int) else [fused] if fused else each.members)
    return [each for each in found if isinstance(each, Fused) or program.values[each].kind not in SHARED]


def _made(each: int | Fused) -> list[int]:
    """The values that a step of the order gives, or has inside."""
    return each.group.members if isinstance(each, Fused) else [each]


def _dropped(program: Program, order: Sequence[int | Fused], users: dict[int, list[int]]) -> list[list[int]]:
    """For each place of the order the values that nothing behind it reads; the output is none of them."""
    places = {each: place for place, some in enumerate(order) for each in _made(some)}
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
