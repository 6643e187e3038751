"""What the torch backend's convolutions read: margins, patches, and the parts that are worked on at once."""

from collections.abc import Iterator, Sequence
from functools import lru_cache
from typing import Final

from torch import Tensor

from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.steps import Step
from anh_rollup.tensor.shapes import Window, window

#: Bytes of the patches of a convolution that are unfolded at once, such that they stay in a core's cache
#: (measured: 1 to 2 MiB are best; all at once takes 1.1 to 1.9 times as long).
PATCH_BYTES: Final = 1 << 21
#: A product of fewer rows than this is a waste of BLAS, so that many are unfolded even where they take more,
#: up to the bytes below it (choice).
PATCH_ROWS: Final = 64
MOST_PATCH_BYTES: Final = 1 << 25

#: Geometries that are kept, with their tables (choice): those of several networks at once.
KEPT_GEOMETRIES: Final = 64

#: Some rows and columns of outputs.
Place = tuple[slice, slice]


@lru_cache(maxsize=KEPT_GEOMETRIES)
def geometry(shapes: Sequence[Shape], attributes: tuple[int, ...]) -> Window:
    """The geometry of a CONV, from the shapes of what it reads."""
    return window(shapes[0], shapes[1], attributes)


def parts_of(shape: Sequence[int], patch_bytes: int) -> Iterator[tuple[slice, list[Place]]]:
    """What is worked on at once of outputs (N, rows, columns, ...): samples, else rows, else columns."""
    samples, rows, columns = shape[:3]
    at_once = max(1, PATCH_BYTES // patch_bytes, min(PATCH_ROWS, MOST_PATCH_BYTES // patch_bytes))
    places = [
        (some_rows, some_columns)
        for some_rows in _slices(rows, at_once // columns)
        for some_columns in _slices(columns, at_once)
    ]
    for some_samples in _slices(samples, at_once // (rows * columns)):
        yield some_samples, places


def _slices(count: int, most: int) -> list[slice]:
    """Parts of `count` that are no larger than `most`, or 1: as few and as equal as can be."""
    parts = -(-count // max(1, most))
    size = -(-count // parts)
    return [slice(start, min(start + size, count)) for start in range(0, count, size)]


def with_margins(image: Tensor, step: Step) -> Tensor:
    """Images (N, height, width, channels) with a CONV's margins of zeros."""
    top, left, bottom, right = step.value.attributes[5:9]
    if not any((top, left, bottom, right)):
        return image.contiguous()
    samples, height, width, channels = image.shape
    result = image.new_zeros((samples, top + height + bottom, left + width + right, channels))
    result[:, top : top + height, left : left + width] = image
    return result


def patches_of(image: Tensor, g: Window) -> Tensor:
    """What each output element reads: (N, out_h, out_w, kernel_h, kernel_w, channels), without a copy."""
    samples, row, column, _ = image.stride()
    strides = (
        samples,
        row * g.stride[0],
        column * g.stride[1],
        row * g.dilation[0],
        column * g.dilation[1],
        1,
    )
    size = (image.shape[0], g.out_h, g.out_w, g.kernel_h, g.kernel_w, g.channels)
    return image.as_strided(size, strides)
