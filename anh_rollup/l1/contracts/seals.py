"""Seals: announced calls, of every contract that asks for them (contracts/Seals.sol)."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sealed:
    """A sealed call was announced."""

    sender: str
    seal: bytes
