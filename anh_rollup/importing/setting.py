"""What whoever imports a network chooses; without the libraries that an import needs."""

from enum import StrEnum


class Setting(StrEnum):
    """How a network is imported.

    `PRECISE` gives weights all bits that float64 leaves, `FAST` 18 bits, and coarser tables.
    """

    PRECISE = "precise"
    FAST = "fast"
