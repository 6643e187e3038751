"""JSON from a node becomes records, or an error that says what was wrong."""

from typing import Any

import pytest

from anh_rollup.l1 import wire
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.types import Block, Log

HASH = "0x" + "11" * 32
ADDRESS = "0x" + "ab" * 20
BLOCK = {"number": "0x10", "hash": HASH, "parentHash": HASH, "timestamp": "0x5", "gasLimit": "0x64"}
LOG = {
    "address": ADDRESS, "topics": [HASH], "data": "0x01", "blockNumber": "0x1",
    "blockHash": HASH, "transactionHash": HASH, "logIndex": "0x0",
}  # fmt: skip
RECEIPT = {
    "transactionHash": HASH, "blockNumber": "0x1", "blockHash": HASH, "status": "0x1", "gasUsed": "0x5208",
    "logs": [LOG],
}  # fmt: skip


def test_a_block_of_an_old_chain_lacks_the_new_fields() -> None:
    digest = bytes.fromhex("11" * 32)
    assert wire.block(BLOCK) == Block(16, digest, digest, 5, 100, None, None, None)


def test_a_block_of_a_new_chain_has_them() -> None:
    new = {**BLOCK, "baseFeePerGas": "0x7", "excessBlobGas": "0x0", "parentBeaconBlockRoot": HASH}
    block = wire.block(new)
    assert (block.base_fee, block.excess_blob_gas, block.beacon_root) == (7, 0, bytes.fromhex("11" * 32))


def test_a_log_has_a_checksummed_address() -> None:
    digest = bytes.fromhex("11" * 32)
    expected = Log("0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB", (digest,), b"\x01", 1, digest, digest, 0)
    assert wire.log(LOG) == expected


def test_a_receipt_of_an_old_chain_costs_nothing_for_blobs() -> None:
    receipt = wire.receipt(RECEIPT)
    assert (receipt.succeeded, receipt.gas_used, receipt.gas_price, receipt.blob_gas_used) == (
        True,
        21_000,
        0,
        0,
    )
    assert receipt.contract is None
    assert wire.receipt({**RECEIPT, "status": "0x0"}).succeeded is False


@pytest.mark.parametrize("value", [None, 5, "5", "0x", "0xzz", "", {}, []])
def test_what_is_no_quantity_is_refused(value: object) -> None:
    with pytest.raises(L1AnswerError):
        wire.quantity("a number", value)


@pytest.mark.parametrize("value", [None, 5, "11" * 32, "0x1", "0x" + "11" * 31, "0xzz"])
def test_what_is_no_digest_is_refused(value: object) -> None:
    with pytest.raises(L1AnswerError):
        wire.data("a hash", value, 32)


@pytest.mark.parametrize("missing", list(BLOCK))
def test_a_block_without_a_needed_field_is_refused(missing: str) -> None:
    with pytest.raises(L1AnswerError):
        wire.block({name: value for name, value in BLOCK.items() if name != missing})


@pytest.mark.parametrize("answer", [[], "x", 1, {"logs": 3}])
def test_answers_of_another_form_are_refused(answer: Any) -> None:
    with pytest.raises(L1AnswerError):
        wire.receipt(answer)


def test_a_long_answer_is_shortened_in_the_message() -> None:
    with pytest.raises(L1AnswerError) as caught:
        wire.quantity("a number", "x" * 10_000)
    assert len(caught.value.message) < 200
