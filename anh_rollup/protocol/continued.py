"""Sequences whose beginning is read when somebody asks, from wherever it is kept."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, overload

T = TypeVar("T")


def _nothing(place: int) -> Any:
    raise IndexError(place)


class Continued(Sequence[T]):
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

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        """An item, or those of a slice."""
        places = range(len(self))[place]
        return self._at(places) if isinstance(places, int) else [self._at(each) for each in places]

    def __eq__(self, other: object) -> bool:
        """Whether another sequence has the same items."""
        return isinstance(other, Sequence) and list(self) == list(other)

    __hash__ = None  # type: ignore[assignment]

    def append(self, item: T) -> None:
        """Adds an item at the end."""
        self._new.append(item)

    def _at(self, place: int) -> T:
        return self._load(place) if place < self._count else self._new[place - self._count]
