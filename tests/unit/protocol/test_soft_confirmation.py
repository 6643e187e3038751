from eth_utils.crypto import keccak

from anh_rollup.primitives import Digest
from anh_rollup.protocol.soft_confirmation import confirmation_digest

INBOX = "0x" + "aB" * 20


def test_the_digest_is_of_the_packed_words_that_the_inbox_hashes() -> None:
    packed = b"ANH soft confirmation" + bytes(31) + b"\7" + b"\xab" * 20 + bytes(7) + b"\5" + b"\1" * 32
    assert confirmation_digest(7, INBOX.lower(), 5, Digest(b"\1" * 32)) == keccak(packed)


def test_every_part_is_bound() -> None:
    base = (7, INBOX.lower(), 5, Digest(b"\1" * 32))
    others = [(8, *base[1:]), (7, "0x" + "00" * 20, *base[2:]), (*base[:2], 6, base[3])]
    others.append((*base[:3], Digest(b"\2" * 32)))
    assert len({confirmation_digest(*each) for each in [base, *others]}) == 5
