"""A property over artifacts that hold more than its program reads, and the ways from their roots."""

import tracemalloc

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.merkle import root_from_proof
from anh_rollup.evaluation import properties
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.properties import Artifacts, evaluate_property
from anh_rollup.evaluation.reference import ReferenceEvaluator, ReferenceProgram
from anh_rollup.evaluation.tensor_forest import TensorForest
from anh_rollup.protocol.game import TensorPath
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Kind, Program

COUNT = 3
FIELD = np.array([[1, -5], [5, 0], [2, 2]], dtype=np.int32)
ANSWER = np.array([[0, 1], [-1, 0], [1, 1]], dtype=np.int32)
PARAMETER = np.array([0, 9], dtype=np.int32)
SPARE = np.array([99, 99, 99], dtype=np.int32)


def program() -> Program:
    b = ProgramBuilder()
    x = b.field((2,), low=-5, high=5)
    weighted = x * b.parameter((2,), low=0, high=9) + b.answer((2,), low=-1, high=1)
    return b.build(b.sum(weighted))


def artifacts(spare: tuple[np.ndarray, ...] = ()) -> Artifacts:
    """What the program reads, with `spare` arrays behind it in all three."""
    return Artifacts(
        program(), Dataset([FIELD, *spare]), Dataset([ANSWER, *spare]), Model([PARAMETER, *spare])
    )


def test_scores_are_those_of_the_evaluation() -> None:
    expected = (FIELD.astype(np.int64) * PARAMETER + ANSWER).sum(axis=1)

    evaluated = evaluate_property(artifacts(), ReferenceEvaluator())
    assert evaluated.scores.scores.tolist() == expected.tolist()


def test_spare_fields_and_tensors_change_no_score_and_no_trace() -> None:
    """L1 reads sources by their index and never sees what lies behind them; neither may we refuse it."""
    plain = evaluate_property(artifacts(), ReferenceEvaluator())
    spare = evaluate_property(artifacts((SPARE,)), ReferenceEvaluator())

    assert spare.scores.root == plain.scores.root
    for sample in range(COUNT):
        assert spare.trace_of(sample).tree.root == plain.trace_of(sample).tree.root


@pytest.mark.parametrize(("traced", "prepared"), [(True, 1), (False, 0)])
def test_what_traces_share_is_prepared_only_where_games_may_ask(
    monkeypatch: pytest.MonkeyPatch, traced: bool, prepared: int
) -> None:
    made: list[int] = []
    monkeypatch.setattr(ReferenceProgram, "prepare_traces", lambda _: made.append(1))
    expected = evaluate_property(artifacts(), ReferenceEvaluator(), traced=False)
    evaluated = evaluate_property(artifacts(), ReferenceEvaluator(), traced=traced)

    assert len(made) == prepared
    assert evaluated.trace_of(1).tree.root == expected.trace_of(1).tree.root


@pytest.mark.parametrize("lacking", ["field", "answer", "parameter"])
def test_what_lacks_a_source_is_refused(lacking: str) -> None:
    held = Artifacts(
        program(),
        Dataset([FIELD]),
        None if lacking == "answer" else Dataset([ANSWER]),
        None if lacking == "parameter" else Model([PARAMETER]),
    )
    if lacking == "field":
        held = Artifacts(program(), Dataset([FIELD[:, :1]]), held.answers, held.model)

    with pytest.raises(SourcesRefusedError) as refused:
        evaluate_property(held, ReferenceEvaluator())
    assert refused.value.source.startswith(lacking)


def test_paths_lead_from_the_roots_to_the_tensors_spare_ones_included() -> None:
    held = artifacts((SPARE,))
    values = {source.kind: value for value, source in enumerate(held.program.values)}
    model, answers, dataset = held.model, held.answers, held.dataset
    assert model is not None
    assert answers is not None

    parameter = held.path(values[Kind.PARAMETER], 1)
    assert (parameter.count, parameter.tree_root, parameter.tensors) == (
        2, model.tree.root, (model.tensors[0].root,),
    )  # fmt: skip
    assert root_from_proof(parameter.tensors[0], 0, parameter.proof, 1) == model.tree.root
    for kind, source in ((Kind.FIELD, dataset), (Kind.ANSWER, answers)):
        assert held.path(values[kind], 1) == TensorPath(
            COUNT, source.tree.root, source.tensors(1), tuple(source.tree.proof(1))
        )


