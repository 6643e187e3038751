"""Calls of contracts as records, so that rules name what they want without knowing how it is encoded."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ContractCall:
    """A call: the class is named like the function, and its fields, in snake case, like the parameters."""

    @property
    def function(self) -> str:
        """The function's name in its contract."""
        name = type(self).__name__
        return name[0].lower() + name[1:]
