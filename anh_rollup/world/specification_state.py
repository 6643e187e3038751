"""The executable specification's state, over a reader instead of dictionaries of everything.

The specification works on the attributes of its `State` and `TransientStorage`: tries over dictionaries. It
copies all of them when a frame begins and puts the copies back when the frame reverts. Here the dictionaries
fetch what is first looked at, a copy is a mark of the journal, and putting it back undoes what came after.
"""

from typing import Any, Final

from ethereum.forks.cancun.fork_types import Account as SpecifiedAccount
from ethereum.forks.cancun.trie import Trie
from ethereum_types.numeric import U256, Uint

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Changes, Reads, Slot, StateReader
from anh_rollup.world.journal import Journal, StateBefore

_ZERO: Final = U256(0)


class _Accounts(dict[Any, Any]):
    """What the specification takes for the dictionary of all accounts."""

    def __init__(self, before: StateBefore, journal: Journal) -> None:
        super().__init__()
        self._before = before
        self._journal = journal
        self._originals: dict[bytes, SpecifiedAccount | None] = {}
        self.written: dict[bytes, SpecifiedAccount | None] = {}

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002
        if key in self.written:
            return self.written[key]
        original = self._before.account(Address(bytes(key)))
        if key not in self._originals:
            self._originals[key] = _specified(original)
        return self._originals[key]

    def __contains__(self, key: object) -> bool:
        return True

    def __setitem__(self, key: Any, value: Any) -> None:
        self._journal.write(self.written, key, value)

    def __delitem__(self, key: Any) -> None:
        self._journal.write(self.written, key, None)

    def __copy__(self) -> "_Accounts":
        return self


def _specified(account: Account) -> SpecifiedAccount | None:
    """The account as the specification has it; None where it is empty (EIP-161)."""
    if account.is_empty:
        return None
    return SpecifiedAccount(Uint(account.nonce), U256(account.balance), account.code)


class _Elements(dict[Any, Any]):
    """What the specification takes for the dictionary of one account's storage, or of its transient storage.

    It is never empty for the specification, which would drop it: nobody knows all that is in it.
    """

    def __init__(self, address: bytes, before: StateBefore | None, journal: Journal) -> None:
        super().__init__()
        self._address = Address(bytes(address))
        self._before = before
        self._journal = journal
        self.written: dict[bytes, U256] = {}

    def get(self, key: Any, default: Any = None) -> Any:
        if key in self.written:
            return self.written[key]
        return default if self._before is None else U256(self._before.slot(self._place(key)))

    def _place(self, key: bytes) -> tuple[Address, Slot]:
        return self._address, int.from_bytes(key, "big")

    def __contains__(self, key: object) -> bool:
        return True

    def __setitem__(self, key: Any, value: Any) -> None:
        self._journal.write(self.written, key, value)

    def __delitem__(self, key: Any) -> None:
        self._journal.write(self.written, key, _ZERO)

    def __eq__(self, other: object) -> bool:
        return self is other

    __hash__ = None

    def changes(self) -> dict[tuple[Address, Slot], int]:
        """The elements that are different now."""
        if self._before is None:
            return {}
        places = {self._place(key): int(value) for key, value in self.written.items()}
        return {place: value for place, value in places.items() if self._before.slot(place) != value}


class _Storages(dict[Any, Any]):
    """What the specification takes for the dictionary of storages by account."""

    def __init__(self, before: StateBefore | None, journal: Journal) -> None:
        super().__init__()
        self._before = before
        self._journal = journal
        self._elements: dict[bytes, _Elements] = {}

    def get(self, key: Any, default: Any = None) -> Any:  # noqa: ARG002
        trie = super().get(key)
        if trie is None:
            elements = self._elements[bytes(key)] = _Elements(key, self._before, self._journal)
            trie = self[key] = Trie(secured=True, default=_ZERO, _data=elements)
        return trie

    def __contains__(self, key: object) -> bool:
        """Asked where a contract is to be created: without nonce and code there is no storage."""
        return False

    def items(self) -> Any:
        """Nothing to copy when a frame begins."""
        return ()

    def changes(self, destroyed: frozenset[bytes]) -> dict[tuple[Address, Slot], int]:
        """The elements that are different now, but those of accounts that are gone."""
        changes: dict[tuple[Address, Slot], int] = {}
        for address, elements in self._elements.items():
            if address not in destroyed:
                changes |= elements.changes()
        return changes


class _Marks:
    """What the specification takes for its stack of snapshots: one mark of the journal a frame."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._marks: list[int] = []

    def __len__(self) -> int:
        return len(self._marks)

    def append(self, _copy: object) -> None:
        self._marks.append(self._journal.mark())

    def pop(self) -> Any:
        return self._marks.pop()


class _StateMarks(_Marks):
    """A frame's snapshot is a pair, and the first one tells elements as they were before the run."""

    def __init__(self, journal: Journal, original: _Storages) -> None:
        super().__init__(journal)
        self._original = original

    def pop(self) -> Any:
        mark = super().pop()
        return mark, mark

    def __getitem__(self, place: int) -> Any:
        return None, self._original


class LazyTransientStorage:
    """Stands for the specification's `TransientStorage`."""

    def __init__(self, journal: Journal) -> None:
        self._journal = journal
        self._storages = _Storages(None, journal)
        self._snapshots = _Marks(journal)

    @property
    def _tries(self) -> _Storages:
        return self._storages

    @_tries.setter
    def _tries(self, mark: int) -> None:
        self._journal.rollback(mark)


class LazyState:
    """Stands for the specification's `State`.

    Attributes:
        created_accounts: Accounts that this run has created.

    Args:
        reader: The state before the run.
    """

    def __init__(self, reader: StateReader) -> None:
        journal = Journal()
        self._journal = journal
        self._before = StateBefore(reader, journal)
        self._accounts = _Accounts(self._before, journal)
        self._accounts_trie: Any = Trie(secured=True, default=None, _data=self._accounts)
        self._storages = _Storages(self._before, journal)
        self._snapshots = _StateMarks(journal, _Storages(self._before, journal))
        self.created_accounts: set[Any] = set()
        self.transient = LazyTransientStorage(journal)

    @property
    def _main_trie(self) -> Any:
        return self._accounts_trie

    @_main_trie.setter
    def _main_trie(self, mark: int) -> None:
        self._journal.rollback(mark)

    @property
    def _storage_tries(self) -> Any:
        return self._storages

    @_storage_tries.setter
    def _storage_tries(self, mark: int) -> None:
        self._journal.rollback(mark)

    @property
    def looked_at(self) -> Reads:
        """What was looked at, in reverted frames too."""
        return self._before.looked_at

    @property
    def still_looked_at(self) -> Reads:
        """What was looked at, without reverted frames."""
        return self._before.still_looked_at

    def changes(self, destroyed: frozenset[bytes]) -> Changes:
        """What is different now.

        Args:
            destroyed: Accounts that were created and destroyed in the run: nothing stays of them.
        """
        written = dict(self._accounts.written) | dict.fromkeys(destroyed)
        accounts = {Address(bytes(address)): _account(account) for address, account in written.items()}
        differing = {
            address: account for address, account in accounts.items() if self._differs(address, account)
        }
        return Changes(differing, self._storages.changes(destroyed))

    def _differs(self, address: Address, account: Account | None) -> bool:
        return self._before.account(address) != (account or Account())


def _account(account: SpecifiedAccount | None) -> Account | None:
    if account is None:
        return None
    return Account(int(account.nonce), int(account.balance), bytes(account.code))
