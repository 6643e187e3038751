"""The shapes of a network's inputs: what the graph declares, what samples show, and what stays open."""

import re
from collections.abc import Mapping
from typing import Any

from numpy.typing import NDArray
from onnx import ModelProto, ValueInfoProto

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.errors import InputRefusedError
from anh_rollup.importing.onnx_file import MOST_NAME


def declared_shape(value: ValueInfoProto) -> Shape:
    """The sizes that a graph declares; 0 for those that it leaves open."""
    sizes = value.type.tensor_type.shape.dim
    return tuple(each.dim_value if each.HasField("dim_value") else 0 for each in sizes)


def with_sample_axis(declared: Shape) -> Shape:
    """A declared shape with 1 for the number of samples, where that is free."""
    return (1, *declared[1:]) if declared[:1] == (0,) else declared


def shapes_shown(
    model: ModelProto, shapes: Mapping[str, Shape], samples: Mapping[str, NDArray[Any]]
) -> dict[str, Shape]:
    """Shapes of inputs: those given, and of inputs that the model leaves open those of samples.

    Args:
        model: As `onnx_file.decode_model` gives it.
        shapes: By the inputs' names, with the dimension for samples.
        samples: By the inputs' names, arrays (N, *shape of one sample). Those that do not fit show nothing.
    """
    found = dict(shapes)
    for value in model.graph.input:
        declared = with_sample_axis(declared_shape(value))
        given = samples.get(value.name)
        if value.name in found or given is None or 0 not in declared:
            continue
        shown = (1, *given.shape[1:]) if declared[0] == 1 else given.shape[1:]
        if len(shown) == len(declared):
            found[value.name] = tuple(size or other for size, other in zip(declared, shown, strict=True))
    return found


def open_shape(value: ValueInfoProto) -> InputRefusedError:
    """What an input is refused with whose shape nothing tells."""
    shape = with_sample_axis(declared_shape(value))
    names = {
        place: each.dim_param[:MOST_NAME]
        for place, each in enumerate(value.type.tensor_type.shape.dim)
        if not shape[place]
    }
    letters = {place: re.sub(r"\W", "", name).upper() or f"N{place}" for place, name in names.items()}
    written = "x".join(letters.get(place, str(size)) for place, size in enumerate(shape))
    words = ", ".join(f"{place} ({name!r})" if name else str(place) for place, name in names.items())
    several = "s" if len(names) > 1 else ""
    return InputRefusedError(
        value.name[:MOST_NAME],
        f"the network leaves open the size{several} of dimension{several} {words}",
        remedy=f"Give --samples, or --input-shape {value.name[:MOST_NAME]}={written} with "
        f"{'numbers' if several else 'a number'} for {' and '.join(dict.fromkeys(letters.values()))}.",
    )
