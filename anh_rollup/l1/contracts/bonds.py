"""Bonds: the vault from which everybody draws what is credited."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.types import BlockId, TransactionRequest
from anh_rollup.primitives import Wei


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """An account drew its credit."""

    account: str
    to: str
    amount: Wei


class Bonds(Contract):
    """Wrapper of contracts/Bonds.sol."""

    NAME = "Bonds"
    EVENTS: ClassVar[Mapping[str, type]] = {"Withdrawn": Withdrawn}

    def withdraw(self, to: str) -> TransactionRequest:
        """Sends the sender's whole credit."""
        return self.request("withdraw", to)

    def credit_of(self, account: str, at: BlockId = "latest") -> Wei:
        """Wei that an account may withdraw."""
        return Wei(self.read("credits", account, at=at)[0])
