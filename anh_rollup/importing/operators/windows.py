"""The geometry that convolutions and poolings share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod

from anh_rollup.evaluation.workload import LEAST_PADDED, MOST_MARGIN
from anh_rollup.importing.operators.context import Context
from anh_rollup.importing.recorder import MOST_ELEMENTS
from anh_rollup.tensor.shapes import reach, window_count


@dataclass(frozen=True, slots=True)
class Geometry:
    """How a kernel lies over the places of an input, dimension by dimension.

    Attributes:
        kernel, strides, dilations: One number for each dimension.
        before, after: Margins.
    """

    kernel: tuple[int, ...]
    strides: tuple[int, ...]
    dilations: tuple[int, ...]
    before: tuple[int, ...]
    after: tuple[int, ...]

    def sizes(self, places: Sequence[int]) -> list[int]:
        """How many windows there are along each dimension."""
        return [
            window_count(
                size + self.before[at] + self.after[at], self.kernel[at], self.strides[at], self.dilations[at]
            )
            for at, size in enumerate(places)
        ]

    def reach(self, at: int) -> int:
        """Places that a kernel covers along a dimension."""
        return reach(self.kernel[at], self.dilations[at])

    def attributes(self, groups: int) -> tuple[int, ...]:
        """The geometry as CONV has it, for one or two dimensions."""
        lift = (1, 1, 0, 0) if len(self.kernel) == 1 else ()
        if lift:
            return (1, *self.strides, 0, *self.before, 0, *self.after, 1, *self.dilations, groups)
        return (*self.strides, *self.before, *self.after, *self.dilations, groups)


def geometry(c: Context, places: Sequence[int], kernel: Sequence[int]) -> Geometry:
    """The geometry of a node over an input with these places."""
    rank = len(places)
    strides = c.attribute("strides", list[int]()) or [1] * rank
    dilations = c.attribute("dilations", list[int]()) or [1] * rank
    pads = c.attribute("pads", list[int]()) or [0] * (2 * rank)
    if not len(kernel) == len(strides) == len(dilations) == len(pads) // 2 == rank:
        raise c.refuse(
            f"kernel {list(kernel)[:4]}, strides {strides[:4]} and pads {pads[:8]} for {rank} dimensions"
        )
    if min((*kernel, *strides, *dilations)) < 1:
        raise c.refuse("a kernel, stride or dilation below 1")
    before, after = list(pads[:rank]), list(pads[rank:])
    mode = c.attribute("auto_pad", "NOTSET")
    if mode in ("SAME_UPPER", "SAME_LOWER"):
        for at, size in enumerate(places):
            covered = (-(-size // strides[at]) - 1) * strides[at] + reach(kernel[at], dilations[at])
            total = max(0, covered - size)
            less, more = total // 2, total - total // 2
            before[at], after[at] = (less, more) if mode == "SAME_UPPER" else (more, less)
    elif mode == "VALID":
        before, after = [0] * rank, [0] * rank
    if min((*before, *after)) < 0:
        raise c.refuse(f"a margin below 0 among pads {pads[:8]}")
    return Geometry(tuple(kernel), tuple(strides), tuple(dilations), tuple(before), tuple(after))


def check_padded(c: Context, padded: Sequence[int], read: Sequence[int], given: Sequence[int]) -> None:
    """Refuses an input whose margins are nearly all of it: they are written down, and few windows read them.

    Args:
        c: The node.
        padded: The input's shape with its margins.
        read: Without them.
        given: The output's.

    Raises:
        OperatorRefusedError: It has more elements with its margins than any value may have, or is so much
            larger than input and output together that an evaluation of the program would not write it down.
    """
    size, together = prod(padded), prod(read) + prod(given)
    most = min(MOST_ELEMENTS, max(LEAST_PADDED, MOST_MARGIN * together))
    if size > most:
        raise c.refuse(
            f"{size} elements with its margins, {most} are the most where input and output have {together}"
        )
