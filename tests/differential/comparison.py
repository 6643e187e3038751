"""Compares everything that TensorArbiter says about one element with the reference evaluator."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from anh_rollup.encoding.tensors import CHUNK_ELEMENTS, Opening, TensorTree
from anh_rollup.evaluation.reference import (
    block_count,
    element_dependencies,
    finish,
    finish_dependencies,
    partials,
    terms,
)
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.tensor.opcodes import FOLDABLE
from anh_rollup.tensor.program import Tensor
from scripts.generate_vectors.random_cases import Case, Rng
from tests.differential.arbiter import NOTHING, Arbiter

Indices = NDArray[np.int64]


@dataclass(frozen=True)
class Evidence:
    """What a challenger opens of an instruction's inputs, and the roots that it expects."""

    openings: list[Opening]
    roots: list[bytes]


def compare(arbiter: Arbiter, case: Case, rng: Rng) -> list[tuple[str, object, object]]:
    """What the two disagree about, for a random element: (name, contract, reference)."""
    trace = case.trace()
    output = trace[case.value].reshape(-1)
    index = int(rng.integers(output.size))
    reads = element_dependencies(case.program, case.value, index, trace=trace)
    evidence = open_inputs(case, trace, reads, rng)
    shown = open_tensor(trace[case.value], np.array([index]), rng)
    found: list[tuple[str, object, object]] = [
        (
            "element",
            arbiter.element(case.record, index, evidence.openings),
            (int(output[index]), evidence.roots),
        ),
        (
            "opened",
            arbiter.opened(case.record, index, shown),
            (int(output[index]), TensorTree(trace[case.value]).root),
        ),
    ]
    if case.program.values[case.value].opcode in FOLDABLE:
        found += _compare_fold(arbiter, case, trace, index, rng)
    return [each for each in found if each[1] != each[2]]


def _compare_fold(
    arbiter: Arbiter, case: Case, trace: Sequence[Tensor], index: int, rng: Rng
) -> list[tuple[str, object, object]]:
    count = terms(case.program, case.value)
    sums = [int(each) for each in partials(case.program, trace, case.value, index)]
    block = int(rng.integers(len(sums)))
    reads = element_dependencies(case.program, case.value, index, block)
    evidence = open_inputs(case, trace, reads, rng)
    last = open_inputs(case, trace, finish_dependencies(case.program, case.value, index), rng)
    return [
        ("terms", arbiter.terms(case.record), count),
        ("blocks", arbiter.blocks(case.record), block_count(count)),
        (
            "partialSum",
            arbiter.partial_sum(case.record, index, block, evidence.openings),
            (sums[block], evidence.roots),
        ),
        (
            "finish",
            arbiter.finish(case.record, index, sums, last.openings),
            (finish(case.program, trace, case.value, index, sums), last.roots),
        ),
    ]


def open_inputs(case: Case, trace: Sequence[Tensor], reads: Sequence[Indices], rng: Rng) -> Evidence:
    """As `open_exactly`, but sometimes with more chunks than needed and sometimes wider."""
    tensors = [trace[each] for each in case.program.values[case.value].inputs]
    openings = [open_tensor(tensor, indices, rng) for tensor, indices in zip(tensors, reads, strict=True)]
    return Evidence(openings, _roots(tensors, openings))


def open_exactly(case: Case, trace: Sequence[Tensor], reads: Sequence[Indices]) -> Evidence:
    """Openings of what is read of each input, and nothing of an input that is not read."""
    tensors = [trace[each] for each in case.program.values[case.value].inputs]
    openings = [
        TensorTree(tensor).opening(_chunks(indices)) if indices.size else NOTHING
        for tensor, indices in zip(tensors, reads, strict=True)
    ]
    return Evidence(openings, _roots(tensors, openings))


def open_tensor(tensor: Tensor, indices: Indices, rng: Rng) -> Opening:
    """An opening of the chunks of these elements, sometimes of more of them, sometimes wider than needed."""
    if indices.size == 0:
        return NOTHING
    tree = TensorTree(tensor)
    chunks = set(_chunks(indices))
    if rng.random() < 0.2:
        chunks |= {int(each) for each in rng.integers(tree.chunk_count, size=2)}
    return tree.opening(sorted(chunks), 4 if rng.random() < 0.2 else None)


def _chunks(indices: Indices) -> list[int]:
    return sorted({int(each) for each in indices // CHUNK_ELEMENTS})


def _roots(tensors: Sequence[Tensor], openings: Sequence[Opening]) -> list[bytes]:
    return [
        TensorTree(tensor).root if opening.chunks else ZERO_DIGEST
        for tensor, opening in zip(tensors, openings, strict=True)
    ]
