"""The wrappers fit the compiled contracts: every event, every struct, every function, by name."""

import typing
from collections.abc import Mapping, Sequence
from dataclasses import fields, is_dataclass
from types import ModuleType
from typing import Any

import pytest
from eth_abi.abi import encode
from eth_account import Account
from eth_utils.address import to_checksum_address

from anh_rollup.encoding.artifacts import ProgramHeader
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.scores import SumNode
from anh_rollup.encoding.tensors import Opening
from anh_rollup.encoding.transactions import MOST_TRANSACTION_BYTES
from anh_rollup.l1.abi import encode_arguments, field_name, load_artifact, signature_hash
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.base import Contract, Emitted
from anh_rollup.l1.contracts.bonds import Bonds
from anh_rollup.l1.contracts.claim_arbiter import ClaimArbiter
from anh_rollup.l1.contracts.claims import ClaimRules, Claims, ClaimStatus, Demand
from anh_rollup.l1.contracts.game import Game
from anh_rollup.l1.contracts.inbox import Deposited, Inbox, InboxRules
from anh_rollup.l1.contracts.ledger_arbiter import LedgerArbiter
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims, LedgerClaimStatus, LedgerRules
from anh_rollup.l1.contracts.tensor_arbiter import TensorArbiter
from anh_rollup.l1.fees import Offer
from anh_rollup.l1.flight import Flight
from anh_rollup.l1.transport import Transport
from anh_rollup.l1.types import Log, TransactionRequest
from anh_rollup.primitives import Digest
from anh_rollup.protocol import ledger_moves, refutations
from anh_rollup.protocol import moves as moves_module
from anh_rollup.protocol.calls import ContractCall
from anh_rollup.protocol.checks import MOST_SHOWN_BYTES
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.evidence import NO_OPENING
from anh_rollup.protocol.game import Clock, Inputs, Output, Position, RecordProof, TensorPath
from anh_rollup.protocol.jobs import MOST_PROPERTIES, MOST_URI_BYTES, NO_ROOT, Job, JobKind, Property
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim
from anh_rollup.protocol.machine.drafts import Draft
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.tree import Found
from anh_rollup.protocol.machine.witnesses import (
    NO_BATCH,
    NO_MACHINE,
    NO_NOTICE,
    FieldElement,
    Leaf,
    Payload,
    Witness,
)
from anh_rollup.protocol.moves import (
    AskSums,
    ChooseNode,
    ChooseScore,
    ChooseValue,
    Move,
    Prove,
    ProveBlock,
    ProveSource,
    RevealChunk,
    RevealElements,
    RevealNodes,
    RevealScores,
    RevealSums,
    RevealTensor,
    RevealTrace,
    Timeout,
    VoidGame,
)
from anh_rollup.protocol.refutations import (
    OneShot,
    ProgramRecord,
    RefuteCount,
    RefuteIndex,
    RefutePlace,
    RefuteRange,
    RefuteRecord,
    RefuteResult,
    RefuteShape,
    RefuteThreshold,
)
from tests.doubles.ledger_games import first_position

WRAPPERS: list[type[Contract]] = [
    Inbox, Claims, Game, Bonds, ClaimArbiter, TensorArbiter, LedgerClaims, LedgerArbiter,
]  # fmt: skip

CLIENT = L1Client(Transport("http://127.0.0.1:9"))
HERE = to_checksum_address("0x" + "ab" * 20)
D = bytes([5]) * 32
DD = (D, bytes([6]) * 32)

CLAIM = Claim(HERE, 1, D, 2, D, D, D, (Scores(3, -4, D),), "uri")
JOB = Job(JobKind.TRAINING, D, NO_ROOT, (Property(D, D, 9),), 10, "uri")
BATCH = BatchHeader(1, Digest(D), Digest(D), 2, Digest(D), 3)
OPENING = Opening((1, 2), 2, bytes(128), ())
PATH = TensorPath(1, D, DD, DD, b"\x01\0\0\0\1", D)
HEADER = ProgramHeader(9, 1, 0, 2, Digest(D))
RECORD = RecordProof(b"record", DD)
SOURCE = ProgramRecord(HEADER, 3, b"record", DD)
NODE = SumNode(Digest(D), -5)
INPUTS = Inputs((OPENING, NO_OPENING), (DD, ()))
OUTPUT = Output(4, 5, OPENING, DD)
DEMAND = Demand(D, 1, 2, 3, 4)
LEDGER_CLAIM = LedgerClaim(HERE, GENESIS_BASE, 1, D, 2, D, D, D)
LEAF = Leaf(Found.ITSELF, Digest(D), Digest(D), DD, (1, 2, 3))
ELEMENT = FieldElement(5, D, bytes(48), bytes(48))
PAYLOAD = Payload(b"", DD, (ELEMENT,))
DRAFT = Draft(9, 2, Digest(D), Digest(D))
WITNESS = Witness(
    NO_BATCH, NO_MACHINE, PAYLOAD, NO_NOTICE, b"record", DRAFT, b"packed", (7, 8), DD, (), (LEAF,)
)


