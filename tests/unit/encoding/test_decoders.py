"""Every decoder of strangers' bytes answers or raises `EncodingError`, and takes little memory."""

import tracemalloc
from collections.abc import Callable

import numpy as np
import pytest
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.artifacts import (
    Dataset,
    Model,
    decode_dataset,
    decode_model,
    encode_dataset,
    encode_model,
)
from anh_rollup.encoding.batches import Batch, BlockRecord, decode_batch, encode_batch
from anh_rollup.encoding.blobs import BLOB_SIZE, pack, unpack
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.rlp import decode as decode_rlp
from anh_rollup.encoding.scores import decode_scores, encode_scores
from anh_rollup.encoding.tensors import encode_tensor, read_tensor
from anh_rollup.encoding.transactions import decode_record, decode_signed, encode_record
from anh_rollup.encoding.zero_runs import decompress
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST

ELEMENTS = np.arange(40, dtype=np.int32).reshape(5, 8)
SIGNED = bytes(
    Account.sign_transaction(
        {"chainId": L2_CHAIN_ID, "nonce": 1, "gasPrice": 9, "gas": 50_000, "value": 3, "data": bytes(60)},
        b"\1" * 32,
    ).raw_transaction
)
BATCH = Batch(1, ZERO_DIGEST, (BlockRecord(1, 2, ZERO_DIGEST, 1, (b"record", b"another")),))


def read_one(data: bytes) -> object:
    return read_tensor(Reader(data, "the tensor"))


def unpack_one(data: bytes) -> bytes:
    return unpack([data.ljust(BLOB_SIZE, b"\0")])


DECODERS: dict[str, tuple[Callable[[bytes], object], bytes]] = {
    "tensor": (read_one, encode_tensor(ELEMENTS)),
    "model": (decode_model, encode_model(Model([ELEMENTS, ELEMENTS[0]]))),
    "dataset": (decode_dataset, encode_dataset(Dataset([ELEMENTS, ELEMENTS[:, 0]]))),
    "scores": (decode_scores, encode_scores(ELEMENTS[0])),
    "signed transaction": (decode_signed, SIGNED),
    "record": (decode_record, encode_record(decode_signed(SIGNED))),
    "batch": (decode_batch, encode_batch(BATCH)),
    "blob": (unpack_one, pack(b"payload")[0][:64]),
    "zero runs": (decompress, b"\xfe\xfd\xfc\xfb\0\x7f\0\xff\5"),
    "rlp": (decode_rlp, SIGNED),
}

# The most of any decoder for inputs of these sizes: a blob and its copies.
MOST_MEMORY = 2 << 20


@st.composite
def mangled(draw: st.DrawFn, good: bytes) -> bytes:
    """`good` with some bytes changed, cut out or put in; mostly where lengths stand."""
    data = bytearray(good)
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, min(len(data), 24)) | st.integers(0, len(data)))
        change = draw(st.sampled_from(["set", "cut", "insert"]))
        if change == "insert":
            data[at:at] = draw(st.binary(max_size=6))
        else:
            end = at + draw(st.integers(1, 4))
            data[at:end] = draw(st.binary(min_size=1, max_size=4)) if change == "set" else b""
    return bytes(data)


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_any_bytes_decode_or_raise_the_one_error(name: str, data: st.DataObject) -> None:
    decoder, good = DECODERS[name]
    given_bytes = data.draw(st.binary(max_size=300) | mangled(good))
    refusal = None
    try:
        decoder(given_bytes)
    except EncodingError as error:
        refusal = error
    assert refusal is None or 0 < len(refusal.message) < 400


@pytest.mark.parametrize("name", DECODERS)
@pytest.mark.parametrize("byte", [0x00, 0x01, 0x7F, 0x80, 0xC1, 0xFF])
def test_no_short_input_takes_much_memory(name: str, byte: int) -> None:
    decoder, good = DECODERS[name]
    tracemalloc.start()
    for at in range(min(len(good), 40)):
        try:
            decoder(good[:at] + bytes([byte]) * 8 + good[at + 8 :])
        except EncodingError:
            continue
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY


@pytest.mark.parametrize("name", DECODERS)
def test_the_good_example_decodes(name: str) -> None:
    decoder, good = DECODERS[name]
    decoder(good)
