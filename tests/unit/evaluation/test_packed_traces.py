"""What only renames a value lies with it in a trace; what moves, picks or clamps elements does not."""

import tracemalloc

import numpy as np
import pytest
from numpy.typing import NDArray

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.evaluation import compiled_program
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.packed_traces import packed_chunks, packed_values
from anh_rollup.evaluation.pass_kernel import DIMS
from anh_rollup.evaluation.properties import (
    Artifacts,
    evaluate_property,
    prepared_bytes,
    trace_bytes,
    trace_rows,
)
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.spare_memory import SpareMemory
from anh_rollup.evaluation.tensor_forest import PackedTensors, TensorForest
from anh_rollup.protocol.evaluated import Trace
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Program
from tests.doubles.evaluators import same, same_trace
from tests.doubles.small_program import random_fields, random_parameters, small_program

FIELD = np.arange(3 * 4 * 24, dtype=np.int32).reshape(3, 4, 24)

#: Ids of the values of `views`.
RENAMED = {1: 0, 2: 0, 3: 0}


def views() -> Program:
    """A field, three values that rename it, and five that do more."""
    b = ProgramBuilder()
    x = b.field((4, 24), low=0, high=300)
    flat = b.reshape(x, (96,))
    shown = [
        flat,
        b.view(flat, (1, 96), strides=(7, 1)),
        b.reshape(x, (2, 2, 24)),
        b.emit(Opcode.VIEW, (x,), (0, 1, 96, 1), shape=(96,), low=0, high=200),
        b.transpose(x),
        b.view(x, (95,), offset=1, strides=(1,)),
        b.view(x, (2, 96), strides=(0, 1)),
        b.view(x, (96,), dims=(96,), offset=95, strides=(-1,)),
    ]
    total = b.sum(shown[0])
    for each in shown[1:]:
        total = total + b.sum(each)
    return b.build(total)


def test_what_only_renames_a_value_has_no_elements_of_its_own() -> None:
    program = views()
    shapes, renamed = packed_values(program)
    assert (set(shapes), renamed) == (set(range(len(program.values))), RENAMED)
    assert sum(packed_chunks(program)) == 3 + 3 + 3 + 3 + 6 + 3 + 15
    assert trace_rows(program) == 2 * sum(packed_chunks(program))


def test_traces_with_renamed_values_are_the_references() -> None:
    same(views(), Sources((FIELD,)))


def test_what_lies_in_more_dimensions_than_a_pass_has_is_in_traces_too() -> None:
    b = ProgramBuilder()
    x = b.field((2,) * (DIMS + 1), low=-9, high=9)
    turned = b.transpose(x)
    program = b.build(b.sum(b.add(b.add(turned, x), turned)))
    elements = np.arange(-64, 64, dtype=np.int32).reshape(2, *program.fields[0].shape) % 10
    same(program, Sources((elements,)))


@pytest.mark.parametrize("evaluator", [FastEvaluator(), ReferenceEvaluator()])
def test_roots_and_trees_are_those_of_each_tensor_by_itself(
    evaluator: FastEvaluator | ReferenceEvaluator,
) -> None:
    program = views()
    evaluated = evaluate_property(Artifacts(program, Dataset([FIELD]), None, None), evaluator)
    for sample in (2, 0):
        trace = evaluated.trace_of(sample)
        tensors = ReferenceEvaluator().trace(program, Sources((FIELD,)), sample)
        wanted = Trace.of([TensorTree(each) for each in tensors])
        assert trace.tree.nodes(0) == wanted.tree.nodes(0)
        assert [each.opening([0]) for each in trace.tensors] == [each.opening([0]) for each in wanted.tensors]
        same_trace(trace.elements, wanted.elements)
        assert trace.score == wanted.score
        for value, source in RENAMED.items():
            assert np.shares_memory(trace.elements[value], trace.elements[source])


def test_a_changed_trace_differs_in_what_was_changed_alone() -> None:
    program = views()
    evaluated = evaluate_property(Artifacts(program, Dataset([FIELD]), None, None), FastEvaluator())
    trace = evaluated.trace_of(1)
    wrong = trace.elements[1] + np.int32(1)
    changed = trace.changed({1: wrong})
    assert changed.elements[0].tolist() == trace.elements[0].tolist()
    assert changed.elements[1:3][0].tolist() == wrong.tolist()
    assert changed.tensors[-1].root == trace.tensors[-1].root
    roots = [*trace.tree.nodes(0)]
    roots[1] = TensorTree(wrong).root
    assert changed.tree.nodes(0) == roots


def test_a_trace_stays_what_it_was_when_others_are_computed_on_the_same_noted_work() -> None:
    program, parameters = small_program(), random_parameters(small_program(), 0)
    fields = random_fields(program, 4, 1)
    loaded = FastEvaluator().load(program, parameters)
    loaded.evaluate(fields)
    loaded.prepare_traces()
    traces = []
    for sample in range(4):
        traces.append(loaded.trace(sample, fields))
        loaded.evaluate(random_fields(program, 4, sample))
    for sample, ours in enumerate(traces):
        same_trace(ours, ReferenceEvaluator().trace(program, Sources(fields, (), parameters), sample))


