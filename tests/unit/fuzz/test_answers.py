"""What a faulty or lying node answers becomes records or typed errors: JSON, events, positions, proofs."""

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.client.called_jobs import read_called_jobs
from anh_rollup.client.l2 import Followed, L2AnswerError, L2Client
from anh_rollup.client.ordering import (
    Customer,
    InclusionError,
    PlacedOrder,
    PositionError,
    batch_on_l1,
    check_position,
)
from anh_rollup.encoding.batches import encode_batch
from anh_rollup.errors import AnhError
from anh_rollup.follower.errors import RefusedBlockError, SequencerAnswerError
from anh_rollup.follower.sequencer_client import read_signed_blocks, rejection_in
from anh_rollup.l1 import wire
from anh_rollup.l1.abi import signature_hash
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.base import Contract
from anh_rollup.l1.contracts.bonds import Bonds
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.contracts.game import Game
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.errors import L1AnswerError, L1Error
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.l1.types import Log
from anh_rollup.protocol.jobs import encode_job
from tests.unit.fuzz.decoders import ADDRESS, DEPLOYMENT, REQUEST, ROOT
from tests.unit.fuzz.decoders import BATCH as ORDERED
from tests.unit.fuzz.mangling import JSON, attempt, bent, mangled, strange

HASH = "0x" + "11" * 32
BLOCK = {
    "number": "0x10", "hash": HASH, "parentHash": HASH, "timestamp": "0x5", "gasLimit": "0x64",
    "baseFeePerGas": "0x7", "excessBlobGas": "0x0", "parentBeaconBlockRoot": HASH,
}  # fmt: skip
LOG = {
    "address": ADDRESS, "topics": [HASH], "data": "0x01", "blockNumber": "0x1", "blockHash": HASH,
    "transactionHash": HASH, "logIndex": "0x0",
}  # fmt: skip
TRANSACTION = {
    "hash": HASH, "from": ADDRESS, "to": None, "nonce": "0x0", "value": "0x0", "input": "0x12",
    "blockNumber": "0x1", "blobVersionedHashes": [HASH],
}  # fmt: skip
RECEIPT = {
    "transactionHash": HASH, "blockNumber": "0x1", "blockHash": HASH, "status": "0x1", "gasUsed": "0x5208",
    "effectiveGasPrice": "0x1", "contractAddress": ADDRESS, "logs": [LOG],
}  # fmt: skip
FORMS = {
    "block": (wire.block, BLOCK),
    "log": (wire.log, LOG),
    "transaction": (wire.transaction, TRANSACTION),
    "receipt": (wire.receipt, RECEIPT),
}
POSITION = {"blockNumber": "0x1", "blockHash": HASH, "signature": "0x" + "11" * 65}
BATCH = {"number": "0x1", "previous": HASH, "count": "0x2", "data": HASH, "forcedEnd": "0x0"}
WAITING = {"kind": "training", "reward": "0x7", "encodedJob": "0x" + encode_job(REQUEST.job).hex()}
PROOF = {"batch": BATCH, "index": "0x0", "proof": [HASH]}


def answering(body: bytes) -> Transport:
    """A transport whose node answers every request with these bytes."""
    transport = Transport("http://127.0.0.1:9", Patience(1.0, 1, 0.0))
    provider = transport._provider
    provider.make_request = lambda method, parameters: provider.decode_rpc_response(body)  # type: ignore[method-assign]
    return transport


def answer_of(result: Any) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": 1, "result": result})


@pytest.mark.parametrize("form", FORMS)
@given(data=st.data())
def test_json_of_another_form_is_an_answer_error(form: str, data: st.DataObject) -> None:
    read, good = FORMS[form]
    value = data.draw(bent(good))
    found, refusal = attempt(lambda: read(value), L1AnswerError)
    assert (found is None) == (refusal is not None)


@pytest.mark.parametrize("form", FORMS)
def test_the_good_forms_are_read(form: str) -> None:
    read, good = FORMS[form]
    assert read(good) == read(orjson.loads(orjson.dumps(good)))


@given(
    strange((answer_of("0x1"), b'{"error":{"code":3,"message":"execution reverted","data":"0x08c379a0"}}'))
)
def test_any_answer_is_a_chain_id_or_an_error_of_l1(body: bytes) -> None:
    found, refusal = attempt(L1Client(answering(body)).chain_id, L1Error)
    assert refusal is not None or 0 <= found < 2**256


@given(JSON)
def test_any_error_object_is_an_error_of_l1(error: Any) -> None:
    body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "error": error, "result": None})
    transport = answering(body)
    if error is None:
        assert transport.request("eth_call") is None
        return
    with pytest.raises(L1Error):
        transport.request("eth_call")


@pytest.mark.parametrize("piece", [b"[", b'{"result":', b'{"error":{"data":', b"[[],"])
def test_answers_nested_without_end_do_not_end_the_process(piece: bytes) -> None:
    with pytest.raises(L1Error):
        answering(piece * 100_000).request("eth_chainId")


