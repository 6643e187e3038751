"""What attackers get onto L1: nothing without money, and with it what they pay for."""

import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

from hypothesis import given, settings
from hypothesis import strategies as st

from anh_rollup.encoding.batches import RECORD_HEAD_SIZE
from anh_rollup.primitives import Address
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.fees import intrinsic_gas
from anh_rollup.protocol.ledger import Charged
from anh_rollup.sequencer.chain import SequencerChain
from tests.doubles.ordering import (
    ALICE,
    BOB,
    ETHER,
    GWEI,
    MALLORY,
    FakeL1,
    Wallet,
    chain_on,
    decoded,
    record_of,
)

GAS_PER_BYTE: Final = 12
"""What docs/bad-input.md promises: gas that a transaction pays for each byte of its record at least."""

PIECES = st.sampled_from([b"\0", b"\0\0", b"\xff", b"\xff" * 33, b"\1", b"\1\0", b"\0\xff", bytes(200)])
DATA = st.lists(PIECES | st.binary(max_size=40), max_size=30).map(b"".join)
LISTS = st.lists(st.tuples(st.binary(min_size=20, max_size=20), st.integers(0, 3)), max_size=4)


def listed(entries: list[tuple[bytes, int]]) -> tuple[dict[str, object], ...]:
    keys = tuple("0x" + bytes([number] * 32).hex() for number in range(4))
    return tuple({"address": "0x" + owner.hex(), "storageKeys": keys[:count]} for owner, count in entries)


@given(data=DATA, entries=LISTS, creates=st.booleans(), value=st.integers(0, 2**96))
def test_every_byte_of_a_record_is_paid_for(
    data: bytes, entries: list[tuple[bytes, int]], creates: bool, value: int
) -> None:
    to = {"to": None} if creates else {}
    raw = ALICE.sign(data=data, accessList=listed(entries), value=value, gas=10**8, **to)
    assert intrinsic_gas(decoded(raw)) >= GAS_PER_BYTE * (RECORD_HEAD_SIZE + len(record_of(raw)))


Hostile = Callable[[Wallet, int], bytes]

#: From whoever sends it, and the next nonce: something that would be cheap to send and dear to post.
HOSTILE: Final[list[Hostile]] = [
    lambda who, nonce: who.call(nonce, bytes(range(1, 256)) * 20, gas=300_000),
    lambda who, nonce: who.call(nonce, bytes(8_000), gas=150_000),
    lambda who, nonce: who.call(nonce + 1, b"\1" * 5_000, gas=300_000),
    lambda who, nonce: who.call(nonce + 1, b"\2" * 5_000, gas=300_000, maxFeePerGas=9 * GWEI),
    lambda who, nonce: who.transfer(nonce, BOB.address, ETHER // 2),
    lambda who, nonce: who.transfer(nonce, who.address, 1, maxFeePerGas=GWEI),
    lambda who, nonce: who.sign(nonce=nonce, data=b"\1" * 1_000, gas=21_000),
    lambda who, nonce: who.sign(nonce=max(nonce - 1, 0), data=b"\1" * 1_000, gas=100_000),
    lambda who, nonce: who.sign(nonce=nonce, chainId=1),
    lambda who, nonce: who.sign(nonce=nonce)[:-1],
    lambda who, nonce: who.sign(nonce=nonce, gas=10**9),
    lambda who, nonce: who.call(nonce, b"\1" * 60_000, gas=10**7),
]


def ordered(chain: SequencerChain) -> tuple[Counter[Address], Counter[Address]]:
    """Bytes of the sealed blocks by sender, and the wei that they paid, fees at the block's base fee."""
    sizes, fees = Counter[Address](), Counter[Address]()
    for number in range(1, chain.head.header.number + 1):
        block = chain.block(number)  # type: ignore[arg-type]
        assert block is not None
        for (record, transaction), outcome in zip(block.transactions, chain.outcomes(number), strict=True):  # type: ignore[arg-type]
            assert transaction is not None
            assert isinstance(outcome, Charged)
            size = RECORD_HEAD_SIZE + len(record)
            assert outcome.fee >= GAS_PER_BYTE * block.header.base_fee * size
            sizes[transaction.sender] += size
            fees[transaction.sender] += outcome.fee
    return sizes, fees


@settings(max_examples=25, deadline=None)
@given(st.lists(st.tuples(st.booleans(), st.sampled_from(range(len(HOSTILE))), st.booleans()), max_size=30))
def test_attackers_get_what_they_pay_for_and_without_money_nothing(
    steps: list[tuple[bool, int, bool]],
) -> None:
    l1 = FakeL1()
    l1.deposit(ALICE.address, ETHER)
    with tempfile.TemporaryDirectory() as folder:
        chain = chain_on(l1, Path(folder))
        for funded, kind, seals in steps:
            who = ALICE if funded else MALLORY
            nonce = chain.account(who.address, pending=True).nonce
            (result,) = chain.submit([HOSTILE[kind](who, nonce)])
            assert funded or isinstance(result, RejectedError)
            if seals:
                chain.seal()
        chain.seal()
        sizes, fees = ordered(chain)
        assert sizes.keys() <= {ALICE.address}
        assert fees[ALICE.address] <= ETHER
        assert chain._pool.cost(MALLORY.address) == 0
        chain._journal.close()