def position() -> Position:
    """A position with every field set to something that its type takes."""
    hints = typing.get_type_hints(Position)
    values: dict[str, Any] = {}
    for item in fields(Position):
        hint = hints[item.name]
        values[item.name] = D if hint is bytes or "Digest" in str(hint) else HERE if hint is str else hint(1)
    return Position(**values)


Requests = dict[str, TransactionRequest]


def moves() -> dict[str, Requests]:
    """A request for every function that changes something, as the roles make it, by contract."""
    return {
        "Inbox": inbox_requests(Inbox(CLIENT, HERE)),
        "Bonds": {"withdraw": Bonds(CLIENT, HERE).withdraw(HERE)},
        "Claims": claims_requests(Claims(CLIENT, HERE)),
        "Game": game_requests(Game(CLIENT, HERE)),
        "ClaimArbiter": arbiter_requests(ClaimArbiter(CLIENT, HERE)),
        "TensorArbiter": {},
        "LedgerClaims": ledger_requests(LedgerClaims(CLIENT, HERE)),
        "LedgerArbiter": {},
    }


def inbox_requests(inbox: Inbox) -> Requests:
    return {
        "deposit": inbox.deposit(HERE, 1),
        "post": inbox.post(BATCH, ()),
        "postCalldata": inbox.post_calldata(BATCH, b"bytes"),
        "force": inbox.request("force", b"record", value=1),
        "postForced": inbox.post_forced(),
        "stake": inbox.request("stake", value=1),
        "seal": inbox.seal(D),
        "slash": inbox.slash(1, (D, b"a" * 65), (D, b"b" * 65)),
    }


def claims_requests(claims: Claims) -> Requests:
    return {
        "commit": claims.commit(D, 1),
        "reveal": claims.reveal(CLAIM, JOB, D),
        "retract": claims.retract(CLAIM, D),
        "expire": claims.expire(HERE, D),
        "finalize": claims.finalize(CLAIM),
        "release": claims.release(CLAIM),
        "lapse": claims.lapse(b"record", JOB),
        "lapseCalled": claims.lapse_called(JOB),
        "advance": claims.advance(D),
        "demand": claims.demand(DEMAND, 1),
        "answer": claims.request("answer", CLAIM, JOB, DEMAND, PATH, OPENING),
        "refuteUnanswered": claims.refute_unanswered(DEMAND),
        "reclaim": claims.reclaim(DEMAND),
        "seal": claims.seal(D),
    }


def game_requests(game: Game) -> Requests:
    opened: dict[str, tuple[Any, ...]] = {
        "open": (CLAIM, JOB, 0, D, 1, 2, (NODE,)),
        "openScores": (CLAIM, JOB, 0, D),
    }
    continued: list[Move] = [
        RevealScores((NODE, NODE)),
        ChooseScore(1, NODE, (NODE,)),
        RevealTrace(HEADER, DD, DD),
        ChooseNode(1, D, DD),
        RevealNodes(DD),
        ChooseValue(1, D, DD, RECORD),
        RevealTensor(b"\0", DD),
        RevealElements(b"\0", b"\0\0\0\1"),
        RevealChunk(bytes(128)),
        Prove(OUTPUT, RECORD, INPUTS),
        AskSums(OUTPUT, RECORD),
        RevealSums(RECORD, (1, -2), INPUTS),
        ProveBlock(RECORD, (1, -2), 0, INPUTS),
        ProveSource(CLAIM, JOB, 1, D, DD, RECORD, PATH),
        Timeout(),
        VoidGame(),
    ]
    requests = {name: game.request(name, *each, value=1) for name, each in opened.items()}
    at = position()
    return requests | {each.function: game.request_for(each, D, at) for each in continued}


