"""What an import chose and what it came to, for people."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.dispute_cost import DisputeCost, dispute_cost
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.importing.network import Network
from anh_rollup.importing.record import Operation
from anh_rollup.tensor.properties import closeness


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
class Report:
    """An imported network in numbers.

    Attributes:
        instructions: How many there are of each kind, most frequent first.
        parameters: Elements of the model.
        constants: Elements of the program's constants, tables among them.
        multiply_adds: The work of one sample, as `evaluation.workload` counts it.
        undisputable: Why a wrong element could not be proved wrong on L1; empty where every one could.
        dispute: What a dispute about an answer takes at most; None where some element is undisputable.
    """

    instructions: tuple[tuple[str, int], ...]
    parameters: int
    constants: int
    multiply_adds: int
    undisputable: str
    dispute: DisputeCost | None


def report_of(network: Network) -> Report:
    """The numbers of an imported network."""
    program = network.program
    kinds = Counter(value.opcode.name for value in program.values if value.opcode is not None)
    undisputable, dispute = "", None
    try:
        check_disputable(program)
        dispute = dispute_cost(closeness(program, 0))
    except UndisputableError as error:
        undisputable = error.message
    return Report(
        tuple(kinds.most_common()),
        sum(each.size for each in network.emitted.parameters),
        sum(each.size for each in program.constants.values()),
        multiply_adds(program, 1),
        undisputable,
        dispute,
    )


def layers_of(network: Network) -> Iterator[Layer]:
    """The choices about every node of the record that is no constant, in order."""
    for place, node in enumerate(network.record.nodes):
        if node.operation is not Operation.CONSTANT:
            at, seen = network.formats[place], network.ranges[place]
            error = network.emitted.table_errors.get(place)
            yield Layer(
                node.source, node.operation.value, node.shape, seen.low, seen.high, at.scale, at.bits, error
            )
