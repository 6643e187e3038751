"""Gas of one element of a matrix product on L1, by number of terms: `python -m benchmarks.arbiter_gas`.

Each figure is a transaction of its own to TensorArbiter on anvil: 21,000, calldata and execution, or the
floor that EIP-7623 sets for calldata if that is more. Activations have 24 bits, weights 16, with a bias
of 24; the rows are contiguous, as MATMUL's always are.
"""

from dataclasses import dataclass

import numpy as np

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.encoding.tensors import Opening, TensorTree
from anh_rollup.evaluation.reference import ReferenceEvaluator, element_dependencies, partials
from anh_rollup.evaluation.sources import Sources
from anh_rollup.l1.contracts.tensor_arbiter import TensorArbiter
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.evaluated import Trace
from anh_rollup.protocol.evidence import open_inputs
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.shapes import block_size
from benchmarks.local import MOST_CHECK_GAS, local_network
from benchmarks.report import Figure, show

TERMS = (1, 32, 128, 256, 512, 1024, 2048, 4096)
ROWS, CHANNELS, ELEMENT = 4, 64, 37
ACTIVATION = (-(2**23), 2**23 - 1)
WEIGHT = (-(2**15), 2**15 - 1)


@dataclass(frozen=True, slots=True)
class Product:
    """A matrix product with a bias, evaluated on one random sample."""

    program: Program
    trace: Trace

    @classmethod
    def of(cls, terms: int) -> "Product":
        """Random elements that are as large as their ranges allow."""
        shapes = ((ROWS, terms), (CHANNELS, terms), (CHANNELS,))
        ranges = (ACTIVATION, WEIGHT, ACTIVATION)
        fields = [
            Value(Kind.FIELD, shape, *bounds, index=index)
            for index, (shape, bounds) in enumerate(zip(shapes, ranges, strict=True))
        ]
        output = Value(
            Kind.INSTRUCTION,
            (ROWS, CHANNELS),
            *ACTIVATION,
            opcode=Opcode.MATMUL,
            inputs=(0, 1, 2),
            attributes=(16, 0, 1),
        )
        rng = np.random.default_rng(terms)
        elements = tuple(
            rng.integers(*bounds, (1, *shape), dtype=np.int32, endpoint=True)
            for shape, bounds in zip(shapes, ranges, strict=True)
        )
        program = Program((*fields, output))
        values = ReferenceEvaluator().trace(program, Sources(elements), 0)
        return cls(program, Trace.of([TensorTree(each) for each in values]))

    @property
    def place(self) -> int:
        """The product's id."""
        return len(self.program.values) - 1

    @property
    def expected(self) -> int:
        """The element that L1 has to compute."""
        return int(self.trace.elements[self.place].flat[ELEMENT])

    @property
    def expected_partial(self) -> int:
        """The sum of the first block of its terms."""
        return int(partials(self.program, self.trace.elements, self.place, ELEMENT)[0])

    def openings(self, block: int | None) -> tuple[Opening, ...]:
        """What the element, or one block of its terms, is computed from."""
        needed = element_dependencies(self.program, self.place, ELEMENT, block, trace=self.trace.elements)
        inputs = self.program.values[self.place].inputs
        return tuple(open_inputs(self.trace, self.trace.tree, inputs, needed).openings)


@dataclass(frozen=True, slots=True)
class Bench:
    """TensorArbiter on a chain, and who asks it."""

    arbiter: TensorArbiter
    sender: TransactionSender

    @classmethod
    def on(cls, network: LocalNetwork, deployment: Deployment) -> "Bench":
        """The one of a local network."""
        client = network.l1()
        sender = TransactionSender(client, network.accounts["deployer"])
        return cls(bind(deployment, client).tensor_arbiter, sender)

    def gas(self, expected: int, function: str, *arguments: object) -> int:
        """Gas of a transaction that computes a number.

        Raises:
            SystemExit: The contract computes another number.
        """
        found = self.arbiter.read(function, *arguments)[0]
        if found != expected:
            raise SystemExit(f"the contract computed {found}, not {expected}")
        return self.sender.send(self.arbiter.request(function, *arguments)).gas_used

    def figures(self, terms: int) -> list[Figure]:
        """The whole element, and its first block of terms where there are several."""
        product = Product.of(terms)
        record = product.program.records[-1]
        whole = self.gas(product.expected, "element", record, ELEMENT, product.openings(None))
        found = [Figure(f"element check, number of terms: {terms:,}", "gas", whole, MOST_CHECK_GAS)]
        if terms > block_size(terms):
            block = self.gas(product.expected_partial, "partialSum", record, ELEMENT, 0, product.openings(0))
            found.append(Figure(f"check of one block of {terms:,} terms", "gas", block, MOST_CHECK_GAS))
        return found


def main() -> None:
    """Measures and prints all figures."""
    with local_network() as (network, deployment):
        bench = Bench.on(network, deployment)
        show([figure for terms in TERMS for figure in bench.figures(terms)])


if __name__ == "__main__":
    main()
