import os
from concurrent.futures import ThreadPoolExecutor

import pytest
from coincurve import PrivateKey, PublicKey

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.recovery import CURVE_ORDER, recover


def signed(seed):
    """A hash, its signature, and who signed it as coincurve says."""
    key, digest = PrivateKey(keccak256(b"key" + seed)), keccak256(b"hash" + seed)
    made = key.sign_recoverable(digest, hasher=None)
    point = PublicKey.from_signature_and_message(made, digest, hasher=None).format(compressed=False)
    signature = (made[64], int.from_bytes(made[:32], "big"), int.from_bytes(made[32:64], "big"))
    return digest, signature, keccak256(point[1:])[-20:]


def test_threads_that_recover_at_the_same_time_get_their_own_signers():
    cases = [signed(os.urandom(8)) for _ in range(400)]

    with ThreadPoolExecutor(8) as threads:
        found = list(threads.map(lambda case: recover(case[0], case[1]), cases * 4))

    assert found == [signer for _, _, signer in cases] * 4


@pytest.mark.parametrize(
    "change",
    [
        lambda parity, r, s: (parity, r, CURVE_ORDER - s),
        lambda parity, r, s: (2, r, s),
        lambda parity, r, s: (parity, 0, s),
        lambda parity, r, s: (parity, r, 0),
        lambda parity, r, s: (parity, CURVE_ORDER, s),
        lambda parity, r, s: (parity, 5, s),  # no point has this x
    ],
)
def test_what_nobody_can_have_signed_is_refused(change):
    digest, signature, _ = signed(b"refused")

    with pytest.raises(EncodingError) as caught:
        recover(digest, change(*signature))

    assert caught.value.reason is EncodingReason.BAD_SIGNATURE


def test_a_refusal_leaves_nothing_of_the_signature_before():
    digest, (parity, r, s), signer = signed(b"twice")

    assert recover(digest, (parity, r, s)) == signer
    with pytest.raises(EncodingError):
        recover(digest, (parity, 5, s))
    assert recover(digest, (parity, r, s)) == signer


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_hash_of_another_length_is_not_read(size):
    _, signature, _ = signed(b"length")

    with pytest.raises(EncodingError) as caught:
        recover(bytes(size), signature)

    assert caught.value.reason is EncodingReason.WRONG_LENGTH
