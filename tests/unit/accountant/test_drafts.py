"""Drafts come back as they were kept, wherever they are; a damaged one is told and never thrown away."""

from dataclasses import replace
from pathlib import Path

import pytest

from anh_rollup.accountant.drafts import MOST_BYTES, Draft, DraftCorruptError, Drafts
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.jobs import Job, JobKind, Property

ROOT = b"\x01" * 32
JOB = Job(JobKind.TRAINING, ROOT, bytes(32), (Property(ROOT, ROOT, 5),), 5000, "")
CLAIM = Claim("0x" + "22" * 20, 1, ROOT, 0, ROOT, ROOT, ROOT, (Scores(1, 5, ROOT),), "")
FIRST = Draft(CLAIM, JOB, ROOT, 9)
SECOND = Draft(replace(CLAIM, transaction=b"\x02" * 32), JOB, ROOT, 2**255)
ADVICE = "Restore its file from a copy: without it a commitment that is open cannot be revealed."


def file_of(folder: Path, draft: Draft) -> Path:
    return folder / "drafts" / f"claim-{draft.claim.transaction.hex()}"


@pytest.mark.parametrize("place", ["{folder}/store", "memory://drafts-test"])
def test_drafts_come_back_as_they_were_last_saved(tmp_path: Path, place: str) -> None:
    drafts = Drafts(place.format(folder=tmp_path))
    assert (list(drafts.all()), drafts.load(CLAIM.transaction)) == ([], None)
    for draft in (SECOND, replace(FIRST, reward=1), FIRST):
        drafts.save(draft)
    assert list(Drafts(place.format(folder=tmp_path)).all()) == [FIRST, SECOND]
    assert drafts.load(SECOND.claim.transaction) == SECOND


def test_a_removed_draft_is_gone_and_no_other(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    drafts.save(FIRST)
    drafts.save(SECOND)
    drafts.remove(CLAIM.transaction)
    drafts.remove(CLAIM.transaction)
    assert (list(drafts.all()), drafts.load(CLAIM.transaction)) == ([SECOND], None)


def test_a_replaced_draft_stays_until_its_job_is_over(tmp_path: Path) -> None:
    drafts = Drafts(tmp_path)
    moved = replace(FIRST, claim=replace(CLAIM, index=3))
    for draft in (FIRST, moved, moved):
        drafts.save(draft)
    assert (list(drafts.all()), drafts.load(CLAIM.transaction)) == ([moved, FIRST], moved)
    drafts.remove(CLAIM.transaction)
    assert list(drafts.all()) == []


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"{", "JSONDecodeError: unexpected end of data: line 1 column 2 (char 1)"),
        (b"[]", "TypeError: list indices must be integers or slices, not str"),
        (b"{}", "KeyError: 'claim'"),
        (b" " * (MOST_BYTES + 1), f"{{place}} has more than {MOST_BYTES} bytes"),
    ],
    ids=["broken off", "no object", "empty", "too large"],
)
def test_a_corrupt_draft_is_to_be_restored_and_the_others_count(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, content: bytes, reason: str
) -> None:
    drafts = Drafts(tmp_path)
    drafts.save(FIRST)
    drafts.save(SECOND)
    file_of(tmp_path, FIRST).write_bytes(content)

    with pytest.raises(DraftCorruptError) as refused:
        drafts.load(CLAIM.transaction)
    told = (
        f"the draft for job 0x{ROOT.hex()} is corrupt: {reason.format(place=file_of(tmp_path, FIRST))[:200]}"
    )
    assert (refused.value.message, refused.value.remedy) == (told, ADVICE)
    assert list(drafts.all()) == [SECOND]
    assert caplog.messages == [f"{told}; next: {ADVICE}"]
    assert file_of(tmp_path, FIRST).read_bytes() == content
