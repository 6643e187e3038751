"""Every decoder of strangers' bytes answers or raises its one error, quickly, and takes little memory."""

import importlib
import pkgutil
import re
import time
import tracemalloc
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

import anh_rollup
from anh_rollup.encoding.artifacts import decode_dataset
from anh_rollup.errors import AnhError
from tests.unit.fuzz.decoders import DECODERS
from tests.unit.fuzz.mangling import attempt, strange
from tests.unit.fuzz.words import PARSERS

#: What a name of a decoder begins with.
DECODES = re.compile("(decode|parse|read|load|unpack|decompress)(_|$)")

#: Functions of such names that read no outside bytes of their own.
OTHERS = {
    "rpc.call_objects.read_access_list": "test_malformed_questions.py sends what it reads",
    "rpc.call_objects.read_call": "test_malformed_questions.py sends what it reads",
    "rpc.override_objects.read_overrides": "test_malformed_questions.py sends what it reads",
    "rpc.logs.read_kept_query": "test_malformed_questions.py sends what it reads",
    "rpc.logs.read_query": "test_malformed_questions.py sends what it reads",
    "client.called_jobs.read_called_jobs": "an answer's JSON: test_answers; decode_job",
    "world.cell_store.read_request": "decode_request, None where it refuses",
    "world.engines.load_engine": "loads a module, no bytes",
    "world.revm_journal.read_journal": "reads what revm itself prints",
    "world.schema.unpack": "reads a number that the same database wrote",
    "cli.exit.parse_amount": "parse_payment, or the word `all`",
    "cli.options.parse_payment": "parse_ether, but 0",
    "cli.slash.parse_signed": "an option's words: test_slash",
    "cluster.closure_tasks.load": "loads a module, no bytes",
    "encoding.abi.decode": "its three callers wrap its errors: decode_job, decode_claim, decode_values",
    "encoding.indexed_items.read_items": "a part of decode_batch",
    "encoding.packed_records.read_parts": "a part of decode_batch",
    "encoding.packed_records.unpack_record": "a part of decode_batch",
    "encoding.short_numbers.read_number": "a part of decode_batch",
    "encoding.tensors.read_shape": "a part of decode_model and decode_dataset",
    "encoding.tensors.read_tensor": "a part of decode_model",
    "follower.sequencer_client.read_signed_blocks": "an answer's JSON: test_answers; decode_batch",
    "importing.source.read_network": "read_model, or a module that is imported",
    "l1.abi.load_artifact": "reads the package's own files",
    "l1.blobs.load_trusted_setup": "reads a file of a dependency",
    "l1.deployment.load_deployment": "read_deployment and questions to L1",
    "protocol.derivation.read_posting": "decode_batch under a header, None where it refuses",
    "protocol.machine.payload.read_batch_head": "a part of what test_histories compares with decode_batch",
    "protocol.machine.payload.read_block_head": "a part of what test_histories compares with decode_batch",
    "protocol.machine.payload.read_table": "a part of what test_histories compares with decode_batch",
    "protocol.machine.reading.read_block": "a step, whose machine test_histories compares with decode_batch",
    "protocol.machine.records.read_transaction": "a step, as above",
    "protocol.machine.records.unpack": "a step, as above",
}

#: Most bytes of memory beside a multiple of the input: a blob and its copies.
MOST_MEMORY = 4 << 20
MEMORY_FACTOR = 64

#: Most seconds of processor time for one input of 64 KiB (a hundred times what it takes).
MOST_SECONDS = 5.0

HOSTILE = [
    *[bytes([each]) * 65_536 for each in (0x00, 0x01, 0x20, 0x30, 0x7F, 0x80, 0xC1, 0xF8, 0xFF)],
    *[each * 16_384 for each in (b"[", b'{"":', b'["",', b"\xc2\xc1", b"\0\0\0\1", b"\x02\xf9\xff\xff")],
]


def functions() -> Iterator[str]:
    """Every public function of the package whose name is a decoder's, from module to name."""
    for module in pkgutil.walk_packages(anh_rollup.__path__, "anh_rollup."):
        if module.name.endswith("__main__"):
            continue
        for name, found in vars(importlib.import_module(module.name)).items():
            own = getattr(found, "__module__", None) == module.name
            if own and callable(found) and not isinstance(found, type) and DECODES.match(name):
                yield f"{module.name.removeprefix('anh_rollup.')}.{name}"


def refusal_of(name: str, data: bytes) -> AnhError | None:
    """The error that a decoder refuses bytes with; any other error ends the test."""
    decoder = DECODERS[name]
    decoded, refusal = attempt(lambda: decoder.decode(data), decoder.refusal)
    if refusal is None and decoder.encode is not None:
        assert decoder.encode(decoded) == data
    return refusal


def test_no_decoder_is_left_out() -> None:
    tested = {*DECODERS, *PARSERS, *OTHERS}
    assert sorted(set(functions()) - tested) == []
    assert sorted(set(OTHERS) - set(functions())) == []


@pytest.mark.parametrize("name", DECODERS)
@given(data=st.data())
def test_any_bytes_decode_or_raise_the_one_error(name: str, data: st.DataObject) -> None:
    refusal = refusal_of(name, data.draw(strange(DECODERS[name].good)))
    assert refusal is None or isinstance(refusal, DECODERS[name].refusal)


@pytest.mark.parametrize("name", DECODERS)
def test_good_bytes_decode_and_come_back(name: str) -> None:
    assert [refusal_of(name, good) for good in DECODERS[name].good] == [None] * len(DECODERS[name].good)


@pytest.mark.parametrize("name", DECODERS)
def test_bytes_that_break_off_anywhere_are_no_trouble(name: str) -> None:
    good = DECODERS[name].good[0]
    places = sorted({*range(min(len(good), 64)), *range(0, len(good), max(1, len(good) // 64))})
    refusals = [refusal_of(name, good[:place]) for place in places]
    assert all(refusal is None or refusal.remedy for refusal in refusals)


@pytest.mark.parametrize("name", DECODERS)
def test_no_short_input_takes_much_memory(name: str) -> None:
    good = DECODERS[name].good[0]
    tracemalloc.start()
    for byte in (0x00, 0x01, 0x7F, 0x80, 0xC1, 0xFF):
        for at in range(min(len(good), 40)):
            refusal_of(name, good[:at] + bytes([byte]) * 8 + good[at + 8 :])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY + MEMORY_FACTOR * len(good)


@pytest.mark.parametrize("name", DECODERS)
def test_no_long_input_takes_much_time_or_memory(name: str) -> None:
    slowest = 0.0
    tracemalloc.start()
    for data in HOSTILE:
        started = time.process_time()
        refusal_of(name, data)
        slowest = max(slowest, time.process_time() - started)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < MOST_MEMORY + MEMORY_FACTOR * 65_536
    assert slowest < MOST_SECONDS


#: A data set's tree has 64 bytes a sample, and its samples' roots 32, beside the elements twice.
TREE_FACTOR = 32


@pytest.mark.parametrize("shape", [b"\0", b"\1" + (100).to_bytes(4, "big")], ids=["numbers", "vectors"])
def test_the_memory_for_a_large_data_set_follows_its_bytes(shape: bytes) -> None:
    size = 400 if len(shape) > 1 else 4
    count = 480_000 // size
    data = count.to_bytes(4, "big") + b"\1" + shape + bytes(size * count)
    tracemalloc.start()
    decoded = decode_dataset(data)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert decoded.count == count
    # What is turned into hashes at a time stands beside it, whatever the size.
    assert peak < TREE_FACTOR * len(data) + (8 << 20)
