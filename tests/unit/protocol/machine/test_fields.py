from dataclasses import fields, replace

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, Digest
from anh_rollup.protocol.derivation import genesis
from anh_rollup.protocol.fees import FIRST_BASE_FEE
from anh_rollup.protocol.machine.fields import BATCH_FIELDS, Machine, Phase, first_machine

HASH = Digest(b"\x0a" * 32)
FIRST = first_machine(genesis(L2_CHAIN_ID, 10, HASH))

#: The types of the table in docs/ledger-claims.md.
TYPES = [
    *("uint8", "bytes32", "uint64", "uint64", "uint64", "uint64", "bytes32", "uint64", "uint64", "bytes32"),
    *("uint256", "uint64", "bytes32", "bool", "uint32", "uint32", "uint32", "uint32", "uint32", "uint32"),
    *("uint32", "bytes32", "uint32", "uint64", "uint64", "bytes32", "uint64", "bytes32", "bool"),
]


def test_a_machine_is_hashed_as_solidity_encodes_it() -> None:
    marked = {
        each.name: place if type_ != "bytes32" else Digest(bytes([place]) * 32)
        for place, (each, type_) in enumerate(zip(fields(Machine), TYPES, strict=True))
    }
    marked |= {"phase": Phase.SEAL, "is_void": True, "pending_forced": False}
    machine = Machine(**marked)
    expected = encode(TYPES, [getattr(machine, each.name) for each in fields(Machine)])
    assert machine.encode() == expected
    assert machine.hash == keccak256(expected)


def test_every_field_counts() -> None:
    others = {
        each.name: b"\x09" * 32 if type_ == "bytes32" else 5
        for each, type_ in zip(fields(Machine), TYPES, strict=True)
    }
    others |= {"phase": Phase.SEAL, "is_void": True, "pending_forced": True}
    hashes = {replace(FIRST, **{name: value}).hash for name, value in others.items()}
    assert len(hashes | {FIRST.hash}) == len(TYPES) + 1


def test_the_first_machine_stands_at_the_genesis_block() -> None:
    block = genesis(L2_CHAIN_ID, 10, HASH)
    assert (FIRST.phase, FIRST.batch, FIRST.ledger) == (Phase.IDLE, 0, ZERO_DIGEST)
    assert (FIRST.height, FIRST.head, FIRST.time) == (0, block.hash, 0)
    assert (FIRST.origin, FIRST.origin_hash, FIRST.base_fee) == (10, HASH, FIRST_BASE_FEE)


def test_what_belongs_to_a_batch_is_zero_while_idle() -> None:
    values = {name: getattr(FIRST, name) for name in BATCH_FIELDS}
    assert next(iter(values)) == "checkpoint"
    assert set(values.values()) == {0, ZERO_DIGEST}
