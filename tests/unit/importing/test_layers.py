"""What every value of a network is by both readings."""

import numpy as np

from anh_rollup.importing.layers import layers_of, readings_of
from anh_rollup.importing.network import Network, import_network, split_samples
from anh_rollup.importing.ranges import observed
from anh_rollup.importing.record import Operation
from anh_rollup.importing.setting import Setting
from tests.unit.importing.graphs import error_of, exact, model_of, node, numbers, reference

MODEL = model_of(
    [node("MatMul", "x w", "h"), node("Tanh", "h", "t"), node("Softmax", "t")],
    {"x": ("n", 6)},
    {"w": numbers(6, 4)},
)
SAMPLES = {"x": numbers(8, 6)}


def made(setting: Setting = Setting.PRECISE) -> Network:
    return import_network(MODEL, samples=SAMPLES, setting=setting)


def test_layers_are_the_record_without_constants() -> None:
    network = made()
    wanted = [each for each in network.record.nodes if each.operation is not Operation.CONSTANT]
    found = layers_of(network)
    assert [(each.source, each.operation, each.shape) for each in found] == [
        (each.source, each.operation.value, each.shape) for each in wanted
    ]
    assert [each.operation for each in found if each.table_error is not None] == ["FUNCTION", "FUNCTION"]


def test_readings_are_where_float64_lies() -> None:
    network = made()
    samples = split_samples(network.record, SAMPLES)
    seen = [each.at for each in observed(network.record, samples)]
    assert [each.seen for each in readings_of(network, samples)] == [
        seen[place] for place in sorted(network.emitted.values)
    ]


def test_the_last_error_is_the_networks() -> None:
    network = made(Setting.FAST)
    last = readings_of(network, split_samples(network.record, SAMPLES))[-1]
    wanted = reference(MODEL, SAMPLES)
    distance = np.abs(exact(network, SAMPLES) - wanted).max()
    assert abs(last.error - distance) < 1e-6
    assert last.relative_error == last.error / last.seen.magnitude
    assert error_of(MODEL, SAMPLES, setting=Setting.FAST) < 1e-3


def test_errors_grow_with_coarser_weights() -> None:
    errors = []
    for setting in (Setting.PRECISE, Setting.FAST):
        network = made(setting)
        readings = readings_of(network, split_samples(network.record, SAMPLES))
        errors.append(readings[1].error)
    assert 0 < errors[0] < errors[1]


def test_without_samples_there_are_no_readings() -> None:
    assert readings_of(made(), []) == []


def test_infinities_have_no_error() -> None:
    inverse = model_of([node("Reciprocal", "x")], {"x": (1, 2)})
    network = import_network(inverse, samples={"x": np.float32([[1, 2]])})
    (*_, last) = readings_of(network, [[np.array([0.0, 0.0])]])
    assert (last.seen.magnitude, last.error) == (0.0, 0.0)
