"""Masks of attention: what is added to a score so that its share becomes nothing.

Exporters write them as minus infinity, or as the least float, which no number format has beside scores. Where
such a constant only reaches a softmax, everything far enough below the scores means the same: a share of 0.
"""

from dataclasses import replace
from math import isfinite
from typing import Final

import numpy as np

from anh_rollup.importing.errors import FormatRefusedError
from anh_rollup.importing.record import Operation, RealNode, Record

#: What a mask becomes: far below every score, and still beside them in 30 bits (choice).
MASKED: Final = -(2.0**14)
#: Constants beyond this are no weights (choice): a format that held them would hold nothing else.
MOST_CONSTANT: Final = 2.0**40
#: The least number that a mask may be multiplied by (choice): it is at -1,024 then.
LEAST_FACTOR: Final = 2.0**-4

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
        if low < MASKED and high < MOST_CONSTANT and _only_masks(record.nodes, readers, place):
            nodes[place] = replace(node, array=np.maximum(node.elements, MASKED), is_whole=False)
        elif not (isfinite(low) and isfinite(high)) or max(-low, high) > MOST_CONSTANT:
            raise FormatRefusedError(
                node.source, f"is a constant in [{low:.3g}, {high:.3g}], which is no mask"
            )
    return Record(tuple(nodes), record.fields, record.output_name)


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
    """Whether a reader takes the maximum, or is the clamped distance to it."""
    node = nodes[reader]
    if node.operation is Operation.LARGEST:
        return any(nodes[each].operation in (Operation.SUB, Operation.VIEW) for each in readers[reader])
    is_distance = node.operation is Operation.SUB and node.inputs[0] == place
    return is_distance and isfinite(node.bounds[0]) and node.bounds[1] == 0
