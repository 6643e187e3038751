from eth_abi.abi import encode

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.protocol.machine.drafts import NO_DRAFT, NOTHING_DRAFTED, Draft, Drafted


def test_a_draft_has_the_hash_of_its_four_words() -> None:
    draft = Draft(70_000, 3, keccak256(b"parts"), keccak256(b"numbers"))
    words = encode(["uint32", "uint32", "bytes32", "bytes32"], [70_000, 3, draft.parts, draft.numbers])
    assert draft.digest == keccak256(words)


def test_parts_are_chained_in_their_order() -> None:
    drafted = Drafted(Draft(9)).with_part(b"first").with_part(b"then")
    chain = keccak256(keccak256(ZERO_DIGEST + b"first") + b"then")
    assert drafted == Drafted(Draft(9, parts=chain), b"firstthen")


def test_numbers_are_chained_one_by_one_and_counted() -> None:
    words = [number.to_bytes(32, "big") for number in (5, 6, 7)]
    chain = keccak256(keccak256(keccak256(ZERO_DIGEST + words[0]) + words[1]) + words[2])
    drafted = Drafted(Draft(9)).with_numbers([5]).with_numbers([6, 7])
    assert drafted == Drafted(Draft(9, 3, numbers=chain), b"", (5, 6, 7))
    assert drafted == Drafted(Draft(9)).with_numbers([5, 6, 7])


def test_nothing_is_drafted_at_first() -> None:
    assert NOTHING_DRAFTED.draft == NO_DRAFT == Draft(0, 0, ZERO_DIGEST, ZERO_DIGEST)
