"""What a run has written and looked at, undone where the frame that did it reverts."""

from typing import Any, Final

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Reads, Slot, StateReader

_ABSENT: Final = object()


class Journal:
    """Writes to dictionaries that can be undone back to a mark: opening a frame costs nothing."""

    def __init__(self) -> None:
        self._undo: list[tuple[dict[Any, Any], object, object]] = []

    def mark(self) -> int:
        """A point to come back to."""
        return len(self._undo)

    def write(self, table: dict[Any, Any], key: object, value: object) -> None:
        """Sets an item of a dictionary."""
        self._undo.append((table, key, table.get(key, _ABSENT)))
        table[key] = value

    def rollback(self, mark: int) -> None:
        """Undoes everything since the mark, the last first."""
        while len(self._undo) > mark:
            table, key, before = self._undo.pop()
            if before is _ABSENT:
                del table[key]
            else:
                table[key] = before


class StateBefore:
    """The state before a run, each part fetched when it is first looked at, and the looks written down.

    Args:
        state: Where it is fetched from.
        journal: Forgets the looks of reverted frames.
    """

    def __init__(self, state: StateReader, journal: Journal) -> None:
        self._state = state
        self._journal = journal
        self._accounts: dict[Address, Account] = {}
        self._slots: dict[tuple[Address, Slot], int] = {}
        self._surviving: dict[object, bool] = {}

    def account(self, address: Address) -> Account:
        """Looks at an account; an empty one where there is none."""
        self._look(address)
        found = self._accounts.get(address)
        if found is None:
            found = self._accounts[address] = self._state.account(address) or Account()
        return found

    def slot(self, place: tuple[Address, Slot]) -> int:
        """Looks at an element of storage."""
        self._look(place)
        found = self._slots.get(place)
        if found is None:
            found = self._slots[place] = self._state.slot(*place)
        return found

    def _look(self, place: object) -> None:
        if place not in self._surviving:
            self._journal.write(self._surviving, place, True)

    @property
    def looked_at(self) -> Reads:
        """What was looked at, in reverted frames too."""
        return Reads(frozenset(self._accounts), frozenset(self._slots))

    @property
    def still_looked_at(self) -> Reads:
        """What was looked at, without reverted frames."""
        return Reads(
            frozenset(address for address in self._accounts if address in self._surviving),
            frozenset(place for place in self._slots if place in self._surviving),
        )
