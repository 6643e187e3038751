"""Records and Solidity values: by name, nested, both ways, with errors where they do not fit."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import pytest
from eth_abi.abi import encode

from anh_rollup.l1.abi import (
    AbiError,
    Artifact,
    decode_values,
    encode_arguments,
    field_name,
    load_artifact,
    signature_hash,
    to_record,
    type_names,
)
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.reverts import decode_revert
from anh_rollup.primitives import Address

ADDRESS = "0xABaBaBaBABabABabAbAbABAbABabababaBaBABaB"


class Colour(IntEnum):
    RED = 0
    BLUE = 1


@dataclass(frozen=True)
class Leaf:
    colour: Colour
    some_number: int


@dataclass(frozen=True)
class Tree:
    leaves: tuple[Leaf, ...]
    from_: str
    digests: tuple[bytes, ...]


LEAF = [{"name": "someNumber", "type": "int64"}, {"name": "colour", "type": "uint8"}]
TREE: list[dict[str, Any]] = [
    {"name": "from", "type": "address"},
    {"name": "leaves", "type": "tuple[]", "components": LEAF},
    {"name": "digests", "type": "bytes32[]"},
]
PARAMETER = {"name": "tree", "type": "tuple", "components": TREE}
RECORD = Tree((Leaf(Colour.BLUE, -5), Leaf(Colour.RED, 7)), ADDRESS, (bytes(32), bytes([1]) * 32))


def test_a_record_is_encoded_by_the_names_of_its_struct() -> None:
    plain = (ADDRESS, [(-5, 1), (7, 0)], [bytes(32), bytes([1]) * 32])
    assert type_names([PARAMETER]) == ["(address,(int64,uint8)[],bytes32[])"]
    assert encode_arguments([PARAMETER], [RECORD]) == encode(type_names([PARAMETER]), [plain])


def test_a_record_comes_back_with_its_types() -> None:
    (values,) = decode_values([PARAMETER], encode_arguments([PARAMETER], [RECORD]))
    assert to_record(Tree, TREE, values) == RECORD


def test_an_address_is_bytes_where_a_record_wants_bytes() -> None:
    @dataclass(frozen=True)
    class Payee:
        text: str
        raw: Address

    fields = [{"name": "text", "type": "address"}, {"name": "raw", "type": "address"}]
    values = decode_values(fields, encode_arguments(fields, [ADDRESS, bytes.fromhex(ADDRESS[2:])]))
    assert to_record(Payee, fields, values) == Payee(ADDRESS, Address(bytes.fromhex(ADDRESS[2:])))


def test_plain_tuples_are_taken_for_structs_too() -> None:
    plain = (ADDRESS, [(-5, Colour.BLUE), (7, 0)], [bytes(32), bytes([1]) * 32])
    assert encode_arguments([PARAMETER], [plain]) == encode_arguments([PARAMETER], [RECORD])


def test_a_value_that_does_not_fit_is_refused() -> None:
    with pytest.raises(AbiError):
        encode_arguments([{"name": "n", "type": "uint8"}], [256])
    with pytest.raises(AbiError, match="2 arguments for 1 parameters"):
        encode_arguments([{"name": "n", "type": "uint8"}], [1, 2])
    with pytest.raises(AbiError, match="lacks a component"):
        encode_arguments([PARAMETER], [Leaf(Colour.RED, 1)])


def test_bytes_that_are_no_encoding_are_an_answer_error() -> None:
    with pytest.raises(L1AnswerError):
        decode_values([PARAMETER], b"\x01")


def test_a_record_whose_fields_are_not_given_is_refused() -> None:
    with pytest.raises(AbiError, match="Leaf"):
        to_record(Leaf, LEAF[:1], [5])


@pytest.mark.parametrize(
    ("solidity", "python"),
    [
        ("batchCommitment", "batch_commitment"),
        ("hashA", "hash_a"),
        ("from", "from_"),
        ("prizeShareBps", "prize_share_bps"),
        ("_owner", "owner"),
        ("block_", "block"),
        ("uri", "uri"),
    ],
)
def test_names_are_translated(solidity: str, python: str) -> None:
    assert field_name(solidity) == python


def test_an_unknown_name_is_refused() -> None:
    artifact = Artifact("Thing", ({"type": "function", "name": "f", "inputs": []},), b"")
    assert signature_hash(artifact.entry("function", "f"))[:4].hex() == "26121ff0"
    with pytest.raises(AbiError, match="Thing has 0 functions named g"):
        artifact.entry("function", "g")
    with pytest.raises(AbiError, match="there is no artifact of Nothing"):
        load_artifact("Nothing")


def test_reverts_get_their_names() -> None:
    text = bytes.fromhex("08c379a0") + encode(["string"], ["too late"])
    assert decode_revert(text).message == "the L1 contract refused: Error(too late)"
    unknown = decode_revert(b"\x01\x02\x03\x04\x05")
    assert (unknown.reason, unknown.arguments) == ("Unknown", (b"\x01\x02\x03\x04\x05",))
    assert decode_revert(b"", "execution reverted").arguments == ("execution reverted",)
    assert decode_revert(b"").arguments == ()
    broken = decode_revert(text[:20])
    assert (broken.reason, broken.arguments) == ("Error", (text[4:20],))
