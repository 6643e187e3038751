"""A network is published where the order says so: junk, order, reorgs, restarts, prices and typed errors."""

from dataclasses import replace
from pathlib import Path
from unittest.mock import Mock

import numpy as np
import pytest
from eth_abi import decode

from anh_rollup.encoding.artifacts import Model, encode_model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.publications import (
    MOST_ARTIFACT_BYTES,
    PART_GAS,
    Assembly,
    Measure,
    Part,
    Publication,
    PublishedKind,
    assembly_gas,
    dnn_call_gas,
    encode_publication,
    whole,
)
from anh_rollup.storage.database import Database
from anh_rollup.tensor.codec import encode_program
from anh_rollup.world import published as published_module
from anh_rollup.world.answers import PlacedPublication
from anh_rollup.world.errors import TimeLimitError
from anh_rollup.world.inference import Inference
from anh_rollup.world.position import Position
from anh_rollup.world.publication_store import PublicationStore
from anh_rollup.world.schema import MIGRATIONS
from anh_rollup.world.strict import STRICT_MARKER
from anh_rollup.world.time_limit import time_limit
from anh_rollup.world.world import World
from tests.doubles.networks import MODEL, PROGRAM, Networks, calldata, error, other_model, published, sample
from tests.doubles.ordering import ALICE, empty_ledger
from tests.doubles.worlds import GENESIS

CONTENT = encode_model(MODEL)
PIECES = (CONTENT[:5_000], CONTENT[5_000:9_000], CONTENT[9_000:])
HASHES = tuple(keccak256(each) for each in PIECES)
STRICT = {"accessList": (("0x" + STRICT_MARKER.hex(), ()),)}


def part(content: bytes) -> Publication:
    return Publication(Part(content), None)


def assembly(
    *parts: bytes, root: bytes = MODEL.root, kind: PublishedKind = PublishedKind.MODEL
) -> Publication:
    return Publication(None, Assembly(kind, root, parts))


def not_published(root: bytes) -> bytes:
    return error("NotPublished", "bytes32", root)


def is_published(networks: Networks, root: bytes) -> bool:
    """What `published` says, and what an inference and the JSON-RPC's question do."""
    outcome = networks.run(DNN, calldata("published", root))
    assert outcome.succeeded
    said = outcome.output == (1).to_bytes(32, "big")
    behind = networks.world.behind(networks.world.head)
    found = networks.world.publication(root, behind)
    assert said == (found is not None and found.kind != "part")
    return said


@pytest.fixture
def networks(tmp_path: Path) -> Networks:
    """The program is published, the model is not."""
    made = Networks(tmp_path, ready=False)
    made.publish(published(PROGRAM))
    return made


def test_an_inference_on_a_root_that_nobody_has_reverts_at_once_and_holds_up_nothing(tmp_path: Path) -> None:
    networks = Networks(tmp_path, ready=False)
    x, _ = sample(1)
    asked = networks.send("ask", b"\7" * 32, b"\7" * 32, x)
    after = networks.send("step")
    receipt = networks.world.receipt(*asked)
    assert receipt is not None
    assert not receipt.status
    assert networks.world.requests() == {}
    following = networks.world.receipt(*after)
    assert following is not None
    assert following.status
    assert networks.view("steps", "uint256") == 1
    assert networks.world.balance(ALICE.address, networks.world.behind(*after)).total > 0
    assert networks.view("refused", "bytes", b"\7" * 32, b"\7" * 32, x) == not_published(b"\7" * 32)


def test_a_network_answers_from_its_publication_on(networks: Networks) -> None:
    x, answer = sample(1)
    before = networks.send("ask", PROGRAM.root, MODEL.root, x)
    networks.order(published(MODEL))
    data = calldata("ask", PROGRAM.root, MODEL.root, x)
    networks.orders.add(ALICE, to="0x" + networks.customer.hex(), data=data, gas=5_000_000)
    block = networks.orders.seal().number
    networks.append()
    assert networks.view("refused", "bytes", PROGRAM.root, MODEL.root, x) == b""
    for place, status in ((before, False), ((block, 0), True), ((block, 1), True)):
        receipt = networks.world.receipt(*place)
        assert receipt is not None
        assert receipt.status is status
    assert list(networks.view("last", "int32[]")) == answer
    assert networks.world.publication(MODEL.root, Position(block, 0)) == PlacedPublication(
        Position(block, 0), "model", len(CONTENT)
    )
    assert networks.world.publication(MODEL.root, Position(block)) is None


