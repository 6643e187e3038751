"""Sequences whose beginning is read when somebody asks, from wherever it is kept."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from anh_rollup.sequences import LazySequence

T = TypeVar("T")


def _nothing(place: int) -> Any:
    raise IndexError(place)


class Continued(LazySequence[T]):
    """A beginning that is kept elsewhere, and what came after it.

    Args:
        count: Items of the beginning.
        load: Gives one of them by its place, from 0.
    """

    __slots__ = ("_count", "_load", "_new")

    def __init__(self, count: int = 0, load: Callable[[int], T] = _nothing) -> None:
        self._count = count
        self._load = load
        self._new: list[T] = []

    def __len__(self) -> int:
        """How many there are, beginning included."""
        return self._count + len(self._new)

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same items."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def append(self, item: T) -> None:
        """Adds an item at the end."""
        self._new.append(item)

    def _item(self, place: int, /) -> T:
        return self._load(place) if place < self._count else self._new[place - self._count]