def arbiter_requests(arbiter: ClaimArbiter) -> Requests:
    head = (CLAIM, JOB, 0)
    calls: list[OneShot] = [
        RefuteIndex(CLAIM, BATCH, BATCH),
        RefutePlace(CLAIM, BATCH, D, DD),
        RefuteRecord(CLAIM, b"record"),
        RefuteThreshold(*head),
        RefuteCount(*head, 5, D),
        RefuteResult(*head, HEADER, 1, PATH),
        RefuteShape(*head, SOURCE, 1, PATH),
        RefuteRange(*head, SOURCE, 1, PATH, 2, OPENING),
    ]
    return {each.function: arbiter.request_for(each) for each in calls}


def ledger_requests(ledger: LedgerClaims) -> Requests:
    at = first_position(LEDGER_CLAIM, HERE)
    continued: list[Move] = [
        ledger_moves.Reveal(DD),
        ledger_moves.Choose(1, D, DD),
        ledger_moves.Prove(NO_MACHINE, DD, WITNESS),
        Timeout(),
        VoidGame(),
    ]
    return {
        "claim": ledger.claim(LEDGER_CLAIM, NO_MACHINE, DD, DD, 1),
        "finalize": ledger.finalize(LEDGER_CLAIM),
        "refuteBase": ledger.refute_base(LEDGER_CLAIM),
        "open": ledger.open(LEDGER_CLAIM, D, 1),
        "withdraw": ledger.withdraw(LEDGER_CLAIM, NO_MACHINE, HERE, LEAF),
        "seal": ledger.seal(D),
    } | {each.function: ledger.request_for(each, D, at) for each in continued}


def kinds(module: ModuleType, base: type[ContractCall]) -> list[type[ContractCall]]:
    """The kinds of call that a module defines."""
    found = (each for each in vars(module).values() if isinstance(each, type))
    return [each for each in found if issubclass(each, base) and each not in (base, ContractCall)]


CALLS = [
    *[("Game", 2, each) for each in kinds(moves_module, Move)],
    *[("LedgerClaims", 2, each) for each in kinds(ledger_moves, Move)],
    *[("ClaimArbiter", 0, each) for each in kinds(refutations, OneShot)],
]


@pytest.mark.parametrize(("contract", "first", "call"), CALLS)
def test_a_call_has_one_field_for_each_parameter_in_their_order(
    contract: str, first: int, call: type[ContractCall]
) -> None:
    function = call.__name__[0].lower() + call.__name__[1:]
    parameters = load_artifact(contract).entry("function", function)["inputs"][first:]
    given = [each.name for each in fields(call)]
    assert given == [field_name(each["name"]) for each in parameters]


def test_a_call_is_encoded_like_its_arguments() -> None:
    game, call = Game(CLIENT, HERE), ProveBlock(RECORD, (1, -2), 0, INPUTS)
    assert game.request_for(call, D, position()) == game.request(
        "proveBlock", D, position(), RECORD, (1, -2), 0, INPUTS
    )


def test_the_calls_that_win_a_prize_are_announced() -> None:
    sealed = {each for each in kinds(moves_module, Move) if issubclass(each, Move) and each.sealed}
    assert sealed == {Prove, ProveBlock, ProveSource}
    ours = {each for each in kinds(ledger_moves, Move) if issubclass(each, Move) and each.sealed}
    assert ours == {ledger_moves.Prove}


#: Functions that only contracts call.
FOR_COURTS = {
    "Bonds": {"lock", "credit", "burn"},
    "Inbox": {"note", "pay"},
    "Claims": {"refute", "gameOpened", "gameClosed"},
}


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_function_takes_the_records_that_the_roles_pass(wrapper: type[Contract]) -> None:
    artifact = load_artifact(wrapper.NAME)
    changing = {
        item["name"]
        for item in artifact.entries
        if item["type"] == "function" and item["stateMutability"] in ("payable", "nonpayable")
    }
    requests = moves()[wrapper.NAME]
    assert set(requests) == changing - FOR_COURTS.get(wrapper.NAME, set())
    for name, request in requests.items():
        assert request.to == HERE
        assert request.data[:4] == signature_hash(artifact.entry("function", name))[:4]
        payable = artifact.entry("function", name)["stateMutability"] == "payable"
        assert (request.value > 0) == payable, name