def test_parts_that_stand_before_make_an_artifact(networks: Networks) -> None:
    early = networks.publish(assembly(*HASHES))
    networks.publish(*[part(each) for each in PIECES[:2]])
    assert not is_published(networks, MODEL.root)
    last = networks.publish(part(PIECES[2]), assembly(*HASHES))
    assert is_published(networks, MODEL.root)
    for place, status in (((early, 0), False), ((last, 1), True)):
        receipt = networks.world.receipt(*place)
        assert receipt is not None
        assert receipt.status is status
    behind = networks.world.behind(last)
    assert networks.world.publication(HASHES[2], behind) == PlacedPublication(
        Position(last, 0), "part", len(PIECES[2])
    )


def test_parts_in_another_order_are_another_artifact(networks: Networks) -> None:
    networks.publish(*[part(each) for each in PIECES], assembly(*HASHES[::-1]))
    assert not is_published(networks, MODEL.root)
    networks.publish(assembly(*HASHES))
    assert is_published(networks, MODEL.root)


def test_wrong_bytes_hinder_nobody(networks: Networks) -> None:
    """Junk, another model, a program, a model that is said to be a program: all before the right bytes."""
    junk = [
        whole(PublishedKind.MODEL, MODEL.root, content)
        for content in (
            bytes(8),
            CONTENT[:-1],
            CONTENT + b"\0",
            encode_model(other_model()),
            encode_program(PROGRAM),
        )
    ]
    junk += [whole(PublishedKind.PROGRAM, MODEL.root, CONTENT)] * 2
    block = networks.publish(*junk)
    assert not is_published(networks, MODEL.root)
    for index in range(len(junk)):
        receipt = networks.world.receipt(block, index)
        assert receipt is not None
        assert not receipt.status
    networks.publish(published(MODEL))
    assert is_published(networks, MODEL.root)


@pytest.mark.parametrize("strict", [{}, STRICT], ids=["free", "strict"])
@pytest.mark.parametrize("lacking", [0, 1])
def test_it_counts_where_its_gas_covers_what_looking_at_it_takes(
    networks: Networks, lacking: int, strict: dict[str, object]
) -> None:
    """Many values make the price higher than that of the bytes. Who has too little fails when it is run."""
    many = Model([np.full((), each, np.int32) for each in range(300)])
    content = encode_model(many)
    made = published(many)
    assert made.assembly is not None
    data = encode_publication(made)
    zeros = data.count(0)
    intrinsic = 21_000 + 4 * zeros + 16 * (len(data) - zeros) + 2_400 * len(strict)
    taken = assembly_gas(made.assembly, Measure(len(content), 300))
    assert taken is not None
    needed = intrinsic + dnn_call_gas(data) + taken
    block = networks.publish(made, gas=needed - lacking, **strict)
    receipt = networks.world.receipt(block, 0)
    assert receipt is not None
    assert (receipt.status, receipt.gas_used) == (not lacking, needed - lacking)
    assert is_published(networks, many.root) is not bool(lacking)


