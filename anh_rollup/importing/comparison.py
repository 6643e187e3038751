"""An imported network beside onnxruntime: how near it is, and how fast."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter
from typing import Any, Final

import numpy as np
import onnxruntime
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from onnxruntime.capi import onnxruntime_pybind11_state as states

from anh_rollup.encoding.checks import INT32_MOST
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.errors import ImportingError
from anh_rollup.importing.input_types import INPUT_TYPES
from anh_rollup.importing.network import Arrays, Network, split_samples
from anh_rollup.importing.real_evaluation import values
from anh_rollup.importing.record import Operation, Reals
from anh_rollup.watching import Watch, unwatched

#: Samples that are evaluated node by node, where the exact reading is farthest from onnxruntime (choice).
MOST_TRACED: Final = 16
#: Samples that are evaluated at once (choice).
BATCH: Final = 16
#: Rounds of a measurement; the fastest counts, for other work on the machine only ever slows one down.
ROUNDS: Final = 3
#: onnxruntime's log level that shows errors only.
_ERRORS: Final = 3
#: What onnxruntime raises: subclasses of RuntimeError in its own module, and ValueError for feeds.
_REFUSALS: Final = (
    states.Fail,
    states.InvalidArgument,
    states.InvalidGraph,
    states.InvalidProtobuf,
    states.NotImplemented,
    states.RuntimeException,
    ValueError,
)

Array = NDArray[Any]


class ComparisonError(ImportingError):
    """onnxruntime does not run the network, so there is nothing to compare with.

    Attributes:
        reason: Its words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"onnxruntime refuses the network: {reason}",
            remedy="Import it without samples, or export it again.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Comparison:
    """How near an imported network is to onnxruntime on samples, and how fast.

    Errors are relative to the range of onnxruntime's outputs, from the least to the largest. What needs
    float64 is of up to `MOST_TRACED` samples, those where the exact reading is farthest from onnxruntime.

    Attributes:
        samples: How many samples.
        largest_error, mean_error: Of the exact reading.
        largest_lowering_error: Of the record in float64: what is not due to number formats.
        largest_format_error: Of the exact reading beside the record in float64: what is due to them alone.
        decisions: Places along the last axis of the outputs, over all samples.
        agreement: Part of the decisions with the same largest output.
        saturated: Elements, of all values, outside of their number format in float64.
        steps_off: Of each sample as a data set holds it, how many steps of the output's format onnxruntime's
            output, rounded to it, is off at most.
        steps_below: Likewise, how many steps the exact score of what it decides is below the largest one.
        step: Of the output's format, in the output's own units.
        exact_seconds, float_seconds: One sample, by the exact evaluator and by onnxruntime.
    """

    samples: int
    largest_error: float
    mean_error: float
    largest_lowering_error: float
    largest_format_error: float
    decisions: int
    agreement: float
    saturated: int
    steps_off: tuple[int, ...]
    steps_below: tuple[int, ...]
    step: float
    exact_seconds: float
    float_seconds: float

    @property
    def largest_off(self) -> float:
        """How far onnxruntime's outputs are off at most, in the output's own units."""
        return max(self.steps_off) * self.step

    @property
    def largest_below(self) -> float:
        """How far the exact scores of what it decides are below the largest at most, likewise."""
        return max(self.steps_below) * self.step


def compare(model: ModelProto, network: Network, samples: Arrays, watch: Watch = unwatched) -> Comparison:
    """Runs a network both ways over samples.

    Args:
        model: The network.
        network: The same, imported.
        samples: By the inputs' names, arrays (N, *shape of one sample), N at least 1.
        watch: Shows how far it is with the samples.

    Raises:
        InputRefusedError: Samples that do not fit the inputs.
        ComparisonError: onnxruntime refuses the network.
    """
    singles = split_samples(network.record, samples)
    run = float_runner(model, network)
    wanted = np.stack([run(sample) for sample in watch(singles, "running onnxruntime")])
    fields = network.quantized(samples)
    loaded = FastEvaluator().load(network.program, network.emitted.parameters)
    starts = range(0, len(singles), BATCH)
    outputs = [
        loaded.evaluate([each[at : at + BATCH] for each in fields])
        for at in watch(starts, "evaluating exactly")
    ]
    elements = np.concatenate(outputs)
    exact = network.real(elements).reshape(wanted.shape)
    stored = split_samples(network.record, _stored(network, fields))
    native = np.stack([run(each) for each in watch(stored, "answering")]).reshape(elements.shape)
    span = float(np.ptp(wanted)) or float(np.abs(wanted).max()) or 1.0
    error = np.abs(exact - wanted) / span
    worst = error.reshape(len(singles), -1).max(1)
    farthest: list[int] = np.argsort(-worst, kind="stable")[:MOST_TRACED].tolist()
    reals, outside = zip(
        *(_real_and_saturated(network, singles[at]) for at in watch(farthest, "evaluating in float64")),
        strict=True,
    )
    real = np.stack(reals).reshape(-1, *wanted.shape[1:])
    same = _decisions(exact) == _decisions(wanted)
    one = [each[:1] for each in fields]
    return Comparison(
        samples=len(singles),
        largest_error=float(error.max()),
        mean_error=float(error.mean()),
        largest_lowering_error=float(np.abs(real - wanted[farthest]).max() / span),
        largest_format_error=float(np.abs(exact[farthest] - real).max() / span),
        decisions=same.size,
        agreement=float(same.mean()),
        saturated=sum(outside),
        steps_off=_steps_off(network, elements, native),
        steps_below=_steps_below(elements, native),
        step=2.0**-network.program.output.scale,
        exact_seconds=_seconds(lambda: loaded.evaluate(one)),
        float_seconds=_seconds(lambda: run(singles[0])),
    )


