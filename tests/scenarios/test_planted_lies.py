"""Lies anywhere in the trace of an inference, refuted on a real chain for no more than was foretold."""

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.dispute_cost import cost_at
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.importing.network import import_network
from anh_rollup.l1.deployment import Rules
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import closeness
from benchmarks.dispute_ground import Ground, Inference, Times, played
from benchmarks.planted_lies import Lie
from tests.doubles.small_program import random_fields, random_parameters
from tests.scenarios.programs import every_kind_program
from tests.unit.importing.graphs import model_of, node

pytestmark = pytest.mark.anvil

SAMPLES = 3


def asked(architecture: Program, fields: Sequence[Elements], parameters: Sequence[Elements]) -> Inference:
    """A job whose answers are all too high."""
    sources = Sources(tuple(fields), (), tuple(parameters))
    true = ReferenceEvaluator().evaluate(architecture, sources)
    return Inference(architecture, closeness(architecture, 2), Model(parameters), Dataset(fields), true + 3)


@contextmanager
def ground(inference: Inference, jobs: int) -> Iterator[Ground]:
    with (
        tempfile.TemporaryDirectory(prefix="anh-planted-") as folder,
        ProcessGroup(Path(folder) / "logs") as processes,
    ):
        network = LocalNetwork(Path(folder), processes, rules=Rules(), block_seconds=None)
        network.start_l1()
        yield Ground(network, inference, jobs)


def refute_all(inference: Inference, lies: Sequence[Lie]) -> None:
    """Has every lie refuted, by no more moves and gas than foretold, and no fewer moves.

    Raises:
        AssertionError: It was another number of moves, or more gas.
    """
    with ground(inference, len(lies)) as table:
        accounts = table.network.accounts
        for lie in lies:
            calls = table.refute(lie, Times())
            most = cost_at(inference.score, lie.value, samples=SAMPLES)
            sides = (("challenger", most.challenger), ("dishonest accountant", most.accountant))
            for name, limit in sides:
                side = played(calls, str(accounts[name].address))
                assert side.moves == limit.moves, (lie, name)
                assert 0.6 * limit.gas < side.gas <= limit.gas, (lie, name)


def imported() -> Inference:
    """A convolution over 600 terms, a normalization, and a table, from ONNX."""
    rng = np.random.default_rng(3)
    weights = {
        "k": rng.normal(size=(6, 24, 5, 5)).astype(np.float32) / 25,
        "s": np.ones(6, np.float32),
        "o": np.zeros(6, np.float32),
    }
    nodes = [
        node("Conv", "x k", "c", pads=[2, 2, 2, 2]),
        node("InstanceNormalization", "c s o", "n"),
        node("Tanh", "n"),
    ]
    samples = {"x": rng.normal(size=(8, 24, 9, 9)).astype(np.float32)}
    network = import_network(model_of(nodes, {"x": (1, 24, 9, 9)}, weights), samples=samples)
    fields = network.quantized({"x": samples["x"][:SAMPLES]})
    return asked(network.program, fields, network.emitted.parameters)


def test_a_lie_in_a_convolution_of_an_imported_network_is_refuted_for_what_was_foretold() -> None:
    inference = imported()
    kinds = [value.opcode for value in inference.score.values]
    refute_all(inference, [Lie(1, kinds.index(Opcode.CONV), 77)])


@pytest.mark.slow
def test_a_lie_in_each_instruction_of_an_imported_network_is_refuted() -> None:
    inference = imported()
    values = inference.score.values
    refute_all(
        inference, [Lie(2, at, value.size - 1) for at, value in enumerate(values) if value.opcode is not None]
    )


@pytest.mark.slow
def test_a_lie_in_an_instruction_of_each_kind_is_refuted() -> None:
    program = every_kind_program()
    inference = asked(program, random_fields(program, SAMPLES, 6), random_parameters(program, 5))
    values = inference.score.values
    refute_all(inference, [Lie(0, at, value.size // 2) for at, value in enumerate(values) if value.opcode])


@pytest.mark.parametrize("inputs", [24, pytest.param(120, marks=pytest.mark.slow)])
def test_a_lie_in_a_concatenation_is_refuted_for_what_was_foretold(inputs: int) -> None:
    b = ProgramBuilder()
    x = b.add(b.field((40,), low=-9_000, high=9_000), b.parameter((), low=0, high=9))
    program = b.build(b.max(b.concat([b.add(x, each) for each in range(inputs)])))
    inference = asked(program, random_fields(program, SAMPLES, 1), (np.array(1, dtype=np.int32),))
    chosen = next(at for at, each in enumerate(program.values) if each.opcode is Opcode.CONCAT)
    refute_all(inference, [Lie(1, chosen, 500)])


@pytest.mark.slow
@pytest.mark.parametrize("way", ["sum", "max", "argmax"])
@pytest.mark.parametrize("axis", [0, 1])
def test_a_lie_in_a_reduction_of_many_terms_is_refuted(way: str, axis: int) -> None:
    shape = (600, 20) if axis == 0 else (20, 33_000)
    b = ProgramBuilder()
    x = b.add(b.field(shape, low=-9_000, high=9_000), b.parameter((), low=0, high=9))
    folds = {"sum": b.sum, "max": b.max, "argmax": b.argmax}
    program = b.build(b.add(folds[way](x, axis), 1))
    inference = asked(program, random_fields(program, SAMPLES, 1), (np.array(1, dtype=np.int32),))
    chosen = next(at for at, each in enumerate(program.values) if each.opcode is Opcode.REDUCE)
    refute_all(inference, [Lie(1, chosen, 3), Lie(0, chosen, 19)])
