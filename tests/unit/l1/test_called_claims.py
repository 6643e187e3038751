"""What the order reader says about called jobs: final claims alone, as L1 has them now."""

from dataclasses import replace

import pytest

from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.called import UNTRAINED, called_job, cell_of
from anh_rollup.protocol.claims import Claim, Scores, claim_id
from anh_rollup.protocol.jobs import Job, Property, terms
from tests.doubles.memory_l1 import DEPLOYMENT, MemoryL1
from tests.doubles.ordering import JOB

ROOT = b"\1" * 32
CALLED = called_job(ROOT, [Property(ROOT, ROOT, 5)], Seconds(50), "\udcff")
CLAIMANT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def claim_about(job: Job, model: bytes = ROOT, batch: int = 0) -> Claim:
    name = terms(job)
    return Claim(
        CLAIMANT,
        batch,
        bytes(32),
        0,
        name,
        name,
        model,
        (Scores(3, 7, ROOT),) * len(job.properties),
        "\udcfe",
    )


class ClaimsL1(MemoryL1):
    """A chain with claims."""

    def reveal(self, claim: Claim, job: Job) -> None:
        self.mine()
        self.emit(
            "Claims", "Revealed", transaction=claim.transaction, claimId=claim_id(claim),
            claimant=claim.claimant, place=0, claim=claim, job=job, blobs=[],
        )  # fmt: skip

    def finalize(self, claim: Claim) -> None:
        self.mine()
        self.emit(
            "Claims", "Finalized", transaction=claim.transaction, claimant=claim.claimant,
            claimId=claim_id(claim), result=claim.result,
        )  # fmt: skip

    def lapse(self, transaction: bytes) -> None:
        self.mine()
        self.emit("Claims", "Lapsed", transaction=transaction, caller=CLAIMANT)


@pytest.fixture
def l1() -> ClaimsL1:
    return ClaimsL1()


@pytest.fixture
def reader(l1: ClaimsL1) -> OrderReader:
    return OrderReader(DEPLOYMENT, l1, l1)  # type: ignore[arg-type]


def test_a_cell_is_filled_once_a_claim_is_final(l1: ClaimsL1, reader: OrderReader) -> None:
    lie, claim = claim_about(CALLED, b"\2" * 32), claim_about(CALLED)
    for each in (lie, claim):
        l1.reveal(each, CALLED)
        reader.refresh()
        assert reader.cells == {}
    l1.finalize(claim)
    reader.refresh()
    assert reader.cells == {terms(CALLED): cell_of(claim)}


def test_other_claims_fill_no_cell(l1: ClaimsL1, reader: OrderReader) -> None:
    claim = claim_about(JOB, batch=1)
    l1.reveal(claim, JOB)
    l1.finalize(claim)
    unknown = replace(claim_about(CALLED), uri="never revealed")
    l1.finalize(unknown)
    reader.refresh()
    assert reader.cells == {}


def test_a_reorg_takes_it_back_and_brings_another(l1: ClaimsL1, reader: OrderReader) -> None:
    first, second = claim_about(CALLED), claim_about(CALLED, b"\2" * 32)
    for each in (first, second):
        l1.reveal(each, CALLED)
    l1.finalize(first)
    reader.refresh()
    l1.reorg(1)
    l1.mine()
    reader.refresh()
    assert reader.cells == {}
    l1.finalize(second)
    reader.refresh()
    assert reader.cells == {terms(CALLED): cell_of(second)}


def test_a_lapse_ends_a_cell_without_a_result_and_a_reorg_takes_it_back(
    l1: ClaimsL1, reader: OrderReader
) -> None:
    claim = claim_about(CALLED)
    l1.reveal(claim, CALLED)
    l1.lapse(terms(CALLED))
    reader.refresh()
    assert reader.cells == {terms(CALLED): UNTRAINED}
    l1.reorg(1)
    l1.finalize(claim)
    reader.refresh()
    assert reader.cells == {terms(CALLED): cell_of(claim)}


def test_what_l1_says_first_of_a_called_job_stays(l1: ClaimsL1, reader: OrderReader) -> None:
    """The contract says one thing only; nothing that comes behind may change what was executed."""
    early, late = claim_about(CALLED), claim_about(replace(CALLED, uri="late"))
    for each, job in ((early, CALLED), (late, replace(CALLED, uri="late"))):
        l1.reveal(each, job)
    l1.finalize(early)
    l1.lapse(early.terms)
    l1.lapse(late.terms)
    l1.finalize(late)
    reader.refresh()
    assert reader.cells == {early.terms: cell_of(early), late.terms: UNTRAINED}