@pytest.mark.parametrize("name", ["number", "timestamp", "gasLimit"])
def test_a_height_a_time_and_gas_have_64_bits(name: str) -> None:
    assert wire.block({**BLOCK, name: "0x" + "f" * 16}).number >= 0
    with pytest.raises(L1AnswerError):
        wire.block({**BLOCK, name: "0x1" + "0" * 16})


def test_a_number_of_too_many_digits_is_an_error_of_l1() -> None:
    with pytest.raises(L1Error):
        L1Client(answering(b'{"result":' + b"9" * 100_000 + b"}")).chain_id()


@given(st.data())
def test_what_a_follower_waits_for_is_read_or_refused(data: st.DataObject) -> None:
    value = data.draw(bent([WAITING]) | JSON)
    found, refusal = attempt(lambda: read_called_jobs(value), L2AnswerError)
    assert refusal is not None or all(each.batch == 0 for each in found)


@given(JSON)
def test_what_is_no_list_of_blobs_gives_none(result: Any) -> None:
    reader = BatchDataReader(L1Client(answering(answer_of(result))))
    found, refusal = attempt(lambda: reader._from_anvil(ROOT), L1AnswerError)
    assert refusal is not None or found == {}


EVENTS = [(wrapper, name) for wrapper in (Inbox, Claims, Game, Bonds) for name in wrapper.EVENTS]
WORDS = st.sampled_from([*range(8), 32, 64, 96, 160, 2**255, 2**256 - 1, 2**64]).map(
    lambda number: number.to_bytes(32, "big")
)


@pytest.mark.parametrize(("wrapper", "name"), EVENTS)
@given(
    topics=st.lists(WORDS | st.just(ROOT), max_size=4),
    data=st.lists(WORDS, max_size=40).map(b"".join) | st.binary(max_size=200),
)
def test_an_event_of_any_bytes_is_read_or_refused(
    wrapper: type[Contract], name: str, topics: list[bytes], data: bytes
) -> None:
    contract = wrapper(L1Client(answering(b"")), ADDRESS)
    first = signature_hash(contract.artifact.entry("event", name))
    log = Log(ADDRESS, (first, *topics), data, 7, ROOT, ROOT, 0)
    found, refusal = attempt(lambda: contract.decode(log), AnhError)
    assert refusal is not None or found.log == log


@given(bent(POSITION) | JSON.filter(lambda value: not isinstance(value, dict)))
def test_a_position_of_any_form_is_refused(position: Any) -> None:
    with pytest.raises(PositionError):
        check_position(DEPLOYMENT, position)


@given(bent({"inbox": ADDRESS, "l1Start": {"number": "0x1", "hash": HASH}}) | JSON)
def test_a_sync_status_of_any_form_is_read_or_refused(status: Any) -> None:
    found, refusal = attempt(lambda: Followed.from_answer(status), L2AnswerError)
    assert (found is None) == (refusal is not None)
    assert found is None or (found.inbox, "0x" + found.parent.hex()) == (
        status["inbox"],
        status["l1Start"]["hash"].lower(),
    )


@given(bent(PROOF))
def test_an_inclusion_proof_of_any_form_is_refused(proof: Any) -> None:
    l2 = L2Client("http://127.0.0.1:9")
    l2._transport = answering(answer_of(proof))
    l1 = L1Client(answering(answer_of("0x" + "00" * 32)))
    customer = Customer(None, l1, l2, DEPLOYMENT)  # type: ignore[arg-type]
    if proof is None:
        assert batch_on_l1(customer, PlacedOrder(HASH, ROOT, {})) is None
        return
    with pytest.raises((InclusionError, L2AnswerError)):
        batch_on_l1(customer, PlacedOrder(HASH, ROOT, {}))


SIGNED_BLOCK = {"payload": "0x" + encode_batch(ORDERED).hex(), "signature": "0x" + "11" * 65}


def test_good_signed_blocks_are_read() -> None:
    (found,) = read_signed_blocks("l2", 1, [SIGNED_BLOCK])
    assert (found.batch, found.signature) == (ORDERED, b"\x11" * 65)


@given(bent([SIGNED_BLOCK, SIGNED_BLOCK]) | JSON)
def test_signed_blocks_of_any_form_are_read_or_refused(answer: Any) -> None:
    found, refusal = attempt(
        lambda: read_signed_blocks("l2", 1, answer), SequencerAnswerError, RefusedBlockError
    )
    assert (found is None) == (refusal is not None)
    assert found is None or len(found) == len(answer)


@given(mangled(encode_batch(ORDERED)))
def test_a_signed_block_of_any_bytes_is_read_or_refused(payload: bytes) -> None:
    answer = [{"payload": "0x" + payload.hex(), "signature": None}]
    found, refusal = attempt(lambda: read_signed_blocks("l2", 1, answer), RefusedBlockError)
    assert refusal is not None or found[0].number == 1


@given(bent({"code": -32000, "message": "nonce too low: next nonce 1, tx nonce 0", "data": "..."}) | JSON)
def test_an_error_of_any_form_is_a_rejection_or_none(error: Any) -> None:
    found, _ = attempt(lambda: rejection_in(error))
    assert found is None or error["message"] in (found.message, f"{found.reason}: ")
