"""What an import chose for every value of a network, and what became of it on samples."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.network import Network
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.real_evaluation import values
from anh_rollup.importing.record import Reals


@dataclass(frozen=True, slots=True)
class Layer:
    """The choices about one node of the record.

    Attributes:
        source: The node of the graph that it comes from.
        operation: What it computes.
        shape: Its dimensions.
        low, high: Where its numbers lie, with headroom.
        scale, bits: Fraction bits, and bits of magnitude.
        table_error: Between a function and its table; None where it is no table.
    """

    source: str
    operation: str
    shape: tuple[int, ...]
    low: float
    high: float
    scale: int
    bits: int
    table_error: float | None


@dataclass(frozen=True, slots=True)
class Reading:
    """What one node of the record was on samples.

    Attributes:
        seen: Where its elements lay in float64.
        error: The largest distance between exact reading and float64, in what the elements stand for.
    """

    seen: Range
    error: float

    @property
    def relative_error(self) -> float:
        """The error as a part of the largest magnitude that was seen; of 1 where that is 0."""
        return self.error / (self.seen.magnitude or 1.0)


def layers_of(network: Network) -> list[Layer]:
    """The choices about every node of the record that is a value of the program, in order."""
    return [_layer(network, place) for place in _shown(network)]


def readings_of(network: Network, samples: Iterable[Sequence[Reals]]) -> list[Reading]:
    """What the same nodes were on samples, in the same order.

    Args:
        network: The network.
        samples: Sample by sample, the elements of each input, as `network.split_samples` gives them.
    """
    loaded = FastEvaluator().load(network.program, network.emitted.parameters)
    found: dict[int, Reading] = {}
    for sample in samples:
        for place, one in _readings(network, loaded, sample):
            found[place] = _joined(found[place], one) if place in found else one
    return [found[place] for place in _shown(network)] if found else []


def _shown(network: Network) -> list[int]:
    return sorted(network.emitted.values)


def _layer(network: Network, place: int) -> Layer:
    node, at, wide = network.record.nodes[place], network.formats[place], network.ranges[place]
    error = network.emitted.table_errors.get(place)
    return Layer(node.source, node.operation.value, node.shape, wide.low, wide.high, at.scale, at.bits, error)


def _readings(
    network: Network, loaded: LoadedProgram, sample: Sequence[Reals]
) -> Iterator[tuple[int, Reading]]:
    """One sample both ways, node by node."""
    record, program = network.record, network.program
    fed = {field.name: elements[None] for field, elements in zip(record.fields, sample, strict=True)}
    trace = loaded.trace(0, network.quantized(fed))
    for place, real in values(record, sample):
        value = network.emitted.values.get(place)
        if value is not None:
            exact = np.ldexp(trace[value].astype(np.float64), -program.values[value].scale)
            yield place, _reading(real, exact.reshape(real.shape))


def _reading(real: Reals, exact: Reals) -> Reading:
    """Infinities, as a logarithm of nothing is, have no error: their formats end."""
    is_finite = np.isfinite(real)
    if not is_finite.any():
        return Reading(Range(0.0, 0.0), 0.0)
    finite, error = real[is_finite], np.abs(exact - real)[is_finite]
    return Reading(Range(float(finite.min()), float(finite.max())), float(error.max()))


def _joined(a: Reading, b: Reading) -> Reading:
    return Reading(a.seen.union(b.seen), max(a.error, b.error))
