"""Short programs and runs of them, for tests of the engines."""

from dataclasses import replace
from typing import Any

from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.world.engine import Account, Outcome, Run
from anh_rollup.world.specification import SpecificationEngine
from tests.doubles.state import MemoryState, block

SENDER, CONTRACT, OTHER, STRANGER = (Address(bytes([byte]) * 20) for byte in (0xAA, 0xCC, 0xDD, 0x55))
NONCE = 3
MONEY = 10**18


def number(value: int) -> str:
    """PUSH32 of a number, in hexadecimal."""
    return f"7f{value:064x}"


def address(value: bytes) -> str:
    """PUSH20 of an address."""
    return f"73{value.hex()}"


RETURN_TOP = "5f5260205ff3"
"""Returns what is on top of the stack."""

REVERT_TOP = "5f5260205ffd"
"""Reverts with what is on top of the stack."""


def store(key: int, value: str = "6001") -> str:
    """SSTORE of what some code pushes."""
    return f"{value}{number(key)}55"


def load(key: int) -> str:
    """SLOAD."""
    return f"{number(key)}54"


def call(to: bytes, kind: str = "f1", value: int = 0) -> str:
    """A call with all gas by f1 (CALL), f4 (DELEGATECALL) or fa (STATICCALL); its status is on top."""
    return f"5f5f5f5f{number(value) if kind == 'f1' else ''}{address(to)}5a{kind}"


RETURN_OUTPUT = "3d5f5f3e3d5ff3"
"""Returns what the last call returned."""


def creation(code: str) -> str:
    """Init code of a contract with this code."""
    size = len(code) // 2
    return f"61{size:04x}600c5f3961{size:04x}5ff3{code}"


def state(code: str, other: str = "", slots: dict[tuple[Address, int], int] | None = None) -> MemoryState:
    """A sender with money, a contract, and another one that it may call."""
    accounts = {
        SENDER: Account(NONCE + 1, MONEY),
        CONTRACT: Account(1, 0, bytes.fromhex(code)),
        OTHER: Account(1, 0, bytes.fromhex(other)),
    }
    return MemoryState(accounts, slots or {})


def transaction(**fields: Any) -> Run:
    """A call of the contract, with other fields."""
    run = Run(SENDER, NONCE, CONTRACT, Wei(0), b"", Gas(500_000), Wei(9))
    return replace(run, **fields)


def execute(before: MemoryState, systems: Any = None, **fields: Any) -> Outcome:
    """The outcome by the specification."""
    return SpecificationEngine().run(transaction(**fields), block(), before, systems or {})


def returned(outcome: Outcome) -> int:
    """The number that a run returned."""
    assert outcome.succeeded, outcome
    return int.from_bytes(outcome.output, "big")
