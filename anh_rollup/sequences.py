"""Sequences whose items are made or fetched when they are asked for."""

from abc import abstractmethod
from collections.abc import Sequence
from typing import TypeVar, overload

T = TypeVar("T")


class LazySequence(Sequence[T]):
    """A sequence that a subclass makes of its length and of one item at a place."""

    __slots__ = ()

    @abstractmethod
    def _item(self, place: int, /) -> T:
        """The item at a place, from 0 to the length less one."""

    @overload
    def __getitem__(self, place: int) -> T: ...

    @overload
    def __getitem__(self, place: slice) -> list[T]: ...

    def __getitem__(self, place: int | slice) -> T | list[T]:
        """An item, also counted from the end, or those of a slice.

        Raises:
            IndexError: There is none at the place.
        """
        places = range(len(self))[place]
        return self._item(places) if isinstance(places, int) else [self._item(each) for each in places]
