"""Which of ONNX's own node tests an import passes: writes docs/onnx-node-tests.md.

A test has one node, inputs and outputs. Its inputs become fields of a program; those that must be known, as
shapes and weights, are constants. The program is evaluated exactly, and compared with the outputs.

    python -m scripts.onnx_node_tests
"""

import sys
import warnings
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.errors import AnhError
from anh_rollup.evaluation.torch_backend import TorchEvaluator
from anh_rollup.importing.errors import ImportingError
from anh_rollup.importing.network import lowered, network_of
from anh_rollup.importing.onnx_file import check_model
from anh_rollup.importing.record import Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

TABLE: Final = Path(__file__).resolve().parents[1] / "docs" / "onnx-node-tests.md"

#: Part of the largest output that an exact evaluation may be wrong by: as in ONNX's own runner.
TOLERANCE: Final = 1e-3
#: Operators that no inference has.
TRAINING: Final = frozenset({"SoftmaxCrossEntropyLoss", "NegativeLogLikelihoodLoss"})
RANDOM: Final = ("Bernoulli", "Random", "Multinomial")

PASSES: Final = "passes"
REFUSED: Final = "refused"
OUTSIDE: Final = "not inference"
WRONG: Final = "wrong"

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test.

    Attributes:
        name: The test.
        result: One of the four words above.
        reason: Why, where it does not pass.
    """

    name: str
    result: str
    reason: str = ""


class _OutsideError(Exception):
    """A test that is no inference over numbers."""


def outcomes(cases: Iterable[Any]) -> Iterator[Outcome]:
    """Runs tests one after the other."""
    for case in cases:
        yield outcome(case)


def cases() -> list[Any]:
    """All node tests of the installed onnx."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return sorted(collect_testcases(None), key=lambda each: each.name)


def outcome(case: Any) -> Outcome:
    """Runs one test."""
    try:
        inputs, outputs = _numbers(case)
        check_model(case.model)
        for place, wanted in enumerate(outputs):
            difference = _run(case.model, inputs, place, wanted)
            if not difference <= TOLERANCE:
                return Outcome(case.name, WRONG, f"wrong by {difference:.1e} of the largest output")
    except _OutsideError as error:
        return Outcome(case.name, OUTSIDE, str(error))
    except AnhError as error:
        return Outcome(case.name, REFUSED, error.message.replace("|", "/"))
    return Outcome(case.name, PASSES)


def _numbers(case: Any) -> tuple[dict[str, Array], list[Array]]:
    """A test's inputs by name, and its outputs."""
    graph = case.model.graph
    inputs, outputs = case.data_sets[0]
    kinds = {node.op_type for node in graph.node}
    if kinds & TRAINING or any(each.startswith(RANDOM) for each in kinds) or "training" in case.name:
        raise _OutsideError("training, or random")
    if any(isinstance(each, (list, dict, str, bytes)) or each is None for each in (*inputs, *outputs)):
        raise _OutsideError("sequences, maps or optional values")
    arrays = {each.name: np.asarray(value) for each, value in zip(graph.input, inputs, strict=True)}
    results = [np.asarray(each) for each in outputs]
    for array in (*arrays.values(), *results):
        if array.dtype.kind not in "fiub":
            raise _OutsideError(f"elements of type {array.dtype}")
        if array.size == 0:
            raise _OutsideError("tensors without elements")
        if not np.isfinite(array.astype(np.float64)).all():
            raise _OutsideError("numbers that are not finite")
    return arrays, results


def _run(model: Any, inputs: dict[str, Array], place: int, wanted: Array) -> float:
    """How far an output is off, as a part of the largest one."""
    name = model.graph.output[place].name
    record = _record(model, inputs, name)
    samples = {field.name: inputs[field.name].reshape(1, *field.sample_shape) for field in record.fields}
    network = network_of(record, samples if record.fields else None)
    fields = network.quantized(samples)
    exact = network.real(TorchEvaluator().load(network.program, network.emitted.parameters).evaluate(fields))
    if exact.size != wanted.size:
        return float("inf")
    real = wanted.astype(np.float64)
    error = float(np.abs(exact.reshape(wanted.shape) - real).max())
    return error / max(float(np.abs(real).max()), 1e-3)


def _record(model: Any, inputs: dict[str, Array], output: str) -> Record:
    """The lowered test; more of its inputs are known where fewer do not do."""
    names = list(inputs)
    shapes = {name: each.shape for name, each in inputs.items()}
    attempts: Sequence[Sequence[str]] = ([], names[1:], names)
    for known in attempts[:-1]:
        try:
            return lowered(model, shapes, {name: inputs[name] for name in known}, output)
        except ImportingError as error:
            first = error
            if "depends on" not in error.message:
                break
    if len(names) > 1 or "not known" in first.message or not names:
        raise first
    return lowered(model, shapes, {name: inputs[name] for name in names}, output)


def share(results: Sequence[Outcome]) -> float:
    """Part of the inference tests that pass."""
    counts = Counter(each.result for each in results)
    return counts[PASSES] / (len(results) - counts[OUTSIDE])


def table(results: Sequence[Outcome]) -> str:
    """The page."""
    counts = Counter(each.result for each in results)
    inference = len(results) - counts[OUTSIDE]
    passing = f"{counts[PASSES]} pass by exact evaluation ({share(results):.1%})"
    lines = [
        "# ONNX's node tests",
        "",
        "`python -m scripts.onnx_node_tests` writes this page. Of the tests of the installed onnx, those",
        "over strings, sequences, random numbers, training and numbers that are not finite are no inference:",
        f"{counts[OUTSIDE]}.",
        f"Of the other {inference}, {passing}, {counts[REFUSED]} are refused, {counts[WRONG]} are wrong.",
        "",
        "| test | result |",
        "| --- | --- |",
        *(f"| {each.name} | {': '.join(filter(None, (each.result, each.reason)))} |" for each in results),
    ]
    return "\n".join(lines) + "\n"


def main() -> int:
    """Writes the page and prints the counts."""
    results = list(outcomes(cases()))
    TABLE.write_text(table(results))
    print(Counter(each.result for each in results), f"{share(results):.1%}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
