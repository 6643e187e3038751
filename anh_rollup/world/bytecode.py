"""EVM code as bytes: where it may jump to, and which instructions it can reach."""

import re
from collections.abc import Iterator
from functools import lru_cache
from typing import Final, SupportsInt

_JUMPDEST, _PUSH1, _PUSH32 = 0x5B, 0x60, 0x7F

_ENDS: Final = frozenset({0x00, 0x56, 0xF3, 0xFD, 0xFE, 0xFF})
"""STOP, JUMP, RETURN, REVERT, INVALID, SELFDESTRUCT: what comes next is reached by a jump alone."""

_PUSHES: Final = b"|".join(
    b"\\x%02x.{0,%d}" % (instruction, instruction - _PUSH1 + 1) for instruction in range(_PUSH1, _PUSH32 + 1)
)
_TO_JUMPDEST: Final = re.compile(rb"(?:[^\x5b\x60-\x7f]|" + _PUSHES + rb")*+\x5b", re.DOTALL)
"""Instructions with their data up to the next JUMPDEST."""

_MOST_MASKS: Final = 4_096
"""Codes whose jump destinations are remembered, one byte for each byte of code. Contracts that call one
another in turn, for 100 gas a call, must not have them found anew with each call."""


class JumpDestinations:
    """Where a piece of code may jump to. They are found when the first jump asks.

    Args:
        code: The code.
    """

    def __init__(self, code: bytes) -> None:
        self._code = code

    def __contains__(self, destination: SupportsInt) -> bool:
        place = int(destination)
        return place < len(self._code) and _mask(self._code)[place] == 1

    def __iter__(self) -> Iterator[int]:
        """All of them, in order."""
        return (place for place, is_destination in enumerate(_mask(self._code)) if is_destination)


@lru_cache(maxsize=_MOST_MASKS)
def _mask(code: bytes) -> bytes:
    """For each byte of code 1 where it is a JUMPDEST that is not data of a PUSH."""
    mask, end = bytearray(len(code)), 0
    while match := _TO_JUMPDEST.match(code, end):
        end = match.end()
        mask[end - 1] = 1
    return bytes(mask)


@lru_cache(maxsize=1_024)
def instructions(code: bytes) -> frozenset[int]:
    """The instructions that may run, and perhaps some that cannot: nobody follows the jumps.

    Args:
        code: Of an account, or init code.
    """
    found, place, reached = set[int](), 0, True
    while place < len(code):
        instruction = code[place]
        reached |= instruction == _JUMPDEST
        if reached:
            found.add(instruction)
            reached = instruction not in _ENDS
        place += 1
        if _PUSH1 <= instruction <= _PUSH32:
            place += instruction - _PUSH1 + 1
    return frozenset(found)