def float_runner(model: ModelProto, network: Network) -> Callable[[Sequence[Reals]], Reals]:
    """Onnxruntime on one sample, by the threads that torch has: the output in float64.

    Raises:
        ComparisonError: It refuses the network.
    """
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _ERRORS
    options.intra_op_num_threads = torch.get_num_threads()
    try:
        session = onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
    except _REFUSALS as error:
        raise ComparisonError(str(error)) from error
    kinds = {each.name: INPUT_TYPES[each.type] for each in session.get_inputs() if each.type in INPUT_TYPES}

    def run(sample: Sequence[Reals]) -> Reals:
        named = {
            field.name: elements.reshape(field.shape).astype(kinds[field.name])
            for field, elements in zip(network.record.fields, sample, strict=True)
        }
        try:
            output = session.run([network.record.output_name], named)[0]
        except _REFUSALS as error:
            raise ComparisonError(str(error)) from error
        return np.asarray(output, np.float64)

    return run


def _real_and_saturated(network: Network, sample: Sequence[Reals]) -> tuple[Reals, int]:
    """The output for one sample in float64, and how many elements of all values their formats cannot hold."""
    count, elements = 0, np.zeros(0)
    for place, elements in values(network.record, sample):
        if network.record.nodes[place].operation is not Operation.CONSTANT:
            at = network.formats[place]
            outside = (elements < (at.low - 1) * at.unit) | (elements > (at.high + 1) * at.unit)
            count += int((outside & np.isfinite(elements)).sum())
    return elements, count


def _stored(network: Network, fields: Sequence[Array]) -> Arrays:
    """The samples that fields of a data set stand for."""
    pairs = zip(network.record.fields, network.program.fields, fields, strict=True)
    return {field.name: np.ldexp(each.astype(np.float64), -value.scale) for field, value, each in pairs}


def _steps_off(network: Network, exact: Array, native: Reals) -> tuple[int, ...]:
    """How far each sample's output is from the exact elements, rounded as native answers are; NaN is far."""
    output = network.program.output
    rounded = np.clip(np.rint(np.ldexp(native, output.scale)), output.low, output.high)
    off = np.nan_to_num(np.abs(rounded - exact), nan=INT32_MOST)
    return tuple(off.reshape(len(off), -1).max(1).astype(np.int64).tolist())


def _steps_below(exact: Array, native: Reals) -> tuple[int, ...]:
    """How far the exact scores of native decisions are below the largest ones, at most in a sample."""
    scores = _scores(exact)
    chosen = np.take_along_axis(scores, _decisions(native)[..., None], -1)[..., 0]
    below = scores.max(-1).astype(np.int64) - chosen
    return tuple(below.reshape(len(below), -1).max(1).tolist())


def _decisions(outputs: Array) -> Array:
    """Which score is the largest, for every sample and every place of the axes before the last."""
    return np.asarray(_scores(outputs).argmax(-1))


def _scores(outputs: Array) -> Array:
    """Outputs (N, ...) with what decisions are between along the last axis: one score where there is none."""
    return outputs[:, None] if outputs.ndim < 2 else outputs


def _seconds(work: Callable[[], object]) -> float:
    """Seconds of the fastest of some rounds, after one that warms up."""
    work()
    fastest = float("inf")
    for _ in range(ROUNDS):
        start = perf_counter()
        work()
        fastest = min(fastest, perf_counter() - start)
    return fastest
