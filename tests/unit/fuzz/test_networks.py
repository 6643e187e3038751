"""Importing what an adversary wrote: a typed error, in bounded time and memory."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from onnx import ModelProto

from anh_rollup.errors import AnhError
from anh_rollup.importing.network import import_network
from anh_rollup.importing.onnx_file import decode_model
from tests.unit.fuzz.hostile_networks import REFUSED, TAKEN
from tests.unit.fuzz.mangling import attempt, mangled
from tests.unit.importing.graphs import model_of, node

#: Address space of the child: what its libraries map, and what known values may take together.
MOST_BYTES = 16 << 30
#: Processor time of one import, on a machine with other work.
MOST_SECONDS = 20


def small() -> ModelProto:
    rng = np.random.default_rng(3)
    known = {
        "w": rng.normal(size=(2, 1, 3, 3)).astype(np.float32),
        "shape": np.array([1, -1]),
        "m": rng.normal(size=(18, 3)).astype(np.float32),
        "axes": np.array([1]),
    }
    nodes = [
        node("Conv", "x w", "c", pads=[1, 1, 1, 1], strides=[2, 2]),
        node("Relu", "c", "r"),
        node("Reshape", "r shape", "f"),
        node("MatMul", "f m", "h"),
        node("Softmax", "h", "s", axis=-1),
        node("ReduceSum", "s axes", "t", keepdims=1),
        node("Concat", "s t", axis=1),
    ]
    return model_of(nodes, {"x": (1, 1, 5, 5)}, known)


NUMBERS = st.sampled_from(
    [0, 1, -1, 2, 7, 99, 1 << 20, 1 << 31, -(1 << 31), 1 << 40, (1 << 63) - 1, -(1 << 63)]
)


def messages(message: Message) -> list[Message]:
    """A message and all inside of it."""
    found = [message]
    for field, value in message.ListFields():
        if field.type == FieldDescriptor.TYPE_MESSAGE:
            for each in value if isinstance(value, Message) is False else [value]:
                found += messages(each)
    return found


def changed(draw: st.DrawFn, field: FieldDescriptor, value: Any) -> Any:
    """Another value of a field's type."""
    if field.type == FieldDescriptor.TYPE_STRING:
        return draw(st.sampled_from(["", "x", "w", "y", "../x", "Loop", "If", "Scan", "Tile", "LSTM"]))
    if field.type == FieldDescriptor.TYPE_BYTES:
        return draw(mangled(bytes(value)))
    if field.type in (FieldDescriptor.TYPE_FLOAT, FieldDescriptor.TYPE_DOUBLE):
        return draw(st.sampled_from([0.0, -1.0, 1e30, float("inf"), float("nan")]))
    if field.type in (FieldDescriptor.TYPE_INT32, FieldDescriptor.TYPE_ENUM):
        return draw(st.integers(0, 27))
    return draw(NUMBERS)


@st.composite
def models(draw: st.DrawFn) -> ModelProto:
    """The small network with some fields, at any depth, changed, taken out or doubled."""
    model = small()
    for _ in range(draw(st.integers(1, 3))):
        message = draw(st.sampled_from(messages(model)))
        fields = [(field, value) for field, value in message.ListFields()]
        if not fields:
            continue
        field, value = draw(st.sampled_from(fields))
        repeated = not isinstance(value, (Message, str, bytes, int, float))
        if field.type == FieldDescriptor.TYPE_MESSAGE or (repeated and draw(st.booleans())):
            if repeated and draw(st.booleans()):
                value.extend(list(value)[:1])
            elif repeated:
                del value[draw(st.integers(0, len(value) - 1))]
            else:
                message.ClearField(field.name)
        elif repeated:
            value[draw(st.integers(0, len(value) - 1))] = changed(draw, field, value[0])
        else:
            try:
                setattr(message, field.name, changed(draw, field, value))
            except ValueError:
                message.ClearField(field.name)
    return model


def check(data: bytes) -> None:
    attempt(lambda: import_network(decode_model(data)), AnhError)


def few(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=list(HealthCheck))


@few(60)
@given(models())
def test_a_changed_field_is_imported_or_refused(model: ModelProto) -> None:
    check(model.SerializeToString())


@few(60)
@given(mangled(small().SerializeToString()))
def test_changed_bytes_are_imported_or_refused(data: bytes) -> None:
    check(data)


@pytest.mark.slow
@few(5_000)
@given(models().map(ModelProto.SerializeToString) | mangled(small().SerializeToString()))
def test_many_changed_networks_are_imported_or_refused(data: bytes) -> None:
    check(data)


def test_the_small_network_is_imported() -> None:
    assert import_network(small()).program.output.shape == (4,)


def test_numbers_of_a_file_take_no_memory_or_time_beyond_bounds() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.unit.fuzz.hostile_networks", str(MOST_BYTES)],
        cwd=Path(__file__).parents[3], capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")
    found = [orjson.loads(line) for line in done.stdout.splitlines()]
    assert [each["name"] for each in found] == [*REFUSED, *TAKEN]
    assert [each["name"] for each in found if not each["error"]] == [*TAKEN]
    assert [each for each in found if each["seconds"] > MOST_SECONDS] == []
