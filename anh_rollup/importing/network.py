"""From a checked ONNX model to a program, a model, and what connects them to the network's real numbers."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from onnx import ModelProto

from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.emission import Emitted, emit
from anh_rollup.importing.errors import InputRefusedError, WeightlessError
from anh_rollup.importing.formats import Format, formats_of
from anh_rollup.importing.fusion import fused
from anh_rollup.importing.graph import lower
from anh_rollup.importing.headroom import with_headroom
from anh_rollup.importing.input_shapes import shapes_shown
from anh_rollup.importing.masks import bounded_masks
from anh_rollup.importing.moments import centred_moments
from anh_rollup.importing.onnx_file import MOST_NAME
from anh_rollup.importing.ranges import Range, ranges_of
from anh_rollup.importing.record import Operation, Reals, Record
from anh_rollup.importing.refinement import refined
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.watching import Watch, unwatched

Arrays = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """An imported network.

    Attributes:
        record: What it computes, on real numbers.
        ranges: Where each node's numbers lie.
        formats: The number format of each node.
        emitted: The program, the parameters, and how near tables are.
        setting: How it was imported.
    """

    record: Record
    ranges: tuple[Range, ...]
    formats: tuple[Format, ...]
    emitted: Emitted
    setting: Setting

    @property
    def program(self) -> Program:
        """The architecture."""
        return self.emitted.program

    @property
    def model(self) -> Model:
        """The parameters as an artifact.

        Raises:
            WeightlessError: There are none.
        """
        if not self.emitted.parameters:
            raise WeightlessError
        return Model(self.emitted.parameters)

    def quantized(self, samples: Arrays) -> list[Tensor]:
        """Samples as fields of a data set: per field an int32 array (N, *shape), saturated at its bounds.

        Args:
            samples: By the inputs' names, arrays (N, *shape of one sample).
        """
        fields = []
        for field, value in zip(self.record.fields, self.program.fields, strict=True):
            steps = np.floor(np.ldexp(np.asarray(samples[field.name], np.float64), value.scale) + 0.5)
            fields.append(np.clip(steps, value.low, value.high).astype(np.int32))
        return fields

    def real(self, outputs: Tensor) -> Reals:
        """Elements of the output as real numbers."""
        return np.ldexp(outputs.astype(np.float64), -self.program.output.scale)


@dataclass(frozen=True, slots=True)
class Outside:
    """Elements of samples that lie outside of an input's range: a data set has the nearest ones instead.

    Attributes:
        name: The input.
        count: How many elements.
        size: Of how many.
        low, high: The range, in the input's own units.
    """

    name: str
    count: int
    size: int
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.count:,} of {self.size:,} elements lie outside of [{self.low:.6g}, {self.high:.6g}]"


def outside(network: Network, samples: Arrays) -> list[Outside]:
    """The inputs with elements that their number formats do not hold; arguments as for `quantized`."""
    found = []
    for field, value in zip(network.record.fields, network.program.fields, strict=True):
        low, high = np.ldexp([float(value.low), float(value.high)], -value.scale).tolist()
        elements, half = np.asarray(samples[field.name], np.float64), 2.0**-value.scale / 2
        count = int(((elements < low - half) | (elements >= high + half)).sum())
        if count:
            found.append(Outside(field.name, count, elements.size, low, high))
    return found


def classes_of(network: Network) -> int:
    """How many scores lie along the output's last axis.

    Raises:
        InputRefusedError: Fewer than two, between which there is nothing to decide.
    """
    shape = network.program.output.shape
    if not shape or shape[-1] < 2:
        raise InputRefusedError(
            network.record.output_name[:MOST_NAME],
            f"an output of shape {shape} has no scores of several classes along its last axis",
            remedy="Name an output that has with --output, or export the network with one; where its output "
            "is a decision already, leave --decisions out.",
        )
    return shape[-1]


def import_network(
    model: ModelProto,
    *,
    shapes: Mapping[str, Shape] | None = None,
    samples: Arrays | None = None,
    setting: Setting = Setting.PRECISE,
    output: str | None = None,
    watch: Watch = unwatched,
) -> Network:
    """Imports a checked model.

    Args:
        model: As `onnx_file.read_model` gives it.
        shapes: Shapes of inputs that the model leaves open; where not given, samples show them.
        samples: By the inputs' names, arrays (N, *shape of one sample) that show the ranges of all values.
        setting: How many bits weights and tables have.
        output: Which output; the first where not given.
        watch: Shows how far it is with the samples.

    Raises:
        ImportingError: The network cannot be imported.
        ProgramError: A range is too wide for an exact sum.
    """
    known = shapes_shown(model, shapes or {}, samples or {})
    return network_of(lowered(model, known, output=output), samples, setting, watch)


def lowered(
    model: ModelProto,
    shapes: Mapping[str, Shape] | None = None,
    known: Arrays | None = None,
    output: str | None = None,
) -> Record:
    """The record of a checked model, with as few nodes as it needs; arguments as for `graph.lower`."""
    return bounded_masks(centred_moments(fused(lower(model, shapes, known, output))))


def network_of(
    record: Record,
    samples: Arrays | None = None,
    setting: Setting = Setting.PRECISE,
    watch: Watch = unwatched,
) -> Network:
    """A record with number formats; arguments and errors as for `import_network`."""
    shown = None if samples is None else split_samples(record, samples)
    ranges = _ranges(record, None if shown is None else watch(shown, "finding ranges"), setting)
    better = refined(record, ranges)
    if better is not record:
        record = better
        ranges = _ranges(record, None if shown is None else watch(shown, "finding ranges again"), setting)
    formats = formats_of(record, ranges)
    return Network(record, tuple(ranges), tuple(formats), emit(record, ranges, formats, setting), setting)


def _ranges(record: Record, shown: Iterable[Sequence[Reals]] | None, setting: Setting) -> list[Range]:
    found = ranges_of(record, shown)
    return found if setting.headroom == 1 else with_headroom(record, found, setting)


def split_samples(record: Record, samples: Arrays) -> list[list[Reals]]:
    """Sample by sample, the elements of each field; errors as for `check_samples`."""
    count = check_samples(record, samples)
    fields = [np.asarray(samples[field.name], np.float64) for field in record.fields]
    return [[each[at] for each in fields] for at in range(count)]


def check_weights(record: Record, setting: Setting) -> None:
    """Refuses a network of which no constant can become a parameter, before the work of importing it.

    Raises:
        WeightlessError: It is one.
    """
    kernels = {
        node.inputs[1] for node in record.nodes if node.operation in (Operation.MATMUL, Operation.CONV)
    }
    for place, node in enumerate(record.nodes):
        if node.operation is Operation.CONSTANT and (
            place in kernels or (node.is_weight and (setting.headroom > 1 or node.elements.any()))
        ):
            return
    raise WeightlessError


def check_samples(record: Record, samples: Arrays) -> int:
    """How many samples a network is given; 1 where it has no inputs.

    Raises:
        InputRefusedError: An input has no samples, other shapes, or elements that are no numbers.
    """
    counts = set()
    for field in record.fields:
        given = samples.get(field.name)
        if given is None:
            raise InputRefusedError(
                field.name[:MOST_NAME],
                f"no samples; there are some of {_names(samples)}",
                remedy="Name the arrays of the .npz file as the network's inputs.",
            )
        wanted = ", ".join(map(str, ("N", *field.sample_shape)))
        remedy = f"Save an array ({wanted}): its first axis is the sample."
        if given.ndim < 1 or given.shape[1:] != field.sample_shape:
            reason = f"samples of shape {given.shape}, expected ({wanted})"
            raise InputRefusedError(field.name[:MOST_NAME], reason, remedy=remedy)
        if not len(given):
            raise InputRefusedError(
                field.name[:MOST_NAME], f"its array of shape {given.shape} has no sample", remedy=remedy
            )
        if given.dtype.kind not in "fiub" or not np.isfinite(given).all():
            raise InputRefusedError(
                field.name[:MOST_NAME],
                "samples that are no finite numbers",
                remedy="Leave out, or mend, samples with NaN or infinity.",
            )
        counts.add(len(given))
    if len(counts) > 1:
        raise InputRefusedError("samples", f"{sorted(counts)} of them for different inputs")
    return next(iter(counts), 1)


def _names(samples: Arrays) -> str:
    return ", ".join(samples)[:120] or "nothing"
