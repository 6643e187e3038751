"""Answers come from any engine, and are close to the exact outputs."""

import logging
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper
from torch import Tensor

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.importing.network import Network, import_network
from anh_rollup.importing.onnx_file import decode_model
from anh_rollup.importing.runnable import runnable
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import Answers, closeness, decisions, near_largest
from anh_rollup.training import answering
from anh_rollup.training.answering import ENGINES, ORT_EXCEPTIONS, SAMPLES_AT_ONCE, Run, answer
from anh_rollup.training.errors import AnsweringError
from anh_rollup.training.onnx_graph import to_onnx
from scripts import digits
from tests.unit.importing.graphs import model_of, node

T = TypeVar("T")


def network() -> Program:
    """Two dense layers on two numbers."""
    b = ProgramBuilder()
    x = b.field((2,), scale=8, low=-1024, high=1023)
    hidden = b.linear(x, b.parameter((16, 2), scale=12), b.parameter((16,), scale=12), low=0, scale=12)
    return b.build(b.linear(hidden, b.parameter((3, 16), scale=12), b.parameter((3,), scale=12)))


def model(program: Program) -> list[Elements]:
    """Random parameters, small enough that nothing saturates."""
    rng = np.random.default_rng(3)
    return [rng.integers(-3000, 3000, each.shape, dtype=np.int32) for each in program.parameters]


def points(count: int) -> Dataset:
    """Random samples."""
    rng = np.random.default_rng(4)
    return Dataset((rng.integers(-1024, 1023, (count, 2), dtype=np.int32),))


def varying_kernel() -> tuple[Program, Dataset]:
    """A program that no engine takes: each sample brings its own kernel."""
    b = ProgramBuilder()
    x = b.field((4, 4, 1), low=0, high=9)
    program = b.build(b.conv2d(x, b.field((2, 3, 3, 1), low=0, high=9)))
    return program, Dataset((np.ones((3, 4, 4, 1), np.int32), np.ones((3, 2, 3, 3, 1), np.int32)))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("count", [1, SAMPLES_AT_ONCE + 44])
def test_answers_are_the_exact_outputs_within_a_tolerance(engine: str, count: int) -> None:
    architecture, data = network(), points(count)
    parameters = model(architecture)
    answers = answer(architecture, data, parameters, engine)
    assert [(each.dtype, each.shape) for each in answers] == [(np.dtype(np.int32), (count, 3))]
    sources = Sources(data.fields, answers, tuple(parameters))
    assert ReferenceEvaluator().evaluate(closeness(architecture, 2), sources).tolist() == [1] * count


def test_so_many_samples_are_answered_at_once_as_there_is_memory_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    architecture, data = network(), points(5)
    parameters, engine = model(architecture), ENGINES["torch"]
    size, taken = sum(value.size for value in architecture.values), []

    def counted(program: Program, given: Sequence[Elements]) -> Run:
        run = engine(program, given)

        def counting(fields: Sequence[Tensor]) -> Tensor:
            taken.append(len(fields[0]))
            return run(fields)

        return counting

    monkeypatch.setattr(answering, "ENGINES", {"counted": counted})
    for elements in (1, 2 * size, 3 * size - 1, 9 * size):
        monkeypatch.setattr(answering, "ELEMENTS_AT_ONCE", elements)
        answer(architecture, data, parameters, "counted")
    assert taken == [1] * 5 + [2, 2, 1] * 2 + [5]


@pytest.mark.parametrize("engine", ENGINES)
def test_an_answer_that_no_sample_changes_is_given_for_every_sample(engine: str) -> None:
    b = ProgramBuilder()
    b.field((2,), low=-1024, high=1023)
    architecture = b.build(b.parameter((2,), scale=3) * 2)
    (answers,) = answer(architecture, points(5), [np.array([7, -9], dtype=np.int32)], engine)
    assert answers.tolist() == [[14, -18]] * 5


@pytest.mark.parametrize("engine", ENGINES)
def test_a_model_of_another_architecture_is_refused(engine: str) -> None:
    with pytest.raises(AnsweringError) as refused:
        answer(network(), points(5), [np.zeros((16, 1), np.int32)], engine)
    assert refused.value.reason == (
        "parameters of the shapes [(16, 1)] for a program with [(16, 2), (16,), (3, 16), (3,)]"
    )


