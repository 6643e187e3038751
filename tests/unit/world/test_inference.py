"""Networks in the middle of a contract's function: what an inference gives, costs and waits for."""

import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import Mock

import pytest
from eth_abi import decode

from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.publications import CALL_GAS, VALUE_GAS, WORD_GAS
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.world import inference
from anh_rollup.world.network_contract import INPUT_GAS, WORK_PER_GAS
from tests.doubles import small_program as small
from tests.doubles.networks import (
    DEADLINE,
    MODEL,
    PROGRAM,
    Networks,
    calldata,
    error,
    other_model,
    published,
    reshaped_model,
    sample,
    wanted,
)

PINNED_WORK = [534400, 4915264]


@pytest.fixture
def networks(tmp_path: Path) -> Networks:
    return Networks(tmp_path)


@pytest.mark.parametrize("seed", range(3))
def test_a_contract_infers_in_the_middle_of_a_function(networks: Networks, seed: int) -> None:
    x, answer = sample(seed)
    receipt = networks.world.receipt(*networks.send("ask", PROGRAM.root, MODEL.root, x))
    assert receipt is not None
    assert receipt.status
    assert list(networks.view("last", "int32[]")) == answer
    assert networks.view("steps", "uint256") == 11


def test_an_inference_costs_what_the_program_counts(networks: Networks) -> None:
    program = small.deep_program()
    networks.publish(published(program))
    data = calldata("infer", program.root, bytes(32), [-7])
    work = -(-multiply_adds(program, 1) // WORK_PER_GAS)
    values, inputs = len(program.values), sum(len(each.inputs) for each in program.values)
    price = CALL_GAS + WORD_GAS * -(-len(data) // 32) + VALUE_GAS * values + INPUT_GAS * inputs + work
    intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
    done = networks.run(DNN, data, gas=intrinsic + price)
    assert decode(["int32[]"], done.output)[0] == (-7,)
    assert done.gas_used == intrinsic + price
    assert networks.run(DNN, data, gas=intrinsic + price - 1).halt == "out of gas"


@dataclass
class Counting:
    """The reference, which counts how often it makes a network ready."""

    loads: int = 0

    def load(self, program: Program, parameters: Sequence[Tensor]) -> LoadedProgram:
        self.loads += 1
        return ReferenceEvaluator().load(program, parameters)


def test_a_heavy_network_waits_for_no_library(monkeypatch: pytest.MonkeyPatch) -> None:
    """The reference answers until the fast evaluator is there, and both give the same."""
    monkeypatch.setattr(inference, "LIGHT_WORK", 0)
    ready, fast = threading.Event(), Counting()

    def load() -> Counting:
        assert ready.wait(10)
        return fast

    tried = inference.Inference(load)
    fields = small.random_fields(PROGRAM, 1, 1)
    first = tried.evaluate(PROGRAM, MODEL.root, fields, lambda: MODEL).tolist()
    assert (first, fast.loads) == (sample(1)[1], 0)
    ready.set()
    while tried._fast is None:
        time.sleep(0.01)
    for _ in range(2):
        assert tried.evaluate(PROGRAM, MODEL.root, fields, lambda: MODEL).tolist() == first
    assert fast.loads == 1


@pytest.mark.parametrize(("pause", "loads"), [(0.0, 1), (3_600.0, 0)])
def test_an_evaluator_that_fails_to_load_is_told_and_tried_again_later(
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    pause: float,
    loads: int,
) -> None:
    """The reference answers meanwhile."""
    monkeypatch.setattr(inference, "LIGHT_WORK", 0)
    monkeypatch.setattr(inference, "RETRY_SECONDS", pause)
    fast = Counting()
    load = Mock(side_effect=[ImportError("no torch"), fast])
    tried = inference.Inference(load)
    fields = small.random_fields(PROGRAM, 1, 1)
    for _ in range(20):
        assert tried.evaluate(PROGRAM, MODEL.root, fields, lambda: MODEL).tolist() == sample(1)[1]
        # Whoever loads lets go of this once it is over.
        assert tried._loading.acquire(timeout=10)
        tried._loading.release()
    (told,) = [each for each in caplog.records if each.name == inference.__name__]
    assert "; next: " in told.getMessage()
    assert "no torch" in (told.exc_text or "")
    assert (load.call_count, fast.loads) == (1 + loads, loads)


def test_the_counted_work_is_part_of_the_rules() -> None:
    """Other counts are other gas: nodes with different ones would part."""
    assert [multiply_adds(each, 1) for each in (PROGRAM, small.deep_program())] == PINNED_WORK


def test_what_does_not_fit_reverts_with_a_typed_error(networks: Networks) -> None:
    x, _ = sample(1)
    unfit, reshaped = other_model(), reshaped_model()
    networks.publish(published(unfit), published(reshaped))
    low, high = PROGRAM.fields[0].low, PROGRAM.fields[0].high
    outside = [high + 1, *x[1:]]
    for given, expected in (
        ((PROGRAM.root, MODEL.root, x[1:]), error("WrongInputCount", "uint256,uint256", len(x) - 1, len(x))),
        (
            (PROGRAM.root, MODEL.root, outside),
            error("InputOutOfRange", "uint256,int32,int32,int32", 0, high + 1, low, high),
        ),
        *(
            ((PROGRAM.root, each.root, x), error("ModelUnfit", "bytes32,bytes32", PROGRAM.root, each.root))
            for each in (unfit, reshaped)
        ),
        ((PROGRAM.root, bytes(32), x), error("ModelUnfit", "bytes32,bytes32", PROGRAM.root, bytes(32))),
        ((PROGRAM.root, MODEL.root, x), b""),
    ):
        assert networks.view("refused", "bytes", *given) == expected


def test_malformed_calls_revert_with_a_typed_error(networks: Networks) -> None:
    x, _ = sample(1)
    sound = calldata("infer", PROGRAM.root, MODEL.root, x)
    dirty = bytearray(sound)
    dirty[4 + 4 * 32] = 1  # the first byte of the first element
    tells = calldata("published", PROGRAM.root)
    none = calldata("train", PROGRAM.root, [], DEADLINE, "")
    five = calldata("train", PROGRAM.root, wanted()[1] * 5, DEADLINE, "")
    for data, value, expected in (
        (b"", 0, error("UnknownFunction", "bytes4", bytes(4))),
        (b"abcdef", 0, error("UnknownFunction", "bytes4", b"abcd")),
        (sound[:100], 0, error("MalformedCall")),
        (sound[:-40], 0, error("MalformedCall")),
        (bytes(dirty), 0, error("MalformedCall")),
        (sound, 7, error("ValueRefused", "uint256", 7)),
        (tells, 7, error("ValueRefused", "uint256", 7)),
        (tells[:-1], 0, error("MalformedCall")),
        (none[:-1], 7, error("MalformedCall")),
        (none, 7, error("WrongPropertyCount", "uint256", 0)),
        (five, 7, error("WrongPropertyCount", "uint256", 5)),
        (calldata("train", *wanted("u" * 513)), 7, error("UriTooLong", "uint256", 513)),
    ):
        outcome = networks.run(DNN, data, value)
        assert (outcome.succeeded, outcome.halt, outcome.output) == (False, None, expected)
        assert outcome.gas_used > CALL_GAS
