"""What an import chose and what it came to, for people."""

from collections import Counter
from dataclasses import dataclass

from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.evaluation.dispute_cost import DisputeCost, dispute_cost
from anh_rollup.evaluation.errors import UndisputableError
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.importing.network import Network
from anh_rollup.tensor.properties import Answers


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


def report_of(network: Network, answers: Answers = Answers.OUTPUT) -> Report:
    """The numbers of an imported network.

    Args:
        network: The network.
        answers: What jobs get of it.
    """
    program = answers.architecture(network.program)
    kinds = Counter(value.opcode.name for value in program.values if value.opcode is not None)
    undisputable, dispute = "", None
    try:
        check_disputable(program)
        dispute = dispute_cost(answers.score(network.program, 0))
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