@pytest.mark.parametrize(("most", "kept"), [(compiled_program.MOST_NOTED, True), (0, False)])
def test_work_for_traces_stays_noted_where_it_takes_little_memory(
    monkeypatch: pytest.MonkeyPatch, most: int, kept: bool
) -> None:
    monkeypatch.setattr(compiled_program, "MOST_NOTED", most)
    program, parameters = small_program(), random_parameters(small_program(), 0)
    fields = random_fields(program, 2, 1)
    loaded = FastEvaluator().load(program, parameters)
    assert isinstance(loaded, CompiledProgram)
    for sample in (0, 1, 0):
        wanted = ReferenceEvaluator().trace(program, Sources(fields, (), parameters), sample)
        same_trace(loaded.trace(sample, fields), wanted)
    assert (loaded._traced is not None) == kept


def lasting(count: int, size: int) -> Program:
    """A field, beside a chain of values that no sample changes."""
    b = ProgramBuilder()
    x, same = b.field((), low=0, high=300), b.view(b.constant(np.ones(1, np.int32)), (size,), strides=(0,))
    for _ in range(count):
        same = b.emit(Opcode.SHIFT, (same,), (0,), shape=(size,), low=0, high=1)
    return b.build(b.sum(same) + x)


@pytest.mark.parametrize(("most", "kept"), [(9 * 8 * 4096 + 1000, True), (8 * 8 * 4096, False)])
def test_values_that_no_sample_changes_count_where_work_for_traces_stays_noted(
    monkeypatch: pytest.MonkeyPatch, most: int, kept: bool
) -> None:
    monkeypatch.setattr(compiled_program, "MOST_NOTED", most)
    program, fields = lasting(8, 4096), (np.arange(2, dtype=np.int32),)
    loaded = FastEvaluator().load(program, ())
    assert isinstance(loaded, CompiledProgram)
    loaded.evaluate(fields)
    loaded.prepare_traces()
    same_trace(loaded.trace(1, fields), ReferenceEvaluator().trace(program, Sources(fields), 1))
    assert (loaded._traced is not None) == kept


@pytest.mark.parametrize("most", [compiled_program.MOST_NOTED, 0])
def test_traces_are_prepared_once(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    looked, tracing = list[int](), CompiledProgram._tracing

    def counted(loaded: CompiledProgram) -> object:
        looked.append(1)
        return tracing(loaded)

    monkeypatch.setattr(compiled_program, "MOST_NOTED", most)
    monkeypatch.setattr(CompiledProgram, "_tracing", counted)
    loaded = FastEvaluator().load(small_program(), random_parameters(small_program(), 0))
    loaded.prepare_traces()
    loaded.prepare_traces()
    assert looked == [1]


def test_memory_is_ready_for_each_trace_that_was_prepared(monkeypatch: pytest.MonkeyPatch) -> None:
    program, parameters = small_program(), random_parameters(small_program(), 0)
    fields = random_fields(program, 2, 1)
    loaded, written, made = FastEvaluator().load(program, parameters), SpareMemory._written, list[int]()
    traces = []

    def counted(memory: SpareMemory) -> object:
        made.append(1)
        return written(memory)

    monkeypatch.setattr(SpareMemory, "_written", counted)
    for sample in (0, 1):
        loaded.prepare_traces()
        made.clear()
        tensors = loaded.trace(sample, fields)
        assert isinstance(tensors, PackedTensors)
        traces.append(TensorForest(tensors, {}))
        assert made == []


def test_traces_use_the_memory_of_evaluations() -> None:
    program, parameters = small_program(), random_parameters(small_program(), 0)
    loaded = FastEvaluator().load(program, parameters)
    assert isinstance(loaded, CompiledProgram)
    loaded.evaluate(random_fields(program, 2, 1))
    loaded.prepare_traces()
    assert loaded._traced is not None
    traced, evaluated = loaded._traced.tape.arena, loaded._tapes[2][0].arena
    assert traced is not None
    assert evaluated is not None
    assert traced._chunks is evaluated._chunks


def test_what_is_prepared_for_traces_is_counted_roughly() -> None:
    b = ProgramBuilder()
    x = b.field((4, 24), low=0, high=300)
    for _ in range(100):
        x = b.add(b.transpose(b.transpose(x)), b.max(x), low=0, high=300)
    check_prepared(b.build(b.sum(x)), FIELD)


def test_what_no_sample_changes_is_counted_roughly() -> None:
    check_prepared(lasting(100, 4096), np.ones(2, np.int32))


def check_prepared(program: Program, field: NDArray[np.int32]) -> None:
    """Compares what is counted with what a preparation takes."""
    loaded = FastEvaluator().load(program, ())
    loaded.evaluate([field])
    tracemalloc.start()
    loaded.prepare_traces()
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # With the memory of the first trace.
    assert taken / 2 < prepared_bytes(program) + trace_bytes(program) < 2 * taken
