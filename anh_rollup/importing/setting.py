"""What whoever imports a network chooses; without the libraries that an import needs."""

from enum import StrEnum
from typing import Final

#: How many times as large as in the network at hand its weights and values may become in a training (choice:
#: four bits, of which all formats have more than accuracy needs).
TRAINING_HEADROOM: Final = 16.0


class Setting(StrEnum):
    """How a network is imported.

    `PRECISE` gives weights all bits that float64 leaves, `FAST` 18 bits, and coarser tables. `TRAINABLE` has
    headroom for other weights than those at hand: it makes architectures.
    """

    PRECISE = "precise"
    FAST = "fast"
    TRAINABLE = "trainable"

    @property
    def headroom(self) -> float:
        """How many times as large weights and values may become."""
        return TRAINING_HEADROOM if self is Setting.TRAINABLE else 1.0
