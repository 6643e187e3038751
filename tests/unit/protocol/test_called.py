"""Called jobs: their claims, their cells, and how what a run waits for is noted."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import UINT64_MOST, UINT256_MOST
from anh_rollup.primitives import Address, Seconds, Wei
from anh_rollup.protocol.called import (
    Cell,
    RequestMalformedError,
    TrainingRequest,
    called_job,
    cell_of,
    decode_request,
    encode_request,
    is_called,
    placeless,
)
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.jobs import JobKind, JobMalformedError, Property, terms

ROOTS = st.binary(min_size=32, max_size=32)
TEXTS = st.binary(max_size=40).map(lambda data: data.decode("utf-8", "surrogateescape"))
PROPERTIES = st.builds(Property, ROOTS, ROOTS, st.integers(-(2**63), 2**63 - 1))
TIMES = st.integers(0, UINT64_MOST).map(Seconds)
JOBS = st.builds(called_job, ROOTS, st.lists(PROPERTIES, min_size=1, max_size=4), TIMES, TEXTS)
TRAININGS = st.builds(TrainingRequest, JOBS, st.integers(0, UINT256_MOST).map(Wei))
CLAIMANT = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
ROOT = b"\1" * 32
DEADLINE = Seconds(1_700_000_000)
JOB = called_job(ROOT, [Property(ROOT, ROOT, 5), Property(ROOT, ROOT, 6)], DEADLINE, "http://a")
CLAIM = Claim(
    CLAIMANT, 0, bytes(32), 0, terms(JOB), terms(JOB), ROOT, (Scores(1, 5, ROOT), Scores(2, -6, ROOT)), "u"
)


@given(TRAININGS)
def test_a_request_is_read_back(request: TrainingRequest) -> None:
    assert decode_request(encode_request(request)) == request


@pytest.mark.parametrize("encoded", [b"", b"\0", b"\1", b"\2" + bytes(64), b"\3" + bytes(96)])
def test_other_bytes_are_no_request(encoded: bytes) -> None:
    with pytest.raises(RequestMalformedError):
        decode_request(encoded)


@pytest.mark.parametrize("behind", [b"\0", bytes(32), b"\1"])
def test_a_request_has_nothing_behind_it(behind: bytes) -> None:
    with pytest.raises(RequestMalformedError, match="not the canonical one"):
        decode_request(encode_request(TrainingRequest(JOB, Wei(7))) + behind)


def test_a_called_job_is_a_training() -> None:
    assert (JOB.kind, JOB.model, JOB.deadline) == (JobKind.TRAINING, bytes(32), DEADLINE)
    with pytest.raises(JobMalformedError):
        called_job(ROOT, [], DEADLINE, "")


def test_accountants_take_it_as_a_job_without_a_place() -> None:
    ordered = placeless(TrainingRequest(JOB, Wei(7)))
    assert (ordered.batch, ordered.batch_commitment, ordered.index) == (0, bytes(32), 0)
    assert (ordered.transaction, ordered.job, ordered.reward) == (terms(JOB), JOB, 7)
    assert is_called(CLAIM)
    assert not is_called(replace(CLAIM, batch=1))


def test_a_cell_holds_what_the_claim_says() -> None:
    assert cell_of(CLAIM) == Cell(ROOT, (5, -6), Address(bytes.fromhex(CLAIMANT[2:])))
