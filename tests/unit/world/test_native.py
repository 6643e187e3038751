"""The precompiled contracts that revm computes give what the specification's own give."""

import hashlib
from random import Random

import pytest
from ethereum.forks.cancun.vm import interpreter
from ethereum.forks.cancun.vm.precompiled_contracts.mapping import PRE_COMPILED_CONTRACTS

from anh_rollup.primitives import Address, Gas
from anh_rollup.world.engine import Outcome
from anh_rollup.world.native import (
    ALT_BN128_ADD,
    ALT_BN128_MUL,
    ALT_BN128_PAIRING,
    BLAKE2F,
    NATIVE,
    POINT_EVALUATION,
)
from tests.unit.world.engines import execute, state

FIELD = 21888242871839275222246405745257275088696311157297823662689037894645226208583
CURVE_ORDER = 21888242871839275222246405745257275088548364400416034343698204186575808495617


def words(*numbers: int) -> bytes:
    return b"".join(number.to_bytes(32, "big") for number in numbers)


ONE = words(1, 2)
MINUS_ONE = words(1, FIELD - 2)
TWO_DIMENSIONAL = words(
    11559732032986387107991004021392285783925812861821192530917403151452391805634,
    10857046999023057135944570762232829481370756359578518086990519993285655852781,
    4082367875863433681332203403145435568316851327593401208105741076214120093531,
    8495653923123431417604973247489272438418190587263600148770280649306958101930,
)
"""The generator of the second group (EIP-197)."""

INFINITY = b"\xc0" + bytes(47)
NOTHING = b"\x01" + hashlib.sha256(INFINITY).digest()[1:] + words(5, 0) + INFINITY + INFINITY
"""The proof that the zero polynomial is zero at 5 (EIP-4844)."""

ROUNDS = (3).to_bytes(4, "big")

INPUTS = [
    (ALT_BN128_ADD, b""),
    (ALT_BN128_ADD, ONE),
    (ALT_BN128_ADD, ONE + ONE + b"\x01"),
    (ALT_BN128_ADD, ONE + MINUS_ONE),
    (ALT_BN128_ADD, words(1, 3)),
    (ALT_BN128_ADD, words(FIELD, 2)),
    (ALT_BN128_MUL, b""),
    (ALT_BN128_MUL, ONE + words(CURVE_ORDER)),
    (ALT_BN128_MUL, ONE + words(2**256 - 1)),
    (ALT_BN128_MUL, words(2, 2, 2)),
    (ALT_BN128_PAIRING, b""),
    (ALT_BN128_PAIRING, ONE + TWO_DIMENSIONAL),
    (ALT_BN128_PAIRING, ONE + TWO_DIMENSIONAL + MINUS_ONE + TWO_DIMENSIONAL),
    (ALT_BN128_PAIRING, bytes(192)),
    (ALT_BN128_PAIRING, ONE),
    (ALT_BN128_PAIRING, ONE + words(1, 2, 3, 4)),
    (BLAKE2F, b""),
    (BLAKE2F, ROUNDS + Random(1).randbytes(208) + b"\x01"),
    (BLAKE2F, ROUNDS + Random(2).randbytes(208) + b"\x00"),
    (BLAKE2F, ROUNDS + bytes(208) + b"\x02"),
    (BLAKE2F, bytes(213)),
    (BLAKE2F, bytes(214)),
    (POINT_EVALUATION, b""),
    (POINT_EVALUATION, NOTHING),
    (POINT_EVALUATION, NOTHING[:63] + b"\x01" + NOTHING[64:]),
    (POINT_EVALUATION, NOTHING[:-1] + b"\x01"),
    (POINT_EVALUATION, bytes(192)),
    (POINT_EVALUATION, b"\x01" + bytes(191)),
]


def outcome(number: int, data: bytes, gas: int) -> Outcome:
    return execute(state(""), to=Address(number.to_bytes(20, "big")), data=data, gas_limit=Gas(gas))


@pytest.mark.parametrize("gas", [300_000, 60_000, 26_000, 24_000])
@pytest.mark.parametrize(("number", "data"), INPUTS)
def test_native_and_specified_results_agree(
    number: int, data: bytes, gas: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    native = outcome(number, data, gas)
    monkeypatch.setattr(interpreter, "PRE_COMPILED_CONTRACTS", PRE_COMPILED_CONTRACTS)
    specified = outcome(number, data, gas)
    assert (native.succeeded, native.gas_used, native.output, native.halt is None) == (
        specified.succeeded,
        specified.gas_used,
        specified.output,
        specified.halt is None,
    )


def test_some_inputs_are_valid_for_each() -> None:
    valid = {number for number, data in INPUTS if outcome(number, data, 300_000).succeeded}
    assert {Address(number.to_bytes(20, "big")) for number in valid} == NATIVE.keys()


def test_outside_of_a_run_the_specification_computes_for_itself() -> None:
    table = interpreter.PRE_COMPILED_CONTRACTS
    assert outcome(BLAKE2F, bytes(213), 300_000).succeeded
    assert [table[address] for address in NATIVE] == [PRE_COMPILED_CONTRACTS[address] for address in NATIVE]
