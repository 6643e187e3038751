"""Gas of one element of a matrix product on L1, by number of terms: `python benchmarks/arbiter_gas.py`.

Each figure is a transaction of its own to TensorArbiter: 21,000, calldata and execution, or the floor that
EIP-7623 sets for calldata if that is more. Activations have 24 bits, weights 16, with a bias of 24; the rows
are contiguous, as MATMUL's always are. The column "block" is the first block of partial sums.
"""

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from anh_rollup.evaluation.reference import element_dependencies
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from tests.differential.arbiter import Arbiter
from tests.differential.cases import Case
from tests.differential.comparison import open_exactly

TERMS = (1, 32, 128, 256, 512, 1024, 2048, 4096)
ROWS, CHANNELS, ELEMENT = 4, 64, 37
ACTIVATION = (-(2**23), 2**23 - 1)
WEIGHT = (-(2**15), 2**15 - 1)


def main() -> int:
    """Prints the table as Markdown."""
    arbiter = Arbiter("PRAGUE")
    print("| terms | element | block |\n| ---: | ---: | ---: |")
    for terms in TERMS:
        case = product(terms)
        print(f"| {terms:,} | {element_gas(arbiter, case):,} | {block_gas(arbiter, case):,} |")
    return 0


def product(terms: int) -> Case:
    """A matrix product with a bias, of random elements."""
    rng = np.random.default_rng(terms)
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
    tensors = tuple(
        rng.integers(*bounds, (1, *shape), dtype=np.int32, endpoint=True)
        for shape, bounds in zip(shapes, ranges, strict=True)
    )
    return Case(Program((*fields, output)), Sources(fields=tensors))


def element_gas(arbiter: Arbiter, case: Case) -> int:
    """Gas of the whole element."""
    trace = case.trace()
    reads = element_dependencies(case.program, case.value, ELEMENT, trace=trace)
    value, _ = arbiter.element(case.record, ELEMENT, open_exactly(case, trace, reads).openings)
    if value != trace[case.value].flat[ELEMENT]:
        raise SystemExit(f"the contract computed {value}, not {trace[case.value].flat[ELEMENT]}")
    return arbiter.gas


def block_gas(arbiter: Arbiter, case: Case) -> int:
    """Gas of the first block's partial sum."""
    reads = element_dependencies(case.program, case.value, ELEMENT, 0)
    arbiter.partial_sum(case.record, ELEMENT, 0, open_exactly(case, case.trace(), reads).openings)
    return arbiter.gas


if __name__ == "__main__":
    sys.exit(main())
