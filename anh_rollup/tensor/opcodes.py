"""The nineteen instructions of tensor programs: their numbers, arities and the bounds of their attributes.

What each computes is defined in docs/tensor-programs.md and, to run, in `anh_rollup.evaluation.operations`.
"""

from collections.abc import Sequence
from enum import IntEnum, IntFlag
from typing import Final

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.tensor.errors import AttributesRefusedError

#: Largest right shift: the rounding addend 2^(shift-1) still fits an int64.
MOST_SHIFT: Final = 62
#: Largest left shift, scaling power and table step: an int32 moved up by it still fits an int64.
MOST_SCALING: Final = 31
#: Largest number of terms in one sum of products or reduction: 64 blocks of 4,096 (docs/tensor-programs.md).
MOST_TERMS: Final = 262_144
#: A record counts its inputs in one byte.
MOST_INPUTS: Final = 255
#: Bounds that keep index arithmetic of windows far below 63 bits, and more than any network uses.
MOST_WINDOW: Final = 65_535
#: Dimensions that one index map may unravel over: twice the largest rank.
MOST_VIEW_DIMENSIONS: Final = 16


class Opcode(IntEnum):
    """An instruction's number in its record."""

    MATMUL = 1
    CONV = 2
    ADD = 3
    SUB = 4
    MUL = 5
    SHIFT = 6
    MIN = 7
    MAX = 8
    ABS = 9
    COMPARE = 10
    SELECT = 11
    TABLE = 12
    DIV = 13
    SQRT = 14
    REDUCE = 15
    VIEW = 16
    PAD = 17
    CONCAT = 18
    GATHER = 19


class Relation(IntEnum):
    """What COMPARE asks."""

    EQUAL = 0
    NOT_EQUAL = 1
    LESS = 2
    LESS_OR_EQUAL = 3
    GREATER = 4
    GREATER_OR_EQUAL = 5


class Reduction(IntEnum):
    """What REDUCE keeps of the removed axes."""

    SUM = 0
    MAX = 1
    ARGMAX = 2


class LinearFlags(IntFlag):
    """Which optional inputs MATMUL and CONV have after x and w, in this order."""

    BIAS = 1
    SHIFTS = 2


#: Instructions whose element is one sum (or maximum) over many terms, which a game opens block by block.
FOLDABLE: Final = frozenset({Opcode.MATMUL, Opcode.CONV, Opcode.REDUCE})

#: Instructions whose inputs broadcast against each other.
BROADCASTING: Final = frozenset(
    {
        Opcode.ADD,
        Opcode.SUB,
        Opcode.MUL,
        Opcode.MIN,
        Opcode.MAX,
        Opcode.COMPARE,
        Opcode.SELECT,
        Opcode.DIV,
    }
)

_FIXED_INPUTS: Final = {
    Opcode.ADD: 2,
    Opcode.SUB: 2,
    Opcode.MUL: 2,
    Opcode.SHIFT: 1,
    Opcode.MIN: 2,
    Opcode.MAX: 2,
    Opcode.ABS: 1,
    Opcode.COMPARE: 2,
    Opcode.SELECT: 3,
    Opcode.TABLE: 2,
    Opcode.DIV: 2,
    Opcode.SQRT: 1,
    Opcode.REDUCE: 1,
    Opcode.VIEW: 1,
    Opcode.PAD: 1,
    Opcode.GATHER: 2,
}

_SCALING: Final = (0, MOST_SCALING)
_SIGNED_SHIFT: Final = (-MOST_SCALING, MOST_SHIFT)
_SHIFT: Final = (0, MOST_SHIFT)
_STEP: Final = (1, MOST_WINDOW)
_MARGIN: Final = (0, MOST_WINDOW)
_INT32: Final = (INT32_LEAST, INT32_MOST)
_AXIS: Final = (0, 7)
_FLAGS: Final = (0, int(LinearFlags.BIAS | LinearFlags.SHIFTS))

#: Inclusive bounds of each attribute, by name; VIEW and PAD have lists and are checked apart.
_BOUNDS: Final[dict[Opcode, tuple[tuple[str, tuple[int, int]], ...]]] = {
    Opcode.MATMUL: (("shift", _SHIFT), ("guard", _SHIFT), ("flags", _FLAGS)),
    Opcode.CONV: (
        ("shift", _SHIFT),
        ("guard", _SHIFT),
        ("flags", _FLAGS),
        ("stride_h", _STEP),
        ("stride_w", _STEP),
        ("pad_top", _MARGIN),
        ("pad_left", _MARGIN),
        ("pad_bottom", _MARGIN),
        ("pad_right", _MARGIN),
        ("dilation_h", _STEP),
        ("dilation_w", _STEP),
        ("groups", (1, INT32_MOST)),
    ),
    Opcode.ADD: (("p", _SCALING), ("q", _SCALING), ("shift", _SIGNED_SHIFT)),
    Opcode.SUB: (("p", _SCALING), ("q", _SCALING), ("shift", _SIGNED_SHIFT)),
    Opcode.MUL: (("shift", _SIGNED_SHIFT),),
    Opcode.SHIFT: (("shift", _SIGNED_SHIFT),),
    Opcode.MIN: (),
    Opcode.MAX: (),
    Opcode.ABS: (),
    Opcode.COMPARE: (("relation", (0, 5)),),
    Opcode.SELECT: (),
    Opcode.TABLE: (("origin", _INT32), ("step", _SCALING)),
    Opcode.DIV: (("p", _SCALING),),
    Opcode.SQRT: (("p", _SCALING),),
    Opcode.REDUCE: (("kind", (0, 2)), ("shift", _SHIFT), ("first_axis", _AXIS), ("axis_count", (1, 8))),
    Opcode.CONCAT: (("axis", _AXIS),),
    Opcode.GATHER: (("axis", _AXIS),),
}