def imported() -> tuple[Network, bytes, Dataset]:
    """A network that computes in float32 what no table holds exactly, its file, and samples."""
    rng = np.random.default_rng(6)
    nodes = [node("MatMul", "x w", "h"), node("Tanh", "h")]
    source = model_of(nodes, {"x": (1, 4)}, {"w": rng.normal(size=(4, 3)).astype(np.float32)})
    samples = {"x": rng.normal(size=(SAMPLES_AT_ONCE + 9, 4)).astype(np.float32)}
    made = import_network(source, samples=samples)
    file = runnable(source, made.record)
    assert file is not None
    return made, file, Dataset(made.quantized(samples))


def test_an_imported_network_answers_by_itself() -> None:
    made, file, data = imported()
    (answers,) = answer(made.program, data, made.emitted.parameters, network=file)
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    real = np.ldexp(data.fields[0], -made.program.fields[0].scale).astype(np.float32)
    expected = np.concatenate([session.run(None, {"x": each[None]})[0] for each in real])
    scaled = np.rint(np.ldexp(expected.astype(np.float64), made.program.output.scale))
    assert np.array_equal(answers, scaled)
    by_program = answer(made.program, data, made.emitted.parameters)
    assert not np.array_equal(answers, by_program[0])
    for engine in ("torch", "onnxruntime"):
        chosen = answer(made.program, data, made.emitted.parameters, engine, network=file)
        assert np.array_equal(chosen[0], answer(made.program, data, made.emitted.parameters, engine)[0])


def test_decisions_of_an_imported_network_are_those_of_its_scores() -> None:
    made, file, data = imported()
    decided = runnable(decode_model(file), made.record, Answers.DECISIONS)
    (answers,) = answer(decisions(made.program), data, made.emitted.parameters, network=decided)
    (scores,) = answer(made.program, data, made.emitted.parameters, network=file)
    assert np.array_equal(answers, scores.argmax(-1))
    (by_program,) = answer(decisions(made.program), data, made.emitted.parameters)
    sources = Sources(data.fields, (by_program,), made.emitted.parameters)
    judged = ReferenceEvaluator().evaluate(near_largest(made.program, 2**12), sources)
    assert judged.tolist() == [1] * data.count


def test_the_program_answers_where_its_network_cannot_be_run(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    made, _, data = imported()
    (answers,) = answer(made.program, data, made.emitted.parameters, network=b"no network")
    assert np.array_equal(answers, answer(made.program, data, made.emitted.parameters)[0])
    assert caplog.messages[0].startswith("answering by the program: onnxruntime refuses it: ")


def test_the_program_answers_samples_that_its_network_gives_no_number_for(
    caplog: pytest.LogCaptureFixture,
) -> None:
    # What calibration did not show: an index beyond the table, and 0 / 0.
    caplog.set_level(logging.INFO)
    table = np.arange(12, dtype=np.float32).reshape(6, 2)
    lookup = model_of([node("Gather", "t i")], {"i": (1, 3)}, {"t": table}, dtype=TensorProto.INT64)
    ratio = model_of([node("Div", "x x")], {"x": (1, 4)})
    shown = {"i": np.array([[0, 1, 5], [4, 2, 3]]), "x": np.ones((2, 4), np.float32)}
    for source, name, asked, word in (
        (lookup, "i", 6, "onnxruntime refuses it"),
        (ratio, "x", 0, "not finite"),
    ):
        made = import_network(source, samples={name: shown[name]})
        data = Dataset((np.full((2, *made.program.fields[0].shape), asked, np.int32),))
        (answers,) = answer(
            made.program, data, made.emitted.parameters, network=runnable(source, made.record)
        )
        assert np.array_equal(answers, answer(made.program, data, made.emitted.parameters)[0])
        assert word in caplog.messages.pop()
        caplog.clear()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint32, np.uint64, np.int64])
def test_networks_of_integers_answer(dtype: type[np.generic], caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(dtype))
    source = model_of([node("Cast", "x", "y", to=TensorProto.FLOAT)], {"x": (1, 4)}, dtype=kind)
    samples = {"x": np.arange(8).reshape(2, 4).astype(dtype)}
    made = import_network(source, samples=samples)
    data = Dataset(made.quantized(samples))
    (answers,) = answer(made.program, data, made.emitted.parameters, network=runnable(source, made.record))
    assert np.ldexp(answers, -made.program.output.scale).tolist() == samples["x"].tolist()
    assert caplog.messages == []


