"""What publishes programs and models: its form, its price, and how an artifact is cut into transactions."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.artifacts import Model, encode_model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import MOST_RECORD_BYTES, decode_signed, encode_record
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol import publications, publishing
from anh_rollup.protocol.fees import BLOCK_GAS_LIMIT, base_gas, intrinsic_gas
from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.protocol.publications import (
    BYTE_GAS,
    CALL_GAS,
    COUNT_BYTES,
    MOST_ARTIFACT_BYTES,
    MOST_PARTS,
    PART_GAS,
    VALUE_GAS,
    WORD_GAS,
    Assembly,
    Measure,
    Part,
    Publication,
    PublicationMalformedError,
    PublishedKind,
    assembly_gas,
    decode_publication,
    encode_publication,
    measured,
    ordered_publication,
    whole,
)
from anh_rollup.protocol.publishing import ArtifactUnpublishableError, publishing_steps
from tests.doubles.ordering import ALICE

ROOT = b"\1" * 32
ROOTS = st.binary(min_size=32, max_size=32)
KINDS = st.sampled_from(PublishedKind)
BYTES = st.binary(min_size=1, max_size=300)
WHOLES = st.builds(whole, KINDS, ROOTS, BYTES)
PARTS = st.builds(Publication, st.builds(Part, BYTES), st.none())
ASSEMBLIES = st.builds(Assembly, KINDS, ROOTS, st.lists(ROOTS, min_size=1, max_size=5).map(tuple))
PUBLICATIONS = WHOLES | PARTS | st.builds(Publication, st.none(), ASSEMBLIES)
WHOLE = whole(PublishedKind.MODEL, ROOT, b"abcdefg")
MARKER = {"accessList": [{"address": "0x" + "57" * 20, "storageKeys": []}]}


def model_bytes(*shape: int, seed: int = 1, most: int = 2**31 - 1) -> bytes:
    elements = np.random.default_rng(seed).integers(-most, most, shape, dtype=np.int32)
    return encode_model(Model([elements]))


@given(PUBLICATIONS)
def test_what_is_published_is_read_back(publication: Publication) -> None:
    assert decode_publication(encode_publication(publication)) == publication


def test_whole_artifacts_are_their_only_part() -> None:
    assert WHOLE.assembly is not None
    assert WHOLE.assembly.parts == (keccak256(b"abcdefg"),)


@pytest.mark.parametrize(
    "calldata",
    [
        b"",
        b"\0\0\0\0" + encode(["bytes"], [b"abc"]),
        encode_publication(WHOLE)[:-1],
        encode_publication(WHOLE) + bytes(32),
        encode_publication(Publication(Part(b""), None)),
        encode_publication(Publication(None, Assembly(PublishedKind.MODEL, ROOT, ()))),
        encode_publication(
            Publication(None, Assembly(PublishedKind.MODEL, ROOT, (ROOT,) * (MOST_PARTS + 1)))
        ),
        encode_publication(WHOLE).replace(bytes(31) + b"\2", bytes(31) + b"\3", 1),
        encode_publication(WHOLE)[:-1] + b"\1",
    ],
    ids=["nothing", "other", "short", "long", "empty", "no parts", "too many", "kind", "padding"],
)
def test_other_calldata_publishes_nothing(calldata: bytes) -> None:
    with pytest.raises(PublicationMalformedError, match=r"^not a publication: "):
        decode_publication(calldata)


@pytest.mark.parametrize("extra", [{}, MARKER], ids=["plain", "strict"])
def test_a_publication_needs_gas_for_its_call(extra: dict[str, object]) -> None:
    data = encode_publication(WHOLE)
    keys = [0] if extra else []
    least = base_gas(data, creates=False, listed_keys=keys) + CALL_GAS + WORD_GAS * -(-len(data) // 32)
    for gas, expected in ((least - 1, None), (least, (WHOLE, 0)), (least + 9, (WHOLE, 9))):
        raw = ALICE.sign(to=DNN_ADDRESS, data=data, gas=gas, **extra)
        assert ordered_publication(decode_signed(raw, L2_CHAIN_ID)) == expected


def test_only_calls_of_the_dnn_address_without_value_publish() -> None:
    data = encode_publication(WHOLE)
    sound = decode_signed(ALICE.sign(to=DNN_ADDRESS, data=data, gas=200_000), L2_CHAIN_ID)
    assert ordered_publication(sound) is not None
    for changed in ({"value": 1}, {"to": ALICE.address}, {"to": None}, {"data": data + b"\0"}, {"data": b""}):
        assert ordered_publication(sound._replace(**changed)) is None


def test_an_assembly_costs_its_bytes_values_and_parts() -> None:
    parts = (ROOT, ROOT)
    for kind in PublishedKind:
        expected = 2 * PART_GAS + 10 * BYTE_GAS[kind] + 3 * VALUE_GAS
        assert assembly_gas(Assembly(kind, ROOT, parts), Measure(10, 3)) == expected


def test_an_assembly_that_is_too_large_or_too_short_never_counts() -> None:
    assembly = Assembly(PublishedKind.MODEL, ROOT, (ROOT,))
    assert assembly_gas(assembly, Measure(MOST_ARTIFACT_BYTES, 1)) is not None
    assert assembly_gas(assembly, Measure(MOST_ARTIFACT_BYTES + 1, 1)) is None
    assert assembly_gas(assembly, measured(bytes(COUNT_BYTES))) is not None
    assert assembly_gas(assembly, measured(bytes(COUNT_BYTES - 1))) is None


def test_the_largest_model_fits_a_block(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its parts fit records: `MOST_PARTS` suffice for bytes that cannot be packed."""
    monkeypatch.setattr(publishing, "_fits", lambda made: len(encode_publication(made)) <= 60_000)
    size = MOST_ARTIFACT_BYTES - 4 - 5
    content = (1).to_bytes(4, "big") + bytes([1]) + (size // 4).to_bytes(4, "big") + bytes(size)
    content = content[: 1 << 20] + np.arange((len(content) - (1 << 20)) // 4, dtype=">i4").tobytes()
    steps = publishing_steps(PublishedKind.MODEL, ROOT, content)
    assert len(steps) <= MOST_PARTS
    assert max(each.gas for each in steps) <= BLOCK_GAS_LIMIT
    assert len(steps[-1].calldata) < MOST_RECORD_BYTES


def test_a_small_artifact_takes_one_transaction() -> None:
    content = model_bytes(100)
    (step,) = publishing_steps(PublishedKind.MODEL, ROOT, content)
    assert decode_publication(step.calldata) == whole(PublishedKind.MODEL, ROOT, content)
    assert step.hash == ROOT


@pytest.mark.parametrize("most", [2**31 - 1, 100])
def test_a_large_artifact_takes_parts_and_an_assembly(most: int) -> None:
    """Each fits a record with what signing adds, and its gas limit makes it count."""
    content = model_bytes(50_000, most=most)
    steps = publishing_steps(PublishedKind.MODEL, ROOT, content)
    parts, (_, assembly) = [], (None, None)
    for step in steps:
        raw = ALICE.sign(to=DNN_ADDRESS, data=step.calldata, gas=step.gas, nonce=2**40, **MARKER)
        transaction = decode_signed(raw, L2_CHAIN_ID)
        assert len(encode_record(transaction)) <= MOST_RECORD_BYTES
        assert transaction.gas_limit >= intrinsic_gas(transaction)
        published = ordered_publication(transaction)
        assert published is not None
        made, left = published
        if made.part is not None:
            parts.append(made.part)
            assert step.hash == made.part.hash
        assembly = made.assembly
    assert len(parts) == len(steps) - 1 > 1
    assert b"".join(each.content for each in parts) == content
    assert assembly == Assembly(PublishedKind.MODEL, ROOT, tuple(each.hash for each in parts))
    needed = assembly_gas(assembly, measured(content))
    assert needed is not None
    assert left >= needed


def test_equal_parts_are_sent_once() -> None:
    content = bytes(600_000)
    *parts, last = publishing_steps(PublishedKind.MODEL, ROOT, content)
    assembly = decode_publication(last.calldata).assembly
    assert assembly is not None
    assert (len(parts), len(assembly.parts)) == (1, 5)


def test_what_is_too_large_is_refused() -> None:
    with pytest.raises(ArtifactUnpublishableError) as raised:
        publishing_steps(PublishedKind.MODEL, ROOT, bytes(MOST_ARTIFACT_BYTES + 1))
    assert raised.value.size == MOST_ARTIFACT_BYTES + 1
    assert publications.MOST_ARTIFACT_BYTES == 64 << 20
