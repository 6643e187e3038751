"""Networks in the middle of a contract's function: what an inference gives, costs and waits for."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest.mock import Mock

import pytest
from eth_abi import decode

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.publications import CALL_GAS, WORD_GAS
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Tensor, Value
from anh_rollup.world import inference
from anh_rollup.world import prepared as prepared_module
from anh_rollup.world.prepared import INPUT_GAS, WORK_PER_GAS, prepare
from anh_rollup.world.published import Published
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import STRICT_MARKER
from tests.doubles import small_program as small
from tests.doubles.networks import (
    DEADLINE,
    GAS,
    MODEL,
    PROGRAM,
    Networks,
    calldata,
    error,
    other_model,
    published,
    reading_gas,
    reshaped_model,
    sample,
    wanted,
)
from tests.doubles.ordering import ALICE

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


def intrinsic_gas(data: bytes) -> int:
    return 21_000 + sum(16 if byte else 4 for byte in data)


def least_gas(data: bytes) -> int:
    """What every transaction with such calldata takes at least (EIP-7623)."""
    return 21_000 + sum(40 if byte else 10 for byte in data)


def call_gas(data: bytes) -> int:
    return CALL_GAS + WORD_GAS * -(-len(data) // 32)


def test_an_inference_costs_what_the_program_counts(networks: Networks) -> None:
    program = small.deep_program()
    networks.publish(published(program))
    data = calldata("infer", program.root, bytes(32), [-7])
    work = -(-multiply_adds(program, 1) // WORK_PER_GAS)
    inputs = sum(len(each.inputs) for each in program.values)
    price = call_gas(data) + reading_gas(program) + INPUT_GAS * inputs + work
    intrinsic = intrinsic_gas(data)
    done = networks.run(DNN, data, gas=intrinsic + price)
    assert decode(["int32[]"], done.output)[0] == (-7,)
    assert done.gas_used == intrinsic + price
    assert networks.run(DNN, data, gas=intrinsic + price - 1).halt == "out of gas"


def counted(monkeypatch: pytest.MonkeyPatch) -> dict[str, int]:
    """How often a program or model was read since, by the name of what reads it."""
    reads = {"program": 0, "model": 0}

    def count(name: str, read: Callable[..., Any]) -> Callable[..., Any]:
        def reading(*given: Any) -> Any:
            reads[name] += 1
            return read(*given)

        return reading

    for name in reads:
        monkeypatch.setattr(Published, name, count(name, getattr(Published, name)))
    return reads


def test_who_cannot_pay_for_the_reading_has_nothing_read(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Else a contract that asks in a loop with too little gas buys work for nothing."""
    x, answer = sample(1)
    data = calldata("infer", PROGRAM.root, MODEL.root, x)
    reading = intrinsic_gas(data) + call_gas(data) + reading_gas(PROGRAM) + reading_gas(MODEL)
    reads = counted(monkeypatch)
    for gas in (least_gas(data), reading - 1):
        assert networks.run(DNN, data, gas=gas).halt == "out of gas"
    assert reads == {"program": 0, "model": 0}
    assert networks.run(DNN, data, gas=reading).halt == "out of gas"
    assert reads == {"program": 1, "model": 0}
    for _ in range(2):
        assert decode(["int32[]"], networks.run(DNN, data).output)[0] == tuple(answer)
    assert reads == {"program": 1, "model": 1}


def test_what_was_counted_of_a_program_is_kept(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    x, answer = sample(1)
    assert networks.infer(x).succeeded
    monkeypatch.setattr(prepared_module, "check_work", Mock(side_effect=AssertionError))
    assert decode(["int32[]"], networks.infer(x).output)[0] == tuple(answer)


def unfit_program() -> Program:
    """Its evaluation takes more work than a call may."""
    inputs = [Value(Kind.FIELD, (1_300, 1_300), -1, 1, index=each) for each in range(2)]
    return Program(
        (
            *inputs,
            Value(
                Kind.INSTRUCTION, (1_300, 1_300), opcode=Opcode.MATMUL, inputs=(0, 1), attributes=(0, 0, 0)
            ),
        )
    )


def test_a_refusal_behind_the_reading_has_paid_for_it(networks: Networks) -> None:
    x, _ = sample(1)
    unfit = unfit_program()
    networks.publish(published(unfit))
    outside = [PROGRAM.fields[0].high + 1, *x[1:]]
    both = reading_gas(PROGRAM) + reading_gas(MODEL)
    for program, model, given, name, paid in (
        (PROGRAM, MODEL.root, x[1:], "WrongInputCount(uint256,uint256)", both),
        (PROGRAM, MODEL.root, outside, "InputOutOfRange(uint256,int32,int32,int32)", both),
        (unfit, bytes(32), [], "ProgramUnfit(bytes32)", reading_gas(unfit)),
        (PROGRAM, b"\7" * 32, x, "NotPublished(bytes32)", 0),
    ):
        data = calldata("infer", program.root, model, given)
        outcome = networks.run(DNN, data)
        assert outcome.output[:4] == keccak256(name.encode())[:4]
        assert outcome.gas_used == max(least_gas(data), intrinsic_gas(data) + call_gas(data) + paid)


@pytest.mark.parametrize("model", [MODEL.root, b"\7" * 32])
def test_both_engines_and_a_world_that_starts_again_charge_the_same(tmp_path: Path, model: bytes) -> None:
    x, _ = sample(1)
    first = Networks(tmp_path / "revm")
    strict = (("0x" + STRICT_MARKER.hex(), ()), ("0x" + DNN.hex(), ()))
    data = calldata("infer", PROGRAM.root, model, x)
    first.orders.add(ALICE, to="0x" + DNN.hex(), data=data, gas=GAS, accessList=strict)
    place = first.orders.seal().number, 0
    other = Networks(tmp_path / "specification", first.orders)
    other.world._execution._engine = SpecificationEngine()
    first.append()
    receipt = first.world.receipt(*place)
    assert receipt is not None
    assert receipt.status is (model == MODEL.root)
    assert other.world.receipt(*place) == receipt
    used = first.infer(x).gas_used
    assert Networks(tmp_path / "revm", first.orders).infer(x).gas_used == used


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
    fields, prepared = small.random_fields(PROGRAM, 1, 1), prepare(PROGRAM)
    first = tried.evaluate(prepared, MODEL.root, fields, lambda: MODEL).tolist()
    assert (first, fast.loads) == (sample(1)[1], 0)
    ready.set()
    while tried._fast is None:
        time.sleep(0.01)
    for _ in range(2):
        assert tried.evaluate(prepared, MODEL.root, fields, lambda: MODEL).tolist() == first
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
        found = tried.evaluate(prepare(PROGRAM), MODEL.root, fields, lambda: MODEL)
        assert found.tolist() == sample(1)[1]
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
