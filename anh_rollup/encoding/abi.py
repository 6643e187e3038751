"""Solidity's ABI, with texts that survive whatever bytes a stranger puts into them.

Solidity takes any bytes as a `string`. A claim whose URI is no UTF-8 is still a claim, and must be read,
hashed and refuted like any other: so bytes that are no text become lone surrogates, and turn back into the
same bytes.
"""

from collections.abc import Sequence
from typing import Any, Final

from eth_abi.codec import ABICodec
from eth_abi.decoding import StringDecoder
from eth_abi.encoding import TextStringEncoder
from eth_abi.registry import BaseEquals
from eth_abi.registry import registry as standard

LOSSLESS: Final = "surrogateescape"
"""How Python names this (PEP 383)."""


class LosslessTextEncoder(TextStringEncoder):
    """Encodes texts that `decode` gave, lone surrogates included."""

    @classmethod
    def encode(cls, value: str) -> bytes:
        """A text's length and its bytes, padded."""
        data = value.encode("utf-8", LOSSLESS)
        return len(data).to_bytes(32, "big") + data + bytes(-len(data) % 32)


def _make_codec() -> ABICodec:
    # eth_abi's registry has no types.
    registry: Any = standard
    registry = registry.copy()
    registry.unregister("string")
    equals: Any = BaseEquals
    decoder: Any = StringDecoder
    registry.register(
        equals("string", with_sub=False),
        LosslessTextEncoder,
        decoder(handle_string_errors=LOSSLESS),
        label="string",
    )
    return ABICodec(registry)


_CODEC: Final = _make_codec()


def encode(types: Sequence[str], values: Sequence[Any]) -> bytes:
    """`abi.encode` of values.

    Raises:
        eth_abi.exceptions.EncodingError: A value does not fit its type.
        UnicodeEncodeError: A text holds a surrogate that stands for no byte.
    """
    return bytes(_CODEC.encode(types, values))


def decode(types: Sequence[str], encoded: bytes) -> tuple[Any, ...]:
    """The values of an encoding.

    Raises:
        eth_abi.exceptions.DecodingError: It is none of these types.
    """
    return tuple(_CODEC.decode(types, encoded))


def text_size(text: str) -> int:
    """Bytes of a text as Solidity counts them; its characters where no bytes make it."""
    try:
        return len(text.encode("utf-8", LOSSLESS))
    except UnicodeEncodeError:
        return len(text)