def test_what_cannot_count_is_not_looked_at(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_published(networks, PROGRAM.root)
    monkeypatch.setattr(published_module, "_is_sound", Mock(side_effect=AssertionError))
    lies = (2**32 - 1).to_bytes(4, "big") + CONTENT[4:]
    networks.publish(whole(PublishedKind.MODEL, MODEL.root, lies))
    networks.publish(part(b"abc"), assembly(keccak256(b"abc")))
    networks.publish(published(MODEL), value=1)
    assert not is_published(networks, MODEL.root)


def test_an_assembly_is_looked_at_once(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    looked = Mock(side_effect=published_module._is_sound)
    monkeypatch.setattr(published_module, "_is_sound", looked)
    wrong = assembly(*HASHES[::-1])
    block = networks.publish(*[part(each) for each in PIECES], wrong, wrong, assembly(*HASHES))
    for _ in range(2):
        assert is_published(networks, MODEL.root)
        assert networks.world.receipt(block, 3) is not None
        networks.publish(wrong, assembly(*HASHES))
    assert looked.call_count == 2


def test_an_artifact_has_a_greatest_size(networks: Networks) -> None:
    large = bytes(100_000)
    times = MOST_ARTIFACT_BYTES // len(large) + 1
    made = assembly(*[keccak256(large)] * times)
    networks.publish(part(large))
    outcome = networks.run(DNN, encode_publication(made), gas=120_000_000)
    sizes = times * len(large), MOST_ARTIFACT_BYTES
    assert outcome.output == error("ArtifactTooLarge", "uint256,uint256", *sizes)
    networks.publish(made, gas=100_000_000)
    assert not is_published(networks, MODEL.root)


def test_publishing_says_why_it_counts_for_nothing(networks: Networks) -> None:
    networks.publish(part(PIECES[0]))
    for made, expected in (
        (assembly(HASHES[0], HASHES[1]), not_published(HASHES[1])),
        (assembly(HASHES[0]), error("WrongBytes", "bytes32", MODEL.root)),
        (whole(PublishedKind.MODEL, MODEL.root, b"abc"), error("WrongBytes", "bytes32", MODEL.root)),
        (part(b""), error("MalformedCall")),
    ):
        assert networks.run(DNN, encode_publication(made)).output == expected
    outcome = networks.run(DNN, encode_publication(part(b"abc")), value=7)
    assert outcome.output == error("ValueRefused", "uint256", 7)


def test_a_contract_publishes_nothing(networks: Networks) -> None:
    data = encode_publication(published(MODEL))
    outcome = networks.run(networks.customer, calldata("raw", data))
    assert error("NotDirect") in outcome.output
    networks.send("raw", data)
    assert not is_published(networks, MODEL.root)


def test_a_strict_inference_needs_no_execution_of_what_publishes(networks: Networks) -> None:
    """What is published is no state: it stands in no list, and nothing of it is executed."""
    networks.publish(published(MODEL), **STRICT)
    executed = networks.world.executed
    assert is_published(networks, MODEL.root)
    assert networks.world.executed == executed + 1  # the program's publication, which is not strict


def test_a_reorg_takes_a_publication_with_it(tmp_path: Path) -> None:
    networks = Networks(tmp_path, ready=False)
    networks.publish(published(PROGRAM), *[part(each) for each in PIECES])
    block = networks.publish(assembly(*HASHES))
    assert is_published(networks, MODEL.root)
    networks.world.truncate(block)
    assert not is_published(networks, MODEL.root)
    networks.world.truncate(block - 1)
    assert networks.world.publication(HASHES[0], networks.world.behind(networks.world.head)) is None
    networks.append()
    assert is_published(networks, MODEL.root)


def test_publications_outlive_a_restart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    x, answer = sample(1)
    first = Networks(tmp_path)
    first.publish(whole(PublishedKind.MODEL, MODEL.root, bytes(8)))
    assert is_published(first, MODEL.root)
    asked = first.send("ask", PROGRAM.root, MODEL.root, x)
    monkeypatch.setattr(published_module, "_is_sound", Mock(side_effect=AssertionError))
    again = Networks(tmp_path, first.orders)
    assert is_published(again, MODEL.root)
    receipt = again.world.receipt(*asked)
    assert receipt is not None
    assert receipt.status
    assert list(again.view("last", "int32[]")) == answer


def test_a_question_without_time_keeps_what_it_found_out(
    networks: Networks, monkeypatch: pytest.MonkeyPatch
) -> None:
    networks.publish(
        *[whole(PublishedKind.MODEL, MODEL.root, bytes([0, 0, 0, each])) for each in range(1, 5)]
    )
    networks.publish(published(MODEL))
    looked = Mock(side_effect=published_module._is_sound)
    monkeypatch.setattr(published_module, "_is_sound", looked)
    behind = networks.world.behind(networks.world.head)
    for _ in range(4):
        with time_limit(0.0), pytest.raises(TimeLimitError):
            networks.world.publication(MODEL.root, behind)
    assert networks.world.publication(MODEL.root, behind) is not None
    assert looked.call_count == 5


def test_what_this_machine_lacks_is_no_verdict(networks: Networks, monkeypatch: pytest.MonkeyPatch) -> None:
    networks.publish(published(MODEL))
    readers = dict(published_module._READERS)
    for lack in (MemoryError, RecursionError):
        monkeypatch.setitem(readers, PublishedKind.MODEL, Mock(side_effect=lack))
        monkeypatch.setattr(published_module, "_READERS", readers)
        with pytest.raises(lack):
            networks.world.publication(MODEL.root, networks.world.behind(networks.world.head))
    monkeypatch.undo()
    assert is_published(networks, MODEL.root)


@pytest.mark.parametrize("steps", [3, 4, 5])
def test_a_world_from_before_is_given_the_order_again(tmp_path: Path, steps: int) -> None:
    """Its results are those of other rules."""
    networks = Networks(tmp_path / "new")
    path = tmp_path / "world.sqlite3"
    old = Database(path, MIGRATIONS[:steps])
    old.execute("INSERT INTO world VALUES (?, 0)", (b"\1" * 32,))
    done = (b"\2" * 32, b"\3" * 32, b"[1]", b"\4" * 20, *[b"u"] * (steps == 3))
    old.execute(f"INSERT INTO cell VALUES ({', '.join('?' * len(done))})", done)
    if steps > 3:
        old.execute("INSERT INTO part VALUES (?, 1, 1, x'00')", (HASHES[0],))
        gas = ", 0" if steps > 4 else ""
        old.execute(f"INSERT INTO publication VALUES (1, 2, ?, x'00', 4, 1, x'00'{gas})", (MODEL.root,))
    old.close()
    world = World(path, GENESIS, empty_ledger().rules, inference=Inference(ReferenceEvaluator))
    assert world.head == 0
    assert world.publication(MODEL.root, Position(2)) is None
    for block, origins in networks.orders.blocks:
        world.append(block, origins)
    assert world.publication(MODEL.root, world.behind(2)) is not None


def test_the_cheapest_publication_of_a_root_counts(networks: Networks) -> None:
    """Else who publishes a network in many parts before others do would make it dear for ever."""
    x, answer = sample(1)
    data = calldata("infer", PROGRAM.root, MODEL.root, x)
    networks.publish(*[part(each) for each in PIECES], assembly(*HASHES))
    dear = networks.run(DNN, data)
    assert dear.succeeded
    block = networks.publish(published(MODEL))
    cheap = networks.run(DNN, data)
    assert decode(["int32[]"], cheap.output)[0] == tuple(answer)
    assert dear.gas_used - cheap.gas_used == PART_GAS * (len(PIECES) - 1)
    found = networks.world.publication(MODEL.root, networks.world.behind(block))
    assert found is not None
    assert found.position == Position(block, 0)
    networks.publish(assembly(*HASHES), published(MODEL))
    assert networks.world.publication(MODEL.root, networks.world.behind(networks.world.head)) == found
    rows = networks.world._database.query("SELECT count(*) FROM publication WHERE root = ?", (MODEL.root,))
    assert rows == [(2,)]


def test_a_later_part_of_the_same_bytes_changes_nothing(tmp_path: Path) -> None:
    store = PublicationStore(Database(tmp_path / "world.sqlite3", MIGRATIONS))
    made = part(b"abcd")
    store.add([(5, made, 0), (7, made, 0)])  # type: ignore[list-item]
    digest = keccak256(b"abcd")
    assert [store.part(digest, before) for before in (5, 6, 9)] == [None, (5, 4), (5, 4)]
    assert replace(made, part=None) == Publication(None, None)


def test_whether_the_same_assembly_was_judged_is_found_without_walking_its_copies(tmp_path: Path) -> None:
    database = Database(tmp_path / "world.sqlite3", MIGRATIONS)
    asked: list[str] = []
    database._connection.set_trace_callback(asked.append)
    PublicationStore(database).verdict(Assembly(PublishedKind.MODEL, bytes(32), (bytes(32),)))
    database._connection.set_trace_callback(None)
    ((*_, plan),) = database.query(f"EXPLAIN QUERY PLAN {asked[0]}")
    assert plan.endswith("INDEX publication_digest (digest=? AND sound>?)"), plan
