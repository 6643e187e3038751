"""Packed records that take several steps to read, as far as they were read.

The Solidity twin is contracts/libraries/Drafts.sol.
"""

from dataclasses import dataclass, replace
from functools import reduce
from typing import Final

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import DIGEST_SIZE, ZERO_DIGEST, Digest

PART_SIZE: Final = 256
"""Most bytes of a packed record that a step reads: ten field elements (choice: docs/ledger-claims.md)."""

MOST_NUMBERS: Final = 5
"""Most numbers of the table that a step reads, each in two field elements (choice: the same)."""


@dataclass(frozen=True, slots=True)
class Draft:
    """What a machine holds of a packed record while it is read; it has the hash.

    Attributes:
        end: Where in the payload the record ends.
        count: Numbers of the table that were read.
        parts: Chain over the packed bytes that were read, `PART_SIZE` at a time: from 0, each keccak(chain ||
            part).
        numbers: Chain over those numbers: from 0, each keccak(chain || number).
    """

    end: int
    count: int = 0
    parts: Digest = ZERO_DIGEST
    numbers: Digest = ZERO_DIGEST

    @property
    def digest(self) -> Digest:
        """keccak256(abi.encode(draft))."""
        words = [self.end.to_bytes(DIGEST_SIZE, "big"), self.count.to_bytes(DIGEST_SIZE, "big")]
        return keccak256(b"".join([*words, self.parts, self.numbers]))


NO_DRAFT: Final = Draft(0)
"""Where no packed record is being read."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """A draft, and what its chains are over.

    Attributes:
        draft: What the machine has the hash of.
        packed: The bytes of the packed record that were read.
        numbers: The numbers of the table that were read, in the order in which it names them.
    """

    draft: Draft = NO_DRAFT
    packed: bytes = b""
    numbers: tuple[int, ...] = ()

    def with_part(self, part: bytes) -> "Drafted":
        """With the next bytes."""
        draft = replace(self.draft, parts=keccak256(self.draft.parts + part))
        return replace(self, draft=draft, packed=self.packed + part)

    def with_numbers(self, numbers: list[int]) -> "Drafted":
        """With the next numbers."""
        words = [number.to_bytes(DIGEST_SIZE, "big") for number in numbers]
        chain = reduce(lambda digest, word: keccak256(digest + word), words, self.draft.numbers)
        draft = replace(self.draft, count=self.draft.count + len(numbers), numbers=chain)
        return replace(self, draft=draft, numbers=(*self.numbers, *numbers))


NOTHING_DRAFTED: Final = Drafted()
"""What a state has of drafts in the other phases."""