def test_whoever_waits_sees_every_group_of_samples() -> None:
    seen: list[tuple[str, int]] = []

    def watch(parts: Sequence[T], work: str, /) -> Iterator[T]:
        for part in parts:
            yield part
            seen.append((work, len(parts)))

    architecture = network()
    answer(architecture, points(2 * SAMPLES_AT_ONCE + 1), model(architecture), watch=watch)
    assert seen == [("answering", 3)] * 3


def test_the_demo_networks_graph_is_one_that_onnx_checks() -> None:
    architecture = digits.architecture()
    graph = to_onnx(architecture, model(architecture))
    onnx.checker.check_model(graph, full_check=True)
    assert [each.name for each in graph.graph.input] == ["field_0"]
    assert {"Conv", "MatMul", "ReduceMax"} <= {node.op_type for node in graph.graph.node}


def test_onnxruntime_answers_unless_torch_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    sessions: list[int] = []
    real = onnxruntime.InferenceSession

    def counted(*given: object, **named: object) -> object:
        sessions.append(1)
        return real(*given, **named)

    monkeypatch.setattr(onnxruntime, "InferenceSession", counted)
    made = [(answer(network(), points(2), model(network()), each), len(sessions)) for each in ENGINES]
    assert [count for _, count in made] == [1, 2, 2]


def test_torch_answers_what_the_onnx_graph_cannot_hold(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    monkeypatch.setattr(answering, "MOST_ONNX_PARAMETERS", 50)
    architecture, data = network(), points(3)
    parameters = model(architecture)
    (by_torch,) = answer(architecture, data, parameters, "torch")
    (either,) = answer(architecture, data, parameters, "auto")
    assert either.tobytes() == by_torch.tobytes()
    assert caplog.messages == ["answering with torch: the model is larger than an ONNX file can be"]
    with pytest.raises(AnsweringError) as refused:
        answer(architecture, data, parameters, "onnxruntime")
    assert refused.value.remedy == "Answer with torch."


def test_torch_answers_what_onnxruntime_takes_long_to_load(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    architecture, data = network(), points(3)
    count = len(architecture.values)
    monkeypatch.setattr(answering, "MOST_ONNX_VALUES", count - 1)
    (either,) = answer(architecture, data, model(architecture))
    assert caplog.messages == [f"answering with torch: the program has {count} values"]
    assert np.array_equal(either, answer(architecture, data, model(architecture), "torch")[0])


def test_what_no_engine_takes_is_refused_by_name() -> None:
    program, data = varying_kernel()
    with pytest.raises(AnsweringError) as refused:
        answer(program, data, [], "auto")
    assert refused.value.message == (
        "answering is not possible: a convolution whose kernel differs from sample to sample"
    )


@pytest.mark.parametrize("kind", ORT_EXCEPTIONS)
def test_torch_answers_what_onnxruntime_refuses(
    monkeypatch: pytest.MonkeyPatch, kind: type[Exception]
) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise kind("no such kernel")

    data, parameters = points(3), model(network())
    monkeypatch.setattr(onnxruntime, "InferenceSession", refuse)
    (by_torch,) = answer(network(), data, parameters, "torch")
    (either,) = answer(network(), data, parameters, "auto")
    assert either.tobytes() == by_torch.tobytes()
    with pytest.raises(AnsweringError, match=r"^answering is not possible: onnxruntime refuses it: no such"):
        answer(network(), data, parameters, "onnxruntime")


def test_onnxruntimes_exceptions_are_all_known() -> None:
    names = {each.__name__ for each in ORT_EXCEPTIONS}
    assert {"Fail", "InvalidArgument", "InvalidGraph", "NotImplemented", "RuntimeException"} <= names


def test_a_graph_that_is_none_is_refused_by_onnxruntime_itself(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = onnx.helper.make_model(onnx.helper.make_graph([], "nothing", [], []))
    monkeypatch.setattr(answering, "to_onnx", lambda *_: empty)
    with pytest.raises(AnsweringError) as refused:
        answer(network(), points(3), model(network()), "onnxruntime")
    assert refused.value.remedy == "Answer with torch."