def test_an_instruction_has_no_path_to_artifacts() -> None:
    held = artifacts()

    assert held.path(len(held.program.values) - 1, 0) == TensorPath(0, bytes(32), (), ())


def test_a_parameters_tree_is_built_once_for_all_samples() -> None:
    evaluated = evaluate_property(artifacts(), ReferenceEvaluator())
    value = evaluated.program.source_ids(Kind.PARAMETER)[0]
    first, second = evaluated.trace_of(0), evaluated.trace_of(1)

    assert first.tensors[value] is second.tensors[value]
    assert evaluated.trace_of(1) is second


@pytest.mark.parametrize(("kept", "again"), [(3, 0), (2, 1), (1, 2), (0, 2)])
def test_so_many_traces_are_kept_as_there_is_room_for(
    monkeypatch: pytest.MonkeyPatch, kept: int, again: int
) -> None:
    monkeypatch.setattr(properties, "MOST_KEPT", kept * properties.trace_bytes(program()))
    evaluated = evaluate_property(artifacts(), ReferenceEvaluator())
    before = [evaluated.trace_of(sample) for sample in (0, 1, 2)]
    after = [evaluated.trace_of(sample) for sample in (2, 1, 0)][::-1]

    assert sum(one is not two for one, two in zip(before, after, strict=True)) == again


@pytest.mark.parametrize(("kept", "ready"), [(5, [0, 1]), (3, [0, 1]), (2, [0]), (1, [])])
def test_memory_is_made_ready_for_the_next_trace_where_there_is_room_and_a_sample_left(
    monkeypatch: pytest.MonkeyPatch, kept: int, ready: list[int]
) -> None:
    made: list[int] = []
    monkeypatch.setattr(properties, "MOST_KEPT", kept * properties.trace_bytes(program()))
    monkeypatch.setattr(properties, "do_aside", lambda work: work())
    evaluated = evaluate_property(artifacts(), ReferenceEvaluator())
    for sample in (0, 1, 2):
        monkeypatch.setattr(ReferenceProgram, "prepare_traces", lambda _, sample=sample: made.append(sample))
        evaluated.trace_of(sample)
        evaluated.trace_of(sample)

    assert made == ready


def test_a_trace_takes_the_place_of_the_one_that_makes_room_for_it(monkeypatch: pytest.MonkeyPatch) -> None:
    expected = evaluate_property(artifacts(), ReferenceEvaluator())
    wanted = [expected.trace_of(sample).tree.root for sample in (0, 1, 2)]
    monkeypatch.setattr(properties, "MOST_KEPT", 2 * properties.trace_bytes(program()))
    monkeypatch.setattr(properties, "do_aside", lambda work: work())
    evaluated, places = evaluate_property(artifacts(), FastEvaluator()), set[tuple[int, int]]()
    for sample in (0, 1, 2, 0, 1, 2, 1, 0):
        trace = evaluated.trace_of(sample)
        assert trace.tree.root == wanted[sample]
        assert isinstance(trace.tensors, TensorForest)
        places.add((trace.tensors.packed.rows.ctypes.data, trace.tensors.nodes.ctypes.data))
        del trace
    assert len(places) == 2


def test_a_trace_is_counted_with_its_trees_however_small_its_values_are() -> None:
    b = ProgramBuilder()
    x = b.field((), low=0, high=1)
    for _ in range(2_000):
        x = b.add(x, 0, low=0, high=1)
    scored = b.build(x)
    evaluated = evaluate_property(
        Artifacts(scored, Dataset([np.ones(COUNT, np.int32)]), None, None), ReferenceEvaluator()
    )
    evaluated.trace_of(0)
    tracemalloc.start()
    kept = [evaluated.trace_of(sample) for sample in (1, 2)]
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert taken <= len(kept) * properties.trace_bytes(scored) <= 4 * taken
