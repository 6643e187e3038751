"""TensorArbiter's shipped bytecode gives the reference evaluator's elements, partial sums and roots."""

from zlib import crc32

import numpy as np
import pytest

from anh_rollup.tensor.opcodes import Opcode
from scripts.generate_vectors.random_cases import random_case
from tests.differential.arbiter import Arbiter
from tests.differential.comparison import compare

FEW = 300
MANY = 10_000


@pytest.fixture(scope="module")
def arbiter() -> Arbiter:
    return Arbiter()


@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_the_contract_computes_what_the_reference_computes(arbiter: Arbiter, opcode: Opcode) -> None:
    assert disagreements(arbiter, opcode, f"few {opcode.name}", FEW) == []


@pytest.mark.slow
@pytest.mark.parametrize("opcode", list(Opcode), ids=lambda opcode: opcode.name)
def test_the_contract_computes_what_the_reference_computes_at_length(
    arbiter: Arbiter, opcode: Opcode
) -> None:
    assert disagreements(arbiter, opcode, f"many {opcode.name}", MANY) == []


def disagreements(arbiter: Arbiter, opcode: Opcode, seed: str, count: int) -> list[object]:
    """Every disagreement, with the number of its case: `random_case` with this seed makes it again."""
    found: list[object] = []
    for number in range(count):
        rng = np.random.default_rng([crc32(seed.encode()), number])
        case = random_case(opcode, rng)
        found += [(number, *each) for each in compare(arbiter, case, rng)]
    return found
