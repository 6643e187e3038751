import json

import pytest

from anh_rollup.encoding.batches import BatchHeader, decode_batch
from anh_rollup.encoding.transactions import record_to_raw
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.primitives import ZERO_DIGEST, BatchNumber
from anh_rollup.sequencer.poster import MOST_CALLDATA
from benchmarks import l1_cost
from benchmarks.l1_cost import Load, gas_besides, loads


@pytest.fixture(scope="module")
def in_calldata() -> list[Load]:
    return loads(MOST_CALLDATA)


def test_the_bytes_of_the_snapshot_are_what_the_encoding_gives(in_calldata: list[Load]) -> None:
    snapshot = json.loads(l1_cost.SNAPSHOT.read_text())
    for load in in_calldata:
        name = f"{load.name}, full calldata"
        header = BatchHeader(BatchNumber(1), ZERO_DIGEST, ZERO_DIGEST, load.count, ZERO_DIGEST, 0)
        call = Inbox(None, "0x" + "00" * 19 + "01").post_calldata(header, load.payload).data
        measured = (load.each(len(call)), load.count)
        assert measured == (snapshot[f"{name}: data"], snapshot[f"{name}: transactions"])


def test_a_load_fills_its_batch_with_records_of_transactions(in_calldata: list[Load]) -> None:
    for load in in_calldata:
        assert decode_batch(load.payload) == load.batch
        assert MOST_CALLDATA * 0.9 < len(load.payload) <= MOST_CALLDATA
        assert all(record_to_raw(record) for record in load.batch.records)


def test_no_target_for_bytes_is_missed_by_the_committed_figures() -> None:
    snapshot = json.loads(l1_cost.SNAPSHOT.read_text())
    judged = {
        name: value
        for name, value in snapshot.items()
        if name.endswith(("six blobs: data", "full calldata: data"))
    }
    assert len(judged) == 4
    assert max(judged.values()) <= l1_cost.MOST_BYTES
    assert max(value for name, value in snapshot.items() if "besides" in name) <= l1_cost.MOST_POSTING_GAS


def test_data_cost_the_floor_where_the_transaction_paid_it() -> None:
    call = b"\1" * 1_004
    assert gas_besides(call[4:], call, 21_000 + 40 * 1_004) == 21_160


def test_below_the_floor_data_cost_calldata_and_log() -> None:
    assert gas_besides(b"\1" * 10, b"\1" * 14, 60_000) == 60_000 - 160 - 80