@pytest.mark.parametrize("wrapper", WRAPPERS)
def test_every_event_that_is_read_has_a_record_with_all_its_fields(wrapper: type[Contract]) -> None:
    artifact = load_artifact(wrapper.NAME)
    differences = [
        difference
        for name, record in wrapper.EVENTS.items()
        for difference in compare(record, artifact.entry("event", name)["inputs"], name)
    ]
    assert differences == []


@pytest.mark.parametrize(
    ("wrapper", "function", "record"),
    [
        (Inbox, "rules", InboxRules),
        (Claims, "rules", ClaimRules),
        (Claims, "status", ClaimStatus),
        (Game, "clocks", Clock),
        (LedgerClaims, "rules", LedgerRules),
        (LedgerClaims, "status", LedgerClaimStatus),
        (LedgerClaims, "clocks", Clock),
        (LedgerArbiter, "step", Machine),
    ],
)
def test_every_view_of_a_struct_has_a_record_with_all_its_fields(
    wrapper: type[Contract], function: str, record: type
) -> None:
    (output,) = load_artifact(wrapper.NAME).entry("function", function)["outputs"]
    assert compare(record, output["components"], function) == []


def compare(record: type, parameters: Sequence[Mapping[str, Any]], where: str) -> list[str]:
    """What a record and a list of ABI parameters do not have in common, nested structs included."""
    assert is_dataclass(record)
    ours = {item.name for item in fields(record)}
    theirs = {field_name(item["name"]) for item in parameters}
    found = [f"{where}: {name}" for name in sorted(ours ^ theirs)]
    hints = typing.get_type_hints(record)
    for item in parameters:
        hint = hints.get(field_name(item["name"]))
        if hint is None or not item["type"].startswith("tuple"):
            continue
        inner = typing.get_args(hint)[0] if item["type"].endswith("]") else hint
        found += compare(inner, item["components"], f"{where}.{item['name']}")
    return found


def log_of(address: str, topics: Sequence[bytes], data: bytes) -> Log:
    return Log(address, tuple(topics), data, 7, D, D, 0)


def test_an_event_becomes_a_record_with_its_place() -> None:
    topic = signature_hash(load_artifact("Inbox").entry("event", "Deposited"))
    log = log_of(HERE, [topic, bytes(12) + bytes.fromhex("cd" * 20)], encode(["uint256"], [99]))
    assert Inbox(CLIENT, HERE).decode(log) == Emitted(
        Deposited(to_checksum_address("0x" + "cd" * 20), 99), log
    )


def test_events_of_others_are_left_out() -> None:
    topic = signature_hash(load_artifact("Inbox").entry("event", "Deposited"))
    elsewhere = to_checksum_address("0x" + "cd" * 20)
    others = [log_of(elsewhere, [topic], b""), log_of(HERE, [D], b""), log_of(HERE, [], b"")]
    assert [Inbox(CLIENT, HERE).decode(log) for log in others] == [None, None, None]


def test_a_revealed_claim_comes_back_whole() -> None:
    entry = load_artifact("Claims").entry("event", "Revealed")
    plain = [item for item in entry["inputs"] if not item["indexed"]]
    values = {"place": 3, "claim": CLAIM, "job": JOB, "blobs": DD}
    data = encode_arguments(plain, [values[item["name"]] for item in plain])
    log = log_of(HERE, [signature_hash(entry), D, DD[1], bytes(12) + bytes.fromhex("ab" * 20)], data)
    found = Claims(CLIENT, HERE).decode(log)
    assert found is not None
    assert (found.event.claim, found.event.job, found.event.blobs) == (CLAIM, JOB, DD)
    assert (found.event.transaction, found.event.claim_id, found.event.claimant) == (D, DD[1], HERE)


def test_the_longest_record_that_is_shown_fits_what_nodes_relay() -> None:
    scores = (Scores(2**32 - 1, -1, D),) * MOST_PROPERTIES
    claim = Claim(HERE, 2**64 - 1, D, 2**32 - 1, D, D, D, scores, "x" * MOST_URI_BYTES)
    call = ClaimArbiter(CLIENT, HERE).request_for(RefuteRecord(claim, bytes(MOST_SHOWN_BYTES)))
    flight = Flight(call, 2**64 - 2, 2**24, Offer(2**128, 2**128), None, 0.0)
    flight.sign(Account.from_key(D), 2**64 - 1, flight.offer, 0.0)
    assert len(flight.raw) <= MOST_TRANSACTION_BYTES
