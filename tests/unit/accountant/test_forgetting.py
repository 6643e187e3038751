"""An accountant lets go of what belongs to claims that are over, and of nothing before."""

from dataclasses import replace
from types import SimpleNamespace

import pytest

from anh_rollup.accountant.drafts import Draft, Drafts
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.work import Worker
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.docket import ClaimRecord, Docket, GameRecord
from anh_rollup.l1.forgetting import SECONDS_OF_REORGS
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore
from anh_rollup.storage.errors import StoreUnreachableError
from anh_rollup.storage.remote import RemotePolicy
from tests.doubles.claimed import CLAIMANT, training_case

SALT, ZERO = b"\x09" * 32, bytes(32)


class StubChain:
    """A chain whose docket and time a test sets."""

    def __init__(self):
        self.docket, self.now, self.address, self.rules = Docket(), 1000, CLAIMANT, None
        self.sender = SimpleNamespace(balance=lambda: 0, price=lambda: 0)
        self.contracts = SimpleNamespace(bonds=SimpleNamespace(credit_of=lambda _address: 0))

    def refresh(self):
        return SimpleNamespace(time=self.now)

    def status(self, identifier):
        return self.docket.claims[identifier]


@pytest.fixture
def holding(tmp_path):
    """An accountant with the draft of a claim that stands, and the claim's result in memory."""
    case = training_case(tmp_path)
    case.ours.put_model(case.model)
    draft = Draft(case.claim, case.job, SALT, 9)
    drafts = Drafts(tmp_path / "drafts")
    drafts.save(draft)
    order = SimpleNamespace(refresh=lambda: None, jobs=list)
    worker = Worker(case.ours, ReferenceEvaluator(), None, None)
    one = Accountant(StubChain(), None, order, worker, drafts)
    record = ClaimRecord(draft.identifier, case.claim, case.job, 0)
    one.chain.docket.claims[draft.identifier] = record
    one.worker.result(record.job, record.claim.result)
    return one, draft, record


def end(one, record, state=ClaimState.FINAL):
    one.chain.docket.claims[record.identifier] = replace(record, state=state)


def in_memory(one):
    return len(one.worker.evaluations.keys)


def look_after(one, seconds):
    one.chain.now += seconds
    one.look()


def test_what_a_standing_claim_needs_is_kept(holding):
    one, draft, _ = holding
    for _ in range(3):
        look_after(one, SECONDS_OF_REORGS)
    assert (list(one.drafts.all()), in_memory(one)) == ([draft], 1)


def test_what_a_standing_claim_needs_stays_on_the_disk(holding, tmp_path):
    one, _, record = holding
    store = ArtifactStore(tmp_path / "full", RemotePolicy(file_roots=(tmp_path,)), most_cache=0)
    one.worker.store = store
    wanted = record.job.properties[0]
    store.get_program(wanted.program, record.job.uri)
    assert not store.has(ArtifactKind.PROGRAM, wanted.program)
    look_after(one, 0)
    store.get_program(wanted.program, record.job.uri)
    assert store.has(ArtifactKind.PROGRAM, wanted.program)
    end(one, record)
    look_after(one, 0)
    store.get_dataset(wanted.dataset, record.job.uri)
    assert not store.has(ArtifactKind.DATASET, wanted.dataset)


def test_a_result_is_kept_from_the_draft_on(holding):
    one, draft, record = holding
    one.chain.docket.claims.clear()
    look_after(one, 0)
    assert (list(one.drafts.all()), in_memory(one)) == ([draft], 1)
    end(one, record)
    look_after(one, 0)
    assert in_memory(one) == 0


def test_a_result_is_kept_while_a_game_about_it_goes_on(holding):
    one, draft, record = holding
    at = Position(
        draft.identifier, CLAIMANT, CLAIMANT, 0, Phase.TRACE, 0, 0, ZERO, ZERO, 0, ZERO, 0, 0, 0, 0, ZERO,
        ZERO, 0, 0, ZERO,
    )  # fmt: skip
    one.chain.docket.games[ZERO] = GameRecord(ZERO, at)
    end(one, record, ClaimState.REFUTED)
    look_after(one, 0)
    assert in_memory(one) == 1


