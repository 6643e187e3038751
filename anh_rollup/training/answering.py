"""Answers of inference jobs from the float reading, by torch or by onnxruntime: nobody checks which."""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Final

import numpy as np
import onnxruntime
import torch
from onnxruntime.capi import onnxruntime_pybind11_state
from torch import Tensor

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.importing.input_types import INPUT_TYPES
from anh_rollup.tensor.program import Program
from anh_rollup.training.engines import AnsweringEngine
from anh_rollup.training.errors import AnsweringError, TrainingError
from anh_rollup.training.float_program import FloatProgram, real_fields, to_elements
from anh_rollup.training.onnx_graph import to_onnx
from anh_rollup.training.trainer import WORTH_THREADS
from anh_rollup.watching import Watch, unwatched

LOG = logging.getLogger(__name__)

#: Samples that are answered at once, and elements of all values of a program for them together: they bound
#: memory (choices; measured: 16 bytes an element, so 4 GiB).
SAMPLES_AT_ONCE: Final = 256
ELEMENTS_AT_ONCE: Final = 1 << 28

#: Most elements of all parameters in an ONNX file: protobuf ends at 2 GiB.
MOST_ONNX_PARAMETERS: Final = 1 << 28

#: Values of a program whose graph onnxruntime loads in seconds: an LSTM of 2,906 took it three minutes.
MOST_ONNX_VALUES: Final = 1 << 11

#: onnxruntime's level of log messages from which on they are shown: errors.
ORT_ERRORS: Final = 3

#: What onnxruntime raises: classes without a base of their own.
ORT_EXCEPTIONS: Final = tuple(
    each
    for each in vars(onnxruntime_pybind11_state).values()
    if isinstance(each, type) and issubclass(each, Exception)
)

#: From real fields of some samples to the output (samples, *shape) in real units.
Run = Callable[[Sequence[Tensor]], Tensor]


def answer(
    architecture: Program,
    samples: Dataset,
    parameters: Sequence[Elements],
    engine: str = "auto",
    *,
    network: bytes | None = None,
    watch: Watch = unwatched,
) -> tuple[Elements, ...]:
    """The architecture's outputs from its float reading, rounded to the output's scale: one answer a sample.

    Args:
        architecture: What to run.
        samples: Its fields are the data set's first ones.
        parameters: Exact parameters.
        engine: One of `ENGINES`; `auto` is onnxruntime, and torch for what onnxruntime does not take.
        network: The ONNX file that the architecture was imported from, which `auto` runs as it is: where it
            refuses a sample or gives no number, the program answers all.
        watch: Shows how far it is with the groups of samples.

    Raises:
        AnsweringError: Data and program do not fit, or the chosen engine does not take the program.
    """
    try:
        fields = real_fields(architecture, samples)
        if network is not None and engine == AnsweringEngine.AUTO:
            try:
                return _answers(architecture, fields, with_network(network), watch)
            except (AnsweringError, TrainingError) as error:
                LOG.info("answering by the program: %s", error.reason)
        return _answers(architecture, fields, ENGINES[engine](architecture, parameters), watch)
    except TrainingError as error:
        raise AnsweringError(error.reason) from error


def _answers(architecture: Program, fields: Sequence[Tensor], run: Run, watch: Watch) -> tuple[Elements, ...]:
    """All samples, group by group: rounded at once, for an element is four bytes then instead of eight."""
    step = samples_at_once(architecture)
    starts = range(0, len(fields[0]), step)
    groups = (run([field[first : first + step] for field in fields]) for first in watch(starts, "answering"))
    shape = architecture.output.shape
    outputs = [to_elements(each.reshape(-1, *shape), architecture.output) for each in groups]
    return (np.concatenate(outputs),)


def samples_at_once(architecture: Program) -> int:
    """How many samples are answered at once: fewer where a program's values are large."""
    elements = sum(value.size for value in architecture.values)
    return max(1, min(SAMPLES_AT_ONCE, ELEMENTS_AT_ONCE // elements))


def with_torch(architecture: Program, parameters: Sequence[Elements]) -> Run:
    """The float reading as a torch module."""
    module = FloatProgram(architecture)
    module.load(parameters)

    def run(fields: Sequence[Tensor]) -> Tensor:
        with torch.inference_mode():
            output: Tensor = module(fields)
        return output

    return run


def with_onnxruntime(architecture: Program, parameters: Sequence[Elements]) -> Run:
    """The float reading as an onnxruntime session.

    Raises:
        AnsweringError: The model is too large for an ONNX file, or onnxruntime refuses it.
        TrainingError: The program has no ONNX graph.
    """
    if sum(each.size for each in parameters) > MOST_ONNX_PARAMETERS:
        raise AnsweringError("the model is larger than an ONNX file can be", remedy="Answer with torch.")
    elements = sum(value.size for value in architecture.values) * samples_at_once(architecture)
    graph = to_onnx(architecture, parameters).SerializeToString()
    session = _session(graph, 1 if elements < WORTH_THREADS else 0)

    def run(fields: Sequence[Tensor]) -> Tensor:
        named = {f"field_{place}": field.numpy() for place, field in enumerate(fields)}
        with _refusals():
            return torch.from_numpy(session.run(["output"], named)[0])

    return run


def with_network(network: bytes) -> Run:
    """The network that a program was imported from, as onnxruntime runs it: one sample after the other.

    Args:
        network: Its ONNX file, as `importing.runnable` writes it.

    Raises:
        AnsweringError: Onnxruntime refuses it.
    """
    session = _session(network)
    inputs = [(each.name, each.shape, INPUT_TYPES[each.type]) for each in session.get_inputs()]

    def run(fields: Sequence[Tensor]) -> Tensor:
        outputs = []
        for sample in zip(*(field.numpy() for field in fields), strict=True):
            named = {
                name: elements.reshape(shape).astype(kind)
                for elements, (name, shape, kind) in zip(sample, inputs, strict=True)
            }
            with _refusals():
                outputs.append(session.run(None, named)[0])
        return torch.from_numpy(np.stack(outputs).astype(np.float64))

    return run


def _session(graph: bytes, threads: int = 0) -> onnxruntime.InferenceSession:
    """Onnxruntime on the processor; 0 threads are as many as it likes."""
    options = onnxruntime.SessionOptions()
    options.log_severity_level = ORT_ERRORS
    options.intra_op_num_threads = threads
    with _refusals():
        return onnxruntime.InferenceSession(graph, options, providers=["CPUExecutionProvider"])


@contextmanager
def _refusals() -> Iterator[None]:
    """Makes an `AnsweringError` of whatever onnxruntime raises."""
    try:
        yield
    except ORT_EXCEPTIONS as error:
        raise AnsweringError(f"onnxruntime refuses it: {error}", remedy="Answer with torch.") from error


def with_either(architecture: Program, parameters: Sequence[Elements]) -> Run:
    """Onnxruntime where it takes the program and is soon ready, otherwise torch."""
    if len(architecture.values) > MOST_ONNX_VALUES:
        LOG.info("answering with torch: the program has %d values", len(architecture.values))
        return with_torch(architecture, parameters)
    try:
        return with_onnxruntime(architecture, parameters)
    except (AnsweringError, TrainingError) as error:
        LOG.info("answering with torch: %s", error.reason)
        return with_torch(architecture, parameters)


#: How answers can be computed, by the name that the command line uses.
ENGINES: Final[Mapping[str, Callable[[Program, Sequence[Elements]], Run]]] = {
    AnsweringEngine.AUTO: with_either,
    AnsweringEngine.ONNXRUNTIME: with_onnxruntime,
    AnsweringEngine.TORCH: with_torch,
}
