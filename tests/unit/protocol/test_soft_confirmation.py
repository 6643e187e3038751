import pytest
from coincurve import PrivateKey
from eth_account import Account
from eth_utils.crypto import keccak

from anh_rollup.encoding.recovery import CURVE_ORDER
from anh_rollup.primitives import Digest
from anh_rollup.protocol.soft_confirmation import confirmation_digest, confirmation_signer

INBOX = "0x" + "aB" * 20


def test_the_digest_is_of_the_packed_words_that_the_inbox_hashes() -> None:
    packed = b"ANH soft confirmation" + bytes(31) + b"\7" + b"\xab" * 20 + bytes(7) + b"\5" + b"\1" * 32
    assert confirmation_digest(7, INBOX.lower(), 5, Digest(b"\1" * 32)) == keccak(packed)


def test_every_part_is_bound() -> None:
    base = (7, INBOX.lower(), 5, Digest(b"\1" * 32))
    others = [(8, *base[1:]), (7, "0x" + "00" * 20, *base[2:]), (*base[:2], 6, base[3])]
    others.append((*base[:3], Digest(b"\2" * 32)))
    assert len({confirmation_digest(*each) for each in [base, *others]}) == 5


KEY = keccak(b"sequencer")
CONFIRMED = Digest(b"\1" * 32)


def signature() -> bytes:
    made = PrivateKey(KEY).sign_recoverable(CONFIRMED, hasher=None)
    return bytes(made[:64]) + bytes([made[64] + 27])


def test_the_signer_is_the_account_of_the_key() -> None:
    signer = confirmation_signer(CONFIRMED, signature())
    assert signer is not None
    assert "0x" + signer.hex() == Account.from_key(KEY).address.lower()


def test_another_block_has_another_signer() -> None:
    assert confirmation_signer(Digest(b"\2" * 32), signature()) != confirmation_signer(CONFIRMED, signature())


@pytest.mark.parametrize(
    "made",
    [b"", bytes(65), b"\xff" * 65, signature()[:64], signature() + b"\0", signature()[:64] + b"\x1a"],
    ids=["empty", "zeros", "ones", "cut", "long", "a parity below 27"],
)
def test_what_is_no_signature_has_no_signer(made: bytes) -> None:
    assert confirmation_signer(CONFIRMED, made) is None


def test_a_signature_that_l1_would_not_take_has_no_signer() -> None:
    good = signature()
    high = (CURVE_ORDER - int.from_bytes(good[32:64], "big")).to_bytes(32, "big")
    assert confirmation_signer(CONFIRMED, good[:32] + high + bytes([55 - good[64]])) is None
