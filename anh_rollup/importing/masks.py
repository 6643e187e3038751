"""Masks of attention: what is added to a score so that its share becomes nothing.

Exporters write them as minus infinity, or as the least float, which no number format has beside scores. Where
such a constant only reaches a softmax, everything far enough below the scores means the same: a share of 0.
"""

from dataclasses import replace
from math import isfinite
from typing import Final

import numpy as np

from anh_rollup.importing.errors import FormatRefusedError
from anh_rollup.importing.record import Operation, RealNode, Reals, Record

#: What a mask becomes: far below every score, and still beside them in 30 bits (choice).
MASKED: Final = -(2.0**14)
#: Numbers up to this one are masks (choice: just above what exporters take for float16's least number).
MOST_MASK: Final = -65_000.0
#: Constants beyond this are no weights (choice): a format that held them would hold nothing else.
MOST_CONSTANT: Final = 2.0**40
#: The least number that a mask may be multiplied by (choice): it is at -1,024 then.
LEAST_FACTOR: Final = 2.0**-4

#: What takes a mask for some elements only, depending on others.
_CHOOSING: Final = frozenset({Operation.SELECT, Operation.MUL})
#: What a mask may pass on its way to a softmax.
_PASSING: Final = frozenset(
    {
        Operation.ADD,
        Operation.MUL,
        Operation.SELECT,
        Operation.VIEW,
        Operation.CONCAT,
        Operation.GATHER,
        Operation.PAD,
    }
)


def bounded_masks(record: Record) -> Record:
    """The record with masks that formats can hold.

    Raises:
        FormatRefusedError: A constant that is not finite, or very large, is used for something else.
    """
    readers = record.readers()
    nodes = list(record.nodes)
    for place, node in enumerate(nodes):
        if node.operation is not Operation.CONSTANT or not node.elements.size:
            continue
        low, high = float(node.elements.min()), float(node.elements.max())
        is_mask = low <= MOST_MASK and high < MOST_CONSTANT and _has_a_gap(node.elements)
        if is_mask and _only_masks(record.nodes, readers, place):
            _check_rows(record.nodes, readers[place], node)
            nodes[place] = replace(node, array=np.maximum(node.elements, MASKED), is_whole=False)
        elif not (isfinite(low) and isfinite(high)) or max(-low, high) > MOST_CONSTANT:
            raise FormatRefusedError(
                node.source, f"is a constant in [{low:.3g}, {high:.3g}], which is no mask"
            )
    return Record(tuple(nodes), record.fields, record.output_name)


def _has_a_gap(elements: Reals) -> bool:
    """Whether no number lies between masks and what they become."""
    return not ((elements > MOST_MASK) & (elements < MASKED)).any()


def _check_rows(nodes: tuple[RealNode, ...], readers: list[int], mask: RealNode) -> None:
    """Refuses finite numbers that mask a whole row: the share of each depends on the distances between them.

    Where they are all the same and only chosen or multiplied, others of a row are left.
    """
    rows = mask.elements.reshape(-1, mask.shape[-1] if mask.shape else 1)
    far = np.isfinite(rows) & (rows <= MOST_MASK)
    is_one = np.unique(rows[far]).size <= 1
    is_row = rows.shape[1] > 1 and not all(nodes[each].operation in _CHOOSING for each in readers)
    if far.all(axis=1).any() and (is_row or not is_one):
        raise FormatRefusedError(mask.source, "is a constant that masks a whole row by finite numbers")


def _only_masks(nodes: tuple[RealNode, ...], readers: list[list[int]], start: int) -> bool:
    """Whether a value reaches nothing but softmaxes."""
    left, seen = [start], {start}
    while left:
        place = left.pop()
        if not readers[place]:
            return False
        for reader in readers[place]:
            node = nodes[reader]
            if reader in seen or _is_softmax(nodes, readers, place, reader):
                continue
            if node.operation not in _PASSING or not _stays_far(nodes, node, place):
                return False
            seen.add(reader)
            left.append(reader)
    return True


def _stays_far(nodes: tuple[RealNode, ...], node: RealNode, place: int) -> bool:
    """Whether what an instruction makes of a mask is still far below every score."""
    if node.operation is Operation.SELECT:
        return node.inputs[0] != place
    if node.operation is not Operation.MUL:
        return True
    others = [nodes[each].elements for each in node.inputs if nodes[each].operation is Operation.CONSTANT]
    return not any(((np.abs(each) > 0) & (np.abs(each) < LEAST_FACTOR)).any() for each in others)


def _is_softmax(nodes: tuple[RealNode, ...], readers: list[list[int]], place: int, reader: int) -> bool:
    """Whether a reader takes the maximum for a softmax, or is the clamped distance to it."""
    if nodes[reader].operation is not Operation.LARGEST:
        return _is_distance(nodes[reader], place)
    value, left = _unmoved(nodes, place), [reader]
    while left:
        for each in readers[left.pop()]:
            if nodes[each].operation is Operation.VIEW:
                left.append(each)
            elif _is_distance(nodes[each]) and _unmoved(nodes, nodes[each].inputs[0]) == value:
                return True
    return False


def _is_distance(node: RealNode, place: int | None = None) -> bool:
    """Whether a node is a clamped distance to a maximum, from this value if one is given."""
    is_own = node.operation is Operation.SUB and place in (None, node.inputs[0])
    return is_own and isfinite(node.bounds[0]) and node.bounds[1] == 0


def _unmoved(nodes: tuple[RealNode, ...], place: int) -> int:
    """The value that views of views show."""
    while nodes[place].operation is Operation.VIEW:
        place = nodes[place].inputs[0]
    return place
