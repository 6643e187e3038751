"""How long work tells how far it is: whoever waits passes a `Watch`, and decides what is shown."""

from collections.abc import Iterable, Sequence
from typing import Protocol, TypeVar

T = TypeVar("T")


class Watch(Protocol):
    """Goes through the parts of some work, and shows to whoever waits how far it is."""

    def __call__(self, parts: Sequence[T], work: str, /) -> Iterable[T]:
        """The parts, one after the other; `work` says what is done with them."""


def unwatched(parts: Sequence[T], _work: str, /) -> Iterable[T]:
    """The parts, and nothing is shown."""
    return parts
