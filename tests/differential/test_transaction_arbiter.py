"""TransactionArbiter's shipped bytecode reads records as `decode_record` does."""

from random import Random

import pytest

from anh_rollup.encoding.rlp import encode_bytes, encode_list
from anh_rollup.encoding.transactions import MOST_RECORD_BYTES, MOST_TRANSACTION_BYTES
from anh_rollup.encoding.zero_runs import compress
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_ADDRESS, ChainId
from anh_rollup.protocol.ledger import decode_or_none, is_order
from tests.differential.ledger_arbiter import MOST_GAS, Contracts
from tests.differential.records import random_record

FEW = 4_000
MANY = 100_000
CHAINS = (L2_CHAIN_ID, ChainId(1), ChainId((2**64 - 37) // 2))


@pytest.fixture(scope="module")
def contracts() -> Contracts:
    return Contracts()


def test_records_are_read_as_the_reference_reads_them(contracts: Contracts) -> None:
    sound = disagreements(contracts, "few", FEW)
    assert FEW // 4 < sound < FEW * 9 // 10


@pytest.mark.slow
def test_records_are_read_as_the_reference_reads_them_at_length(contracts: Contracts) -> None:
    sound = disagreements(contracts, "many", MANY)
    assert MANY // 4 < sound < MANY * 9 // 10


@pytest.mark.parametrize("size", range(70))
def test_short_records_are_none(contracts: Contracts, size: int) -> None:
    assert contracts.decode(b"\x02" * size) is None
    assert expected(b"\x02" * size, L2_CHAIN_ID) is None


@pytest.mark.parametrize(
    "data",
    [
        b"\1" * 65_400,
        b"\1\0" * 21_800,
        bytes(130_900),
        b"\xff" * 130_900,
        b"\xff\1" * 21_800,
        b"\0\xff" * 16_350,
    ],
    ids=["literals", "zeros one by one", "zeros", "0xff", "0xff one by one", "both in turn"],
)
def test_the_longest_records_fit_a_transaction(contracts: Contracts, data: bytes) -> None:
    record = long_record(data)
    assert MOST_RECORD_BYTES // 2000 < len(record) <= MOST_RECORD_BYTES
    assert contracts.decode(record) == expected(record, L2_CHAIN_ID)
    assert contracts.gas < MOST_GAS * 3 // 4


@pytest.mark.parametrize(("addresses", "keys"), [(2_800, 0), (1, 1_970), (1_100, 1)])
def test_the_longest_access_lists_fit_a_transaction(contracts: Contracts, addresses: int, keys: int) -> None:
    entry = encode_list([encode_bytes(b"\1" * 20), encode_list([encode_bytes(b"\2" * 32)] * keys)])
    listed = encode_list([entry] * addresses)
    head = bytes([0x1A]) + b"\1" * 64 + b"\2" * 20 + b"\0" + b"\3\1\1\1" + b"\1\2" + b"\1\1" + b"\0"
    record = head + len(listed).to_bytes(3, "big") + listed
    assert MOST_RECORD_BYTES * 9 // 10 < len(record) <= MOST_RECORD_BYTES
    wanted = expected(record, L2_CHAIN_ID)
    assert wanted is not None
    assert contracts.decode(record) == wanted
    assert contracts.gas < MOST_GAS * 3 // 4


@pytest.mark.parametrize("size", [130_949, 130_950, 130_951, 130_952, 130_953, 131_072, 131_073])
def test_the_bound_of_signed_bytes_is_the_same(contracts: Contracts, size: int) -> None:
    record = long_record(bytes(size))
    assert contracts.decode(record) == expected(record, L2_CHAIN_ID)


def test_data_that_unpack_to_more_than_a_transaction_cost_no_more(contracts: Contracts) -> None:
    record = long_record(b"\1" * 4) + b"\0\x7f" * 32_000
    assert contracts.decode(record) is None
    assert contracts.gas < MOST_GAS // 4


def long_record(data: bytes) -> bytes:
    """A sound record with these data, if they are not too long."""
    head = bytes([0x0A]) + b"\1" * 64 + b"\2" * 20
    return head + b"\0" + b"\3\1\1\1" + b"\1\2" + b"\1\1" + b"\0" + compress(data)


def disagreements(contracts: Contracts, seed: str, count: int) -> int:
    """Compares on so many records; how many of them are sound."""
    sound = 0
    for number in range(count):
        random = Random(f"{seed} {number}")
        record, chain_id = random_record(random), random.choice(CHAINS)
        wanted = expected(record, chain_id)
        assert contracts.decode(record, chain_id) == wanted, (seed, number, record.hex())
        sound += wanted is not None
    return sound


def expected(record: bytes, chain_id: ChainId) -> tuple[object, ...] | None:
    """What the contract should answer."""
    assert len(record) < 2 * MOST_TRANSACTION_BYTES
    read = decode_or_none(record, chain_id)
    if read is None:
        return None
    keys = sum(len(keys) for _, keys in read.access_list)
    fees = (read.nonce, read.gas_limit, read.max_fee, read.priority_fee)
    to = "0x" + (read.to or ZERO_ADDRESS).hex()
    data = (len(read.data), read.data.count(0), is_order(read.data))
    sender = "0x" + read.sender.hex()
    return (sender, *fees, read.to is None, to, read.value, *data, len(read.access_list), keys)
