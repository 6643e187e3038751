"""What revm's journal holds after a run, read from the text in which alone pyrevm shows all of it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Slot

_STORAGE: Final = ", storage: {"
_STORAGE_END: Final = "}, status: AccountStatus("
_ACCOUNT: Final = re.compile(
    r"0x([0-9a-f]{40}): Account \{ info: AccountInfo \{ "
    r"balance: (\d+), nonce: (\d+), code_hash: 0x([0-9a-f]{64}), code: "
)
_STATUS: Final = re.compile(r"\}, status: AccountStatus\(([^)]*)\) \}(?:, (?=0x))?")
_SLOT: Final = re.compile(r"(\d+): StorageSlot \{ previous_or_original_value: \d+, present_value: (\d+) \}")


@dataclass(frozen=True, slots=True)
class JournaledAccount:
    """An account that was loaded by a frame that was not reverted, as it is after the run.

    Attributes:
        address: Whose.
        balance: Wei.
        nonce: Transactions sent, or contracts created.
        code_hash: keccak-256 of its code.
        slots: The elements of its storage that were loaded.
        is_destroyed: Whether it was created and destroyed in this run.
    """

    address: Address
    balance: int
    nonce: int
    code_hash: bytes
    slots: dict[Slot, int]
    is_destroyed: bool


def read_journal(text: str) -> Iterator[JournaledAccount]:
    """Every account of a journal.

    The text of an account is its head, its code, its storage and its status. The code, in hexadecimal, is
    most of it, so the text is cut where storage begins instead of matched as a whole.

    Args:
        text: pyrevm's `journal_str`.
    """
    head, *parts = text.split(_STORAGE)
    at = _ACCOUNT.search(head)
    for part in parts:
        if at is None:
            return
        end = part.index(_STORAGE_END)
        status = _STATUS.match(part, end)
        slots = {int(key): int(value) for key, value in _SLOT.findall(part, 0, end)}
        yield JournaledAccount(
            address=Address(bytes.fromhex(at[1])),
            balance=int(at[2]),
            nonce=int(at[3]),
            code_hash=bytes.fromhex(at[4]),
            slots=slots,
            is_destroyed=status is not None and "SelfDestructed" in status[1],
        )
        at = _ACCOUNT.match(part, status.end()) if status else None
