"""Which instructions a piece of EVM code can reach."""

from functools import lru_cache
from typing import Final

_JUMPDEST, _PUSH1, _PUSH32 = 0x5B, 0x60, 0x7F

_ENDS: Final = frozenset({0x00, 0x56, 0xF3, 0xFD, 0xFE, 0xFF})
"""STOP, JUMP, RETURN, REVERT, INVALID, SELFDESTRUCT: what comes next is reached by a jump alone."""


@lru_cache(maxsize=4_096)
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
