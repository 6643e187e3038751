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
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.errors import KnownValueNeededError
from anh_rollup.importing.network import lowered, network_of
from anh_rollup.importing.onnx_file import check_model
from anh_rollup.importing.record import Record

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from onnx.backend.test.case.node import collect_testcases

TABLE: Final = Path(__file__).resolve().parents[1] / "docs" / "onnx-node-tests.md"

#: Part of the largest output that an exact evaluation may be wrong by: as in ONNX's own runner.
TOLERANCE: Final = 1e-3
#: Operator domains of training, and of what is no network: trees, encoders and text.
TRAINING: Final = frozenset({"ai.onnx.preview.training", "ai.onnx.training"})
CLASSICAL: Final = "ai.onnx.ml"
#: Operators that draw at random, and those that read a file's bytes.
RANDOM: Final = frozenset(
    {"RandomNormal", "RandomNormalLike", "RandomUniform", "RandomUniformLike", "Multinomial", "Bernoulli"}
)
DECODERS: Final = frozenset({"ImageDecoder"})

PASSES: Final = "passes"
REFUSED: Final = "refused"
OUTSIDE: Final = "not inference"
WRONG: Final = "wrong"
#: What a test that passes says where no input is a field.
KNOWN: Final = "all its inputs have to be known"
#: What a test says whose steps are as large as the tensor makes them, where a number lies at a tie.
STEP: Final = "but for one step, where float32 rounds a tie to the other side"

Array = NDArray[Any]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of one test.

    Attributes:
        name: The test.
        result: One of the four words above.
        reason: Why, where it does not pass, or what was left to evaluate where it does.
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
    reason = ""
    try:
        inputs, outputs = _numbers(case)
        check_model(case.model)
        for place, wanted in enumerate(outputs):
            record = _record(case.model, inputs, case.model.graph.output[place].name)
            reason = KNOWN if inputs and not record.fields else reason
            difference = _difference(record, inputs, wanted)
            if _is_one_step(case.model.graph, difference, wanted):
                reason = STEP
            elif not difference <= TOLERANCE:
                return Outcome(case.name, WRONG, f"wrong by {difference:.1e} of the largest output")
    except _OutsideError as error:
        return Outcome(case.name, OUTSIDE, str(error))
    except AnhError as error:
        return Outcome(case.name, REFUSED, error.message.replace("|", "/"))
    return Outcome(case.name, PASSES, reason)


def _numbers(case: Any) -> tuple[dict[str, Array], list[Array]]:
    """A test's inputs by name, and its outputs."""
    graph = case.model.graph
    inputs, outputs = case.data_sets[0]
    _check_kind(graph)
    kinds = {value.type.WhichOneof("value") for value in (*graph.input, *graph.output)}
    if kinds != {"tensor_type"}:
        raise _OutsideError("sequences, maps, optional or sparse values")
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


def _check_kind(graph: Any) -> None:
    """Tells by the nodes of a test whether it is inference."""
    for node in graph.node:
        if node.domain in TRAINING or any(each.name == "training_mode" and each.i for each in node.attribute):
            raise _OutsideError("training")
        if node.domain == CLASSICAL:
            raise _OutsideError(f"operators of {CLASSICAL}")
        if node.op_type in RANDOM or (node.op_type == "Dropout" and len(node.input) > 2):
            raise _OutsideError("numbers that are drawn at random")
        if node.op_type in DECODERS:
            raise _OutsideError("a decoder of files")


def _difference(record: Record, inputs: dict[str, Array], wanted: Array) -> float:
    """How far an output is off, as a part of the largest one."""
    samples = {field.name: inputs[field.name].reshape(1, *field.sample_shape) for field in record.fields}
    network = network_of(record, samples if record.fields else None)
    fields = network.quantized(samples)
    exact = network.real(FastEvaluator().load(network.program, network.emitted.parameters).evaluate(fields))
    if exact.size != wanted.size:
        return float("inf")
    real = wanted.astype(np.float64)
    error = float(np.abs(exact.reshape(wanted.shape) - real).max())
    return error / max(float(np.abs(real).max()), 1e-3)


def _is_one_step(graph: Any, difference: float, wanted: Array) -> bool:
    """Whether quantized numbers, by a scale that is computed, are off by one at most, and not by none."""
    kinds = {node.op_type for node in graph.node}
    is_dynamic = "DynamicQuantizeLinear" in kinds or {"Round", "Div", "Cast"} < kinds
    largest = max(float(np.abs(wanted.astype(np.float64)).max()), 1e-3)
    return is_dynamic and wanted.dtype == np.uint8 and TOLERANCE < difference <= 1.001 / largest


def _record(model: Any, inputs: dict[str, Array], output: str) -> Record:
    """The lowered test, with no more of its inputs known than have to be."""
    shapes = {name: each.shape for name, each in inputs.items()}
    known: dict[str, Array] = {}
    while True:
        try:
            return lowered(model, shapes, known, output)
        except KnownValueNeededError as error:
            more = {name: inputs[name] for name in error.fields if name not in known}
            if not more:
                raise
            known |= more


def share(results: Sequence[Outcome]) -> float:
    """Part of the inference tests that pass."""
    counts = Counter(each.result for each in results)
    return counts[PASSES] / (len(results) - counts[OUTSIDE])


def table(results: Sequence[Outcome]) -> str:
    """The page."""
    counts = Counter(each.result for each in results)
    inference = len(results) - counts[OUTSIDE]
    passing = f"{counts[PASSES]} pass by exact evaluation ({share(results):.1%})"
    known = sum(each.result == PASSES and each.reason == KNOWN for each in results)
    lines = [
        "# ONNX's node tests",
        "",
        "`python -m scripts.onnx_node_tests` writes this page from the tests of the installed onnx.",
        f"{counts[OUTSIDE]} of them are no inference over float and integer tensors, by what they hold:",
        "an input or output that is a sequence, a map, a string, an optional value, of a type",
        "that numpy lacks, empty or not finite; a node of the training or `ai.onnx.ml` domains, in training",
        "mode, that draws at random, or that decodes a file.",
        f"Of the other {inference}, {passing}, {counts[REFUSED]} are refused, {counts[WRONG]} are wrong.",
        f"An input is a field of the program unless its node has to know it, as a shape; in {known} tests",
        "that holds for all inputs, so that there is nothing left to evaluate but a constant.",
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
