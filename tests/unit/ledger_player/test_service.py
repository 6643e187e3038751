"""What a player of ledger claims computes and sends, over an L1 in memory whose disputes a test writes."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import pytest

from anh_rollup.encoding.batches import encode_batch, transactions_root
from anh_rollup.encoding.blobs import pack
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.l1.blobs import versioned_hash
from anh_rollup.l1.contracts.ledger_claims import (
    LedgerClaims,
    LedgerClaimState,
    LedgerClaimStatus,
    LedgerRules,
)
from anh_rollup.l1.errors import L1RevertedError, L1UnreachableError
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_docket import LedgerClaimRecord, LedgerDocket, LedgerGameRecord
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.types import Block
from anh_rollup.ledger_player.actions import Action, Check, MakeClaim, Open, Play
from anh_rollup.ledger_player.service import MOST_AT_ONCE, MOST_CHECKS, LedgerPlayer
from anh_rollup.ledger_player.strategy import Policy, Verdict
from anh_rollup.primitives import ETHER, BatchNumber, Digest, Seconds, Wei
from anh_rollup.protocol.derivation import L2Block, batch_of, build_block
from anh_rollup.protocol.game import Clock, Side
from anh_rollup.protocol.ledger_claims import (
    GENESIS_BASE,
    LedgerClaim,
    LedgerPhase,
    ledger_claim_id,
)
from anh_rollup.protocol.ledger_moves import Choose, Reveal
from anh_rollup.protocol.ledger_play import Shown
from anh_rollup.protocol.machine.state import first_state
from anh_rollup.protocol.machine.trace import Trace
from tests.doubles.inbox_l1 import InboxL1
from tests.doubles.ledger_games import first_position
from tests.doubles.memory_l1 import ADDRESSES, DEPLOYMENT, OWNER
from tests.doubles.ordering import ALICE, BOB, pair

OTHER = "0x52908400098527886E0F7030069857D2E4169EE7"
RULES = LedgerRules(Seconds(1_000), Seconds(400), Wei(ETHER), Wei(ETHER // 10), 5_000)
CLAIMING, CHALLENGING = Policy(claim_every=Seconds(600)), Policy(challenges=True)


@dataclass
class StubSender:
    def balance(self) -> Wei:
        return Wei(10 * ETHER)

    def price(self) -> Wei:
        return Wei(1)


@dataclass
class StubDisputes:
    """The disputes as a test writes them; calls are kept, and fail as it says."""

    l1: InboxL1
    docket: LedgerDocket = field(default_factory=LedgerDocket)
    sent: list[tuple[str, Any]] = field(default_factory=list)
    errors: dict[str, Any] = field(default_factory=dict)
    address: str = OWNER
    rules: LedgerRules = RULES
    sender: StubSender = field(default_factory=StubSender)
    contract: LedgerClaims = field(
        default_factory=lambda: LedgerClaims(None, ADDRESSES["inbox"])  # type: ignore[arg-type]
    )

    def refresh(self) -> Block:
        found = self.l1.block()
        assert found is not None
        return found

    def status(self, claim: bytes) -> LedgerClaimStatus:
        record = self.docket.claims[claim]
        return LedgerClaimStatus(Seconds(1_000), record.claim.batch, 0, record.state, b"")

    def move(self, game: bytes, position: object, move: Any) -> list[tuple[str, Any]]:
        return [(move.function, move)]

    def send_all(self, calls: Sequence[tuple[str, Any]]) -> list[Any]:
        self.sent += calls
        return [self.errors.get(function) for function, _ in calls]


class Raising:
    """What raises an error where one would be returned."""

    def __init__(self, error: Exception) -> None:
        self.error = error

    def get(self, _function: str) -> None:
        raise self.error


def sealed(l1: InboxL1, *own: bytes) -> L2Block:
    reader = OrderReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]
    reader.refresh()
    place = (1_000 + 12 * l1.height, l1.height, Digest(l1.hash_of(l1.height)))
    return build_block(reader.order.head, place, (), [pair(raw) for raw in own])  # type: ignore[arg-type]


@pytest.fixture
def l1() -> InboxL1:
    made = InboxL1()
    made.deposit(ALICE)
    for nonce in range(2):
        made.post([sealed(made, ALICE.transfer(nonce, BOB.address, 5))])
    return made


def player(l1: InboxL1, policy: Policy, *records: LedgerClaimRecord, **given: Any) -> LedgerPlayer:
    disputes = StubDisputes(l1, LedgerDocket({each.identifier: each for each in records}))
    reader = InboxReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]
    return LedgerPlayer(disputes, reader, policy, patience=60.0, **given)  # type: ignore[arg-type]


def sent(played: LedgerPlayer) -> list[tuple[str, Any]]:
    found: list[tuple[str, Any]] = played.chain.sent  # type: ignore[attr-defined]
    return found


def trace_of(l1: InboxL1, last: int = 2) -> Trace:
    reader = InboxReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]
    reader.refresh()
    return Trace(first_state(reader.held.first), BatchNumber(last), reader.held)


def hashes_of(trace: Trace) -> list[Digest]:
    return [trace.hash(index) for index in range(trace.steps + 1)]


def record_of(l1: InboxL1, hashes: Sequence[Digest], batch: int = 2, **given: Any) -> LedgerClaimRecord:
    """A claim about these machines."""
    state = given.pop("state", LedgerClaimState.STANDING)
    fields: dict[str, Any] = {
        "claimant": OTHER,
        "base": GENESIS_BASE,
        "batch": BatchNumber(batch),
        "batch_commitment": l1.headers[batch - 1].commitment(),
        "steps": len(hashes) - 1,
        "trace": MerkleTree(hashes).root,
        "start": hashes[0],
        "end": hashes[-1],
    }
    made = LedgerClaim(**{**fields, **given})
    return LedgerClaimRecord(ledger_claim_id(made), made, trace_of(l1).end.machine, state)


def verdict_of(l1: InboxL1, *records: LedgerClaimRecord) -> Verdict | None:
    played = player(l1, Policy(), *records)
    played.play()
    return played.look().verdicts.get(records[-1].identifier)


# --- what is found about claims ---


def test_a_claim_is_true_where_each_machine_is_and_may_rest_in_the_end(l1: InboxL1) -> None:
    hashes = hashes_of(trace_of(l1))
    wrong = [*hashes[:4], keccak256(b"a lie"), *hashes[5:]]
    assert verdict_of(l1, record_of(l1, hashes)) is Verdict.TRUE
    assert verdict_of(l1, record_of(l1, [*hashes, hashes[-1], hashes[-1]])) is Verdict.TRUE
    assert verdict_of(l1, record_of(l1, wrong)) is Verdict.FALSE
    assert verdict_of(l1, record_of(l1, [*hashes[:-2], hashes[-1]])) is Verdict.FALSE


def test_a_claim_on_another_is_judged_from_there_on(l1: InboxL1) -> None:
    base = record_of(l1, hashes_of(trace_of(l1, 1)), batch=1)
    rest = hashes_of(trace_of(l1))[trace_of(l1, 1).steps :]
    assert verdict_of(l1, base, record_of(l1, rest, base=base.identifier)) is Verdict.TRUE
    lie = replace(base, claim=replace(base.claim, end=keccak256(b"a lie")))
    on_it = record_of(l1, rest, base=base.identifier, start=keccak256(b"a lie"))
    assert verdict_of(l1, lie, on_it) is Verdict.UNFOUNDED


def test_of_a_final_claim_only_the_end_matters(l1: InboxL1) -> None:
    hashes = hashes_of(trace_of(l1))
    final = record_of(l1, hashes, trace=keccak256(b"a lie"), state=LedgerClaimState.FINAL)
    assert verdict_of(l1, final) is Verdict.TRUE
    wrong = record_of(l1, [*hashes[:-1], keccak256(b"a lie")], state=LedgerClaimState.FINAL)
    assert verdict_of(l1, wrong) is Verdict.FALSE


def test_a_claim_about_a_batch_whose_blobs_are_gone_is_told_and_left_for_some_rounds(
    l1: InboxL1, caplog: pytest.LogCaptureFixture
) -> None:
    block = sealed(l1)
    l1.mine()
    batch = batch_of([block])
    (blob,) = pack(encode_batch(batch))
    root = transactions_root(batch.records) if batch.records else bytes(32)
    posted = l1.append(b"", root, 0, 0, blobs=[versioned_hash(blob)])
    l1.carried[posted] = (blob,)
    earlier, record = (
        record_of(l1, hashes_of(trace_of(l1))),
        record_of(l1, hashes_of(trace_of(l1, 3)), batch=3),
    )
    l1.carried.clear()
    played = player(l1, CHALLENGING, record, earlier)

    with caplog.at_level(logging.WARNING):
        played.play()

    assert played.look().verdicts == {earlier.identifier: Verdict.TRUE}
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith(f"Check, ledger claim 0x{record.identifier.hex()}: the blobs of L1 block ")
    assert told.endswith("Give `--beacon` a node that still has them (an archive after about 18 days). "
                         "It is tried again in 2 rounds.")  # fmt: skip


def test_a_false_claim_is_told_with_what_comes_next(l1: InboxL1, caplog: pytest.LogCaptureFixture) -> None:
    hashes = hashes_of(trace_of(l1))
    record = record_of(l1, [*hashes[:4], hashes[-1]])
    with caplog.at_level(logging.WARNING):
        player(l1, CHALLENGING, record).play()
        player(l1, Policy(), record).play()
    head = f"ledger claim 0x{record.identifier.hex()} of {OTHER} about batch 2 is false; next: "
    assert [each.getMessage() for each in caplog.records] == [
        head + "it is challenged",
        head + "a challenger has to refute it",
    ]


# --- what is sent ---


def test_a_claim_says_what_the_fold_gives(l1: InboxL1) -> None:
    played, trace = player(l1, CLAIMING), trace_of(l1)
    assert played.play() == [MakeClaim(None, BatchNumber(2))]
    expected = record_of(l1, hashes_of(trace), claimant=OWNER).claim
    tree = trace.tree
    proofs = tuple(tree.proof(0)), tuple(tree.proof(trace.steps))
    request = played.chain.contract.claim(expected, trace.end.machine, *proofs, RULES.claim_bond)
    assert sent(played) == [("claim", request)]


def test_a_claim_that_is_ready_is_dropped_when_its_base_falls(l1: InboxL1) -> None:
    base = record_of(l1, hashes_of(trace_of(l1, 1)), batch=1)
    played = player(l1, CLAIMING, base)
    played.play()  # the base is checked
    view = played.look()
    played._compute_all([MakeClaim(base, BatchNumber(2))])
    assert [name for name, _ in played.calls(view, MakeClaim(base, BatchNumber(2)))] == ["claim"]
    fallen = replace(base, state=LedgerClaimState.REFUTED)
    played.chain.docket.claims[base.identifier] = fallen
    assert played.calls(played.look(), MakeClaim(None, BatchNumber(2))) == []
    assert played.play() == [MakeClaim(None, BatchNumber(2))]
    assert [name for name, _ in sent(played)] == ["claim"]


def opened(record: LedgerClaimRecord, phase: LedgerPhase, *shown: Shown, **given: str) -> LedgerGameRecord:
    turn = Side.ACCOUNTANT if phase is LedgerPhase.REVEAL else Side.CHALLENGER
    clock = Clock(Seconds(400), Seconds(400), Seconds(1_000), turn)
    position = replace(first_position(record.claim, given.get("challenger", OWNER)), phase=phase)
    return LedgerGameRecord(b"g" * 32, position, clock, shown)


def test_who_claimed_reveals_and_who_challenges_goes_to_the_lie(l1: InboxL1) -> None:
    hashes = hashes_of(trace_of(l1))
    own = record_of(l1, hashes, claimant=OWNER)
    defending = player(l1, Policy(), own)
    defending.chain.docket.games[b"g" * 32] = opened(own, LedgerPhase.REVEAL, challenger=OTHER)
    defending.play()
    defending.play()
    assert sent(defending) == [("reveal", Reveal(tuple(hashes)))]

    wrong = [*hashes[:4], keccak256(b"a lie"), *hashes[5:]]
    false = record_of(l1, wrong)
    game = opened(false, LedgerPhase.CHOOSE)
    attacking = player(l1, CHALLENGING, false)
    attacking.chain.docket.games[b"g" * 32] = replace(game, shown=(Shown(game.position, tuple(wrong)),))
    attacking.play()
    attacking.play()
    tree = MerkleTree(wrong)
    assert sent(attacking) == [("choose", Choose(4, wrong[4], tuple(tree.proof(4))))]


def test_one_action_that_fails_does_not_stop_the_others(
    l1: InboxL1, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = hashes_of(trace_of(l1))
    false = [record_of(l1, [*hashes[:at], keccak256(b"a lie"), *hashes[at + 1 :]]) for at in (3, 4)]
    played = player(l1, CHALLENGING, *false)
    played.play()
    played.chain.errors["open"] = L1RevertedError("TooLate")  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING):
        tried = played.play()
    assert sorted(tried, key=str) == sorted([Open(each, 0) for each in false], key=str)
    assert [name for name, _ in sent(played)] == ["open", "open"]
    assert sum("TooLate" in each.getMessage() for each in caplog.records) == 2
    # L1's errors heal: the next round tries again.
    assert played.play() == tried


def test_an_announcement_that_is_too_young_is_no_failure(
    l1: InboxL1, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = hashes_of(trace_of(l1))
    false = record_of(l1, [*hashes[:4], keccak256(b"a lie"), *hashes[5:]])
    played = player(l1, CHALLENGING, false)
    played.play()
    played.chain.errors["open"] = L1RevertedError("NotSealed")  # type: ignore[attr-defined]
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        played.play()
    assert caplog.records == []


def test_where_nothing_can_be_sent_all_of_a_group_is_tried_again(
    l1: InboxL1, caplog: pytest.LogCaptureFixture
) -> None:
    hashes = hashes_of(trace_of(l1))
    false = record_of(l1, [*hashes[:4], keccak256(b"a lie"), *hashes[5:]])
    played = player(l1, CHALLENGING, false)
    played.play()
    played.chain.errors = Raising(L1UnreachableError("l1", 1, "it is away"))  # type: ignore[attr-defined]
    with caplog.at_level(logging.WARNING):
        played.play()
    assert "it is away" in caplog.text
    played.chain.errors = {}  # type: ignore[attr-defined]
    assert played.play() == [Open(false, 0)]


def post_blob(l1: InboxL1, *own: bytes) -> bytes:
    """A batch in a blob; the hash of its transaction."""
    block = sealed(l1, *own)
    l1.mine()
    batch = batch_of([block])
    (blob,) = pack(encode_batch(batch))
    root = transactions_root(batch.records)
    posted = l1.append(b"", root, len(batch.records), 0, blobs=[versioned_hash(blob)])
    l1.carried[posted] = (blob,)
    return posted


def pruned(l1: InboxL1) -> tuple[LedgerClaimRecord, LedgerClaimRecord, LedgerClaimRecord]:
    """A true final claim about batches 1 to 6, a true one about the two behind it, and a made-up one."""
    for nonce in range(2, 8):
        post_blob(l1, ALICE.transfer(nonce, BOB.address, 5))
    whole = hashes_of(trace_of(l1, 8))
    base = record_of(l1, whole[: trace_of(l1, 6).steps + 1], batch=6, state=LedgerClaimState.FINAL)
    rest = whole[trace_of(l1, 6).steps :]
    false = [*rest[:1], keccak256(b"made"), keccak256(b"up")]
    made = (record_of(l1, each, batch=8, base=base.identifier) for each in (rest, false))
    return base, *made


def test_after_a_reorg_a_lie_is_found_though_l1_has_forgotten_the_older_blobs(l1: InboxL1) -> None:
    base, true, false = pruned(l1)
    carried = dict(l1.carried)
    played = player(l1, CHALLENGING, base)
    played.play()
    assert played.look().verdicts == {base.identifier: Verdict.TRUE}
    for posted in list(carried)[:4]:
        del l1.carried[posted]
    l1.mine()
    played.play()
    l1.reorg(1)
    l1.mine()
    played.chain.docket.claims.update({each.identifier: each for each in (true, false)})

    played.play()

    assert played.look().verdicts == {
        base.identifier: Verdict.TRUE,
        true.identifier: Verdict.TRUE,
        false.identifier: Verdict.FALSE,
    }
    assert played.play() == [Open(false, 0)]


def test_a_lie_whose_machines_cannot_be_computed_any_more_is_told_with_what_to_do(
    l1: InboxL1, caplog: pytest.LogCaptureFixture
) -> None:
    base, _, false = pruned(l1)
    played = player(l1, CHALLENGING)
    played.look()
    assert played._past is not None
    ours = played._past.state(BatchNumber(8)).machine.hash
    played._past._states = {8: played._past.state(BatchNumber(8))}
    played.reader.held.carried.clear()
    l1.carried.clear()
    played.chain.docket.claims.update({each.identifier: each for each in (base, false)})
    assert played.look().ends == {false.identifier: false.claim.end == ours}

    with caplog.at_level(logging.ERROR):
        played.play()

    assert false.identifier not in played.look().verdicts
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith(f"ledger claim 0x{false.identifier.hex()} of {OTHER} about batch 8 is false: ")
    assert "Give `--beacon` a node that still has them (an archive after about 18 days)" in told


def test_false_claims_beyond_the_purse_are_told_once(l1: InboxL1, caplog: pytest.LogCaptureFixture) -> None:
    hashes = hashes_of(trace_of(l1))
    false = [record_of(l1, [*hashes[:at], keccak256(b"a lie"), *hashes[at + 1 :]]) for at in (3, 4)]
    played = player(l1, replace(CHALLENGING, most_bonds=RULES.challenge_bond), *false)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            played.play()
    (told,) = [each.getMessage() for each in caplog.records]
    assert told.startswith("1 false ledger claims are not challenged from here")
    assert f"send ether to {OWNER} on L1, or raise --budget" in told


def test_checks_leave_threads_to_moves(l1: InboxL1) -> None:
    hashes = hashes_of(trace_of(l1))
    claims = [record_of(l1, [*hashes, *[hashes[-1]] * more]) for more in range(MOST_CHECKS + 2)]
    played = player(l1, CHALLENGING, *claims)
    played.play()
    assert len(played.look().verdicts) == MOST_CHECKS < MOST_AT_ONCE
    played.play()
    assert played.look().verdicts == {each.identifier: Verdict.TRUE for each in claims}


def test_after_a_reorg_what_l1_replaced_is_computed_anew(l1: InboxL1) -> None:
    true = record_of(l1, hashes_of(trace_of(l1)))
    played = player(l1, CHALLENGING, true)
    played.play()
    assert played.look().verdicts == {true.identifier: Verdict.TRUE}
    l1.reorg(1)
    l1.post([sealed(l1, ALICE.transfer(1, BOB.address, 6))])
    assert played.look().verdicts == {}
    played.play()
    assert played.look().verdicts == {true.identifier: Verdict.FALSE}


def test_a_move_that_no_game_waits_for_is_forgotten(l1: InboxL1) -> None:
    hashes = hashes_of(trace_of(l1))
    own = record_of(l1, hashes, claimant=OWNER)
    played = player(l1, Policy(), own)
    played.chain.docket.games[b"g" * 32] = opened(own, LedgerPhase.REVEAL, challenger=OTHER)
    tried: list[list[Action]] = [played.play(), played.play()]
    assert [type(each) for round_ in tried for each in round_] == [Check, Play]
    assert len(played._moves) == 1
    played.chain.docket.games.clear()
    played.play()
    assert played._moves == {}