def test_the_draft_of_a_settled_claim_goes_once_no_reorg_brings_the_claim_back(holding):
    one, draft, record = holding
    end(one, record)
    look_after(one, 0)
    look_after(one, SECONDS_OF_REORGS - 1)
    assert list(one.drafts.all()) == [draft]
    look_after(one, 1)
    assert list(one.drafts.all()) == []
    look_after(one, 1)
    assert one._over_since == {}


def test_a_claim_that_a_reorg_brings_back_keeps_its_draft(holding):
    one, draft, record = holding
    end(one, record)
    look_after(one, 0)
    end(one, record, ClaimState.STANDING)
    look_after(one, SECONDS_OF_REORGS)
    end(one, record)
    look_after(one, SECONDS_OF_REORGS)
    assert list(one.drafts.all()) == [draft]


def test_a_draft_that_cannot_be_removed_is_tried_again_and_stops_nothing(holding, monkeypatch, caplog):
    one, draft, record = holding

    def refuse(_self, _transaction):
        raise StoreUnreachableError("the drafts", "read-only")

    monkeypatch.setattr(Drafts, "remove", refuse)
    end(one, record)
    look_after(one, 0)
    look_after(one, SECONDS_OF_REORGS)
    look_after(one, 0)
    told = StoreUnreachableError("the drafts", "read-only")
    name = f"Forget, job 0x{draft.claim.transaction.hex()}"
    assert caplog.messages == [f"{name}: {told.message}; next: {told.remedy} It is tried again in 2 rounds."]


def test_a_replaced_draft_is_kept_as_long_as_its_jobs_other_one(holding):
    one, draft, _ = holding
    moved = replace(draft, claim=replace(draft.claim, index=9))
    one.drafts.save(moved)
    one.chain.docket.commitments[CLAIMANT, moved.commitment] = draft.job.deadline * 9
    one.chain.now = draft.job.deadline + 1
    one.chain.docket.claims.clear()
    for _ in range(2):
        look_after(one, SECONDS_OF_REORGS)

    assert list(one.drafts.all()) == [moved, draft]


def test_commitments_are_forgotten_once_they_expired_unless_a_draft_has_them(holding):
    one, draft, _ = holding
    own, stale, fresh = (CLAIMANT, draft.commitment), (CLAIMANT, ZERO), ("0x" + "77" * 20, ZERO)
    one.chain.docket.commitments.update({own: 1, stale: 999, fresh: 1000})
    look_after(one, SECONDS_OF_REORGS)

    assert one.chain.docket.commitments == {own: 1, fresh: 1000}


def forget_drafts(one):
    one.chain.docket.claims.clear()
    for each in one.drafts.all():
        one.drafts.remove(each.claim.transaction)


def test_a_result_is_kept_while_its_job_is_in_work(holding):
    """A look can fall between the evaluation and the draft: evaluating again takes hours."""
    one, draft, _ = holding
    forget_drafts(one)
    one.worker._in_work = (draft.job, draft.claim.result)
    look_after(one, 0)
    assert in_memory(one) == 1
    one.worker.put_down()
    look_after(one, 0)
    assert in_memory(one) == 0


def test_a_result_is_kept_whose_job_ends_while_the_drafts_are_read(holding, monkeypatch):
    one, draft, _ = holding
    forget_drafts(one)
    one.worker._in_work = (draft.job, draft.claim.result)

    def all_but_the_latest(self):
        one.drafts.save(draft)
        one.worker.put_down()
        return iter(())

    monkeypatch.setattr(Drafts, "all", all_but_the_latest)
    look_after(one, 0)
    assert in_memory(one) == 1