def attribute_names(opcode: Opcode, attributes: Sequence[int]) -> tuple[str, ...]:
    """The name of each attribute of an instruction, for people."""
    if opcode is Opcode.VIEW:
        dims = (len(attributes) - 2) // 2
        return (
            "offset",
            "n",
            *(f"dim_{i + 1}" for i in range(dims)),
            *(f"stride_{i + 1}" for i in range(dims)),
        )
    if opcode is Opcode.PAD:
        return ("value", *(f"before_{i}" for i in range(len(attributes) - 1)))
    return tuple(name for name, _ in _BOUNDS[opcode])


def check_input_count(opcode: Opcode, attributes: Sequence[int], count: int) -> None:
    """Raises `AttributesRefusedError` where an instruction has too few or too many inputs."""
    if opcode is Opcode.CONCAT:
        wrong = not 1 <= count <= MOST_INPUTS
        expected = f"1 to {MOST_INPUTS}"
    elif opcode in (Opcode.MATMUL, Opcode.CONV):
        wanted = 2 + attributes[2].bit_count()
        wrong, expected = count != wanted, str(wanted)
    else:
        wanted = _FIXED_INPUTS[opcode]
        wrong, expected = count != wanted, str(wanted)
    if wrong:
        raise AttributesRefusedError(opcode.name, f"{count} inputs, expected {expected}")


def check_attributes(opcode: Opcode, attributes: Sequence[int]) -> None:
    """Raises `AttributesRefusedError` where an attribute is missing, spare or out of its bounds."""
    if opcode is Opcode.VIEW:
        _check_view(attributes)
    elif opcode is Opcode.PAD:
        _check_list(opcode, attributes, 1, 9)
    else:
        _check_named(opcode, attributes)
    if opcode in (Opcode.MATMUL, Opcode.CONV):
        _check_shifts(opcode, attributes)
    if opcode is Opcode.REDUCE and attributes[0] != Reduction.SUM and attributes[1] != 0:
        raise AttributesRefusedError(opcode.name, f"shift {attributes[1]} with a reduction that is no sum")


def _check_named(opcode: Opcode, attributes: Sequence[int]) -> None:
    bounds = _BOUNDS[opcode]
    if len(attributes) != len(bounds):
        raise AttributesRefusedError(opcode.name, f"{len(attributes)} attributes, expected {len(bounds)}")
    for (name, (low, high)), given in zip(bounds, attributes, strict=True):
        if not low <= given <= high:
            raise AttributesRefusedError(opcode.name, f"{name} {given} is not in [{low}, {high}]")


def _check_list(opcode: Opcode, attributes: Sequence[int], fewest: int, most: int) -> None:
    if not fewest <= len(attributes) <= most:
        raise AttributesRefusedError(
            opcode.name, f"{len(attributes)} attributes, expected {fewest} to {most}"
        )
    for given in attributes:
        if not INT32_LEAST <= given <= INT32_MOST:
            raise AttributesRefusedError(opcode.name, f"attribute {given} is no int32")


def _check_view(attributes: Sequence[int]) -> None:
    _check_list(Opcode.VIEW, attributes, 2, 2 + 2 * MOST_VIEW_DIMENSIONS)
    dims = attributes[1]
    if len(attributes) != 2 + 2 * dims:
        raise AttributesRefusedError("VIEW", f"{len(attributes)} attributes for n = {dims}")
    if any(size < 1 for size in attributes[2 : 2 + dims]):
        raise AttributesRefusedError("VIEW", f"dims {tuple(attributes[2 : 2 + dims])} are not all at least 1")


def _check_shifts(opcode: Opcode, attributes: Sequence[int]) -> None:
    shift, guard, flags = attributes[:3]
    if flags & LinearFlags.SHIFTS and shift != 0:
        raise AttributesRefusedError(opcode.name, f"shift {shift} beside shifts per channel")
    if not flags & LinearFlags.SHIFTS and guard > shift:
        raise AttributesRefusedError(opcode.name, f"guard {guard} above shift {shift}")
    if not flags & LinearFlags.BIAS and guard != 0:
        raise AttributesRefusedError(opcode.name, f"guard {guard} without a bias")
