"""Who signed a hash: secp256k1's public key recovery, straight from the library that coincurve carries.

A sequencer does little else. coincurve's objects around the two calls would be a tenth of the time.
"""

from typing import Any, Final, NamedTuple

from coincurve import GLOBAL_CONTEXT
from coincurve._libsecp256k1 import ffi, lib
from coincurve.flags import EC_UNCOMPRESSED

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ADDRESS_SIZE, DIGEST_SIZE, Address, Digest

Signature = tuple[int, int, int]
"""y parity (0 or 1), r and s, the last at most half the curve's order."""

CURVE_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141
"""Order of secp256k1; s is at most half of it (EIP-2)."""

_HIGHEST_S: Final = CURVE_ORDER // 2
_WORD_BITS: Final = 256
_SIGNATURE_SIZE, _KEY_SIZE = 64, 65
_parse = lib.secp256k1_ecdsa_recoverable_signature_parse_compact
_recover = lib.secp256k1_ecdsa_recover
_serialize = lib.secp256k1_ec_pubkey_serialize


class _Memory(NamedTuple):
    """What the calls write to. They let other threads run meanwhile, so nobody shares one."""

    signature: Any
    key: Any
    size: Any
    serialized: Any
    point: memoryview

    @classmethod
    def new(cls) -> "_Memory":
        serialized = ffi.new("unsigned char[]", _KEY_SIZE)
        signature = ffi.new("secp256k1_ecdsa_recoverable_signature *")
        point = memoryview(ffi.buffer(serialized))[1:]
        return cls(signature, ffi.new("secp256k1_pubkey *"), ffi.new("size_t *"), serialized, point)


_free: Final[list[_Memory]] = []


def recover(signing_hash: Digest, signature: Signature) -> Address:
    """The account whose key made a signature of a hash.

    Raises:
        EncodingError: Nobody can have made it, or not as EIP-2 wants it (BAD_SIGNATURE); the hash has not 32
            bytes (WRONG_LENGTH).
    """
    parity, r, s = signature
    if not (parity in (0, 1) and 0 < r < CURVE_ORDER and 0 < s <= _HIGHEST_S):
        raise EncodingError(EncodingReason.BAD_SIGNATURE, "r, s or parity is outside a low-s signature")
    if len(signing_hash) != DIGEST_SIZE:
        raise EncodingError(EncodingReason.WRONG_LENGTH, f"a hash of {len(signing_hash)} bytes was signed")
    memory = _free.pop() if _free else _Memory.new()
    try:
        return _recovered(
            memory, signing_hash, (r << _WORD_BITS | s).to_bytes(_SIGNATURE_SIZE, "big"), parity
        )
    finally:
        _free.append(memory)


def _recovered(memory: _Memory, signing_hash: Digest, compact: bytes, parity: int) -> Address:
    context, (signature, key, size, serialized, point) = GLOBAL_CONTEXT.ctx, memory
    if not (_parse(context, signature, compact, parity) and _recover(context, key, signature, signing_hash)):
        raise EncodingError(EncodingReason.BAD_SIGNATURE, "no key makes this signature")
    size[0] = _KEY_SIZE
    _serialize(context, serialized, size, key, EC_UNCOMPRESSED)
    return Address(keccak256(point)[-ADDRESS_SIZE:])
