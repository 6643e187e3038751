"""Jobs: one encoding for each, and nothing else is a job."""

from dataclasses import replace

import pytest
from eth_abi.abi import encode
from eth_utils.crypto import keccak
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.protocol.jobs import (
    DNN_ADDRESS,
    JOB_TYPE,
    NO_ROOT,
    ORDER_SELECTOR,
    Job,
    JobKind,
    JobMalformedError,
    Property,
    decode_job,
    decode_order,
    encode_job,
    order_calldata,
    terms,
)

ROOT = bytes([7]) * 32
TRAINING = Job(
    JobKind.TRAINING, ROOT, NO_ROOT, (Property(ROOT, ROOT, 349),), 1_800_000_000, "https://example.org/a"
)

roots = st.binary(min_size=32, max_size=32).filter(any)
properties = st.builds(Property, roots, roots, st.integers(-(2**63), 2**63 - 1))
uris = st.text(st.characters(exclude_categories=("Cs",)), max_size=80)
several = st.lists(properties, min_size=1, max_size=4).map(tuple)
deadlines = st.integers(0, 2**64 - 1)
jobs = st.one_of(
    st.builds(Job, st.just(JobKind.TRAINING), roots, st.just(NO_ROOT), several, deadlines, uris),
    st.builds(Job, st.just(JobKind.INFERENCE), roots, roots, several, deadlines, uris),
)


printable = st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), max_size=80)


@given(jobs, printable)
def test_every_order_comes_back_from_its_calldata(job: Job, uri: str) -> None:
    ordered = replace(job, uri=uri)
    assert decode_order(order_calldata(ordered)) == ordered


@given(jobs)
def test_every_job_comes_back_from_its_encoding(job: Job) -> None:
    assert decode_job(encode_job(job)) == job


@pytest.mark.parametrize("uri", ["\x1f", "https://a\x7f", "é", "a\n", "\0"])
def test_an_order_names_a_place_in_printable_ascii(uri: str) -> None:
    job = replace(TRAINING, uri=uri)
    why = "^not a job: its URI has other characters than printable ASCII$"
    with pytest.raises(JobMalformedError, match=why):
        order_calldata(job)
    with pytest.raises(JobMalformedError, match=why):
        decode_order(ORDER_SELECTOR + encode_job(job))


@given(jobs, st.data())
def test_no_two_encodings_give_one_job(job: Job, data: st.DataObject) -> None:
    encoded = bytearray(encode_job(job))
    place = data.draw(st.integers(0, len(encoded) - 1))
    encoded[place] ^= data.draw(st.integers(1, 255))
    try:
        other = decode_job(bytes(encoded))
    except JobMalformedError:
        return
    assert other != job
    assert encode_job(other) == bytes(encoded)


def test_terms_are_the_hash_of_the_arguments() -> None:
    assert terms(TRAINING) == keccak(order_calldata(TRAINING)[4:])
    assert (
        keccak(text="order((uint8,bytes32,bytes32,(bytes32,bytes32,int64)[],uint64,string))")[:4]
        == ORDER_SELECTOR
    )
    assert DNN_ADDRESS == "0x" + "0" * 36 + "0A4e"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"architecture": b"\x01"}, "the architecture is not a root of 32 bytes: 0x01"),
        ({"model": b"\x01"}, "the model root has 1 bytes instead of 32"),
        ({"model": ROOT}, "a training job names no model, an inference job names one"),
        ({"kind": JobKind.INFERENCE}, "a training job names no model, an inference job names one"),
        ({"properties": ()}, "it has 0 properties, not 1 to 4"),
        ({"properties": TRAINING.properties * 5}, "it has 5 properties, not 1 to 4"),
        ({"deadline": 2**64}, f"the deadline {2**64} is not a uint64"),
        ({"deadline": -1}, "the deadline -1 is not a uint64"),
        ({"uri": "é" * 257}, "its URI has more than 512 bytes"),
        ({"uri": "\udcff" * 513}, "its URI has more than 512 bytes"),
    ],
)
def test_a_job_that_breaks_a_rule_is_refused(change: dict[str, object], reason: str) -> None:
    fields = {name: getattr(TRAINING, name) for name in Job.__slots__}
    with pytest.raises(JobMalformedError) as caught:
        Job(**{**fields, **change})
    assert caught.value.reason == reason


def test_a_threshold_is_an_int64() -> None:
    with pytest.raises(JobMalformedError, match="is not an int64"):
        Property(ROOT, ROOT, 2**63)
    with pytest.raises(JobMalformedError, match="a property's data set is not a root"):
        Property(ROOT, b"", 0)


@pytest.mark.parametrize(
    "encoded",
    [b"", bytes(31), encode_job(TRAINING)[:-1], encode_job(TRAINING) + bytes(32), encode_job(TRAINING)[:-32]],
)
def test_bytes_that_are_no_canonical_encoding_are_refused(encoded: bytes) -> None:
    with pytest.raises(JobMalformedError):
        decode_job(encoded)


@pytest.mark.parametrize("kind", [0, 3, 255])
def test_an_unknown_kind_is_refused(kind: int) -> None:
    encoded = encode([JOB_TYPE], [(kind, ROOT, NO_ROOT, [(ROOT, ROOT, 1)], 1, "")])
    with pytest.raises(JobMalformedError, match="is neither 1"):
        decode_job(encoded)


def test_another_call_is_no_order() -> None:
    with pytest.raises(JobMalformedError, match=f"does not start with 0x{ORDER_SELECTOR.hex()}"):
        decode_order(bytes(4) + encode_job(TRAINING))


def test_an_endless_list_of_properties_is_refused_at_once() -> None:
    encoded = bytearray(encode_job(TRAINING))
    place = encoded.index((1).to_bytes(32, "big") + ROOT, 64)
    encoded[place : place + 32] = (2**255).to_bytes(32, "big")
    with pytest.raises(JobMalformedError):
        decode_job(bytes(encoded))


def test_text_that_utf8_cannot_carry_is_refused() -> None:
    job = Job(JobKind.TRAINING, ROOT, NO_ROOT, TRAINING.properties, 1, "\ud800")
    with pytest.raises(JobMalformedError, match="it cannot be encoded"):
        encode_job(job)
