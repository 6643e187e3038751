"""How far an exact reading may be from its record in float64, from number formats alone.

Each value adds its rounding and its table's distance to what it makes of its operands' errors: the largest
slope over the operands' ranges times them. Where a comparison or a step decides, no bound follows.
"""

from math import inf, prod

import numpy as np

from anh_rollup.importing.network import Network
from anh_rollup.importing.ranges import Range
from anh_rollup.importing.record import Operation, RealNode

#: What rounding a constant costs at most, as a part of its largest element: weights have 15 bits and more.
CONSTANT_ERROR = 2.0**-15
#: What rounding the factor of a mean costs, as a part of it: it has 21 bits and more beside a sum of 31.
FACTOR_ERROR = 2.0**-21
LARGEST_OF = frozenset(
    {
        Operation.VIEW, Operation.PAD, Operation.CONCAT, Operation.LARGEST, Operation.MIN, Operation.MAX,
        Operation.ABS, Operation.CLAMP, Operation.GATHER, Operation.SELECT,
    }
)  # fmt: skip


def bound_of(network: Network) -> float:
    """The largest distance that the formats of a network allow, in the output's units."""
    errors: list[float] = []
    for place, node in enumerate(network.record.nodes):
        ranges = [network.ranges[each] for each in node.inputs]
        passed = _passed(network, node, ranges, [errors[each] for each in node.inputs])
        if node.operation is Operation.CONSTANT:
            errors.append(0.0 if node.is_whole else float(np.abs(node.elements).max()) * CONSTANT_ERROR)
        else:
            table = network.emitted.table_errors.get(place, 0.0)
            # Some operations take two or three instructions, which round on their own.
            errors.append(passed + table + 4 * network.formats[place].unit)
    return errors[-1]


def _passed(network: Network, node: RealNode, at: list[Range], errors: list[float]) -> float:
    """What a node makes of its operands' errors."""
    if node.operation in (Operation.ADD, Operation.SUB):
        return sum(errors)
    if node.operation in LARGEST_OF:
        return max(errors)
    if node.operation is Operation.MUL:
        return at[0].magnitude * errors[1] + at[1].magnitude * errors[0]
    if node.operation is Operation.DIV:
        least = min(abs(at[1].low), abs(at[1].high))
        return errors[0] / least + at[0].magnitude * errors[1] / least**2
    if node.operation is Operation.SQRT:
        return errors[0] / at[0].low ** 0.5 if at[0].low > 0 else errors[0] ** 0.5
    if node.operation is Operation.SUM:
        first, count = node.attributes
        terms = prod(network.record.nodes[node.inputs[0]].shape[first : first + count])
        rounded = 0.0 if node.factor == 1 else FACTOR_ERROR * at[0].magnitude
        return node.factor * terms * (errors[0] + rounded)
    if node.operation is Operation.FUNCTION and node.function is not None:
        places = np.linspace(at[0].low - 1e-6, at[0].high + 1e-6, 4097)
        return errors[0] * float(np.abs(np.gradient(node.function(places), places)).max())
    if node.operation in (Operation.MATMUL, Operation.CONV):
        weight = network.record.nodes[node.inputs[1]]
        terms = prod(weight.shape[1:]) if node.operation is Operation.CONV else weight.shape[-1]
        bias = errors[2] if len(errors) > 2 else 0.0
        return terms * (at[0].magnitude * errors[1] + at[1].magnitude * errors[0]) + bias
    return 0.0 if node.operation in (Operation.FIELD, Operation.CONSTANT) else inf
