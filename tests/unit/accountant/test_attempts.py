"""A job that ends the process is begun again after a restart, but not for ever."""

from types import SimpleNamespace

import pytest

from anh_rollup.accountant.attempts import MOST_ATTEMPTS, Attempts
from anh_rollup.accountant.drafts import Drafts
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.work import ThresholdMissedError
from anh_rollup.protocol.jobs import JobKind
from anh_rollup.storage.files import FileStore

FIRST, SECOND = b"\x01" * 32, b"\x02" * 32


def attempts(folder):
    return Attempts(FileStore(str(folder)))


def test_a_job_that_was_begun_too_often_and_never_ended_is_given_up(tmp_path, caplog):
    for number in range(MOST_ATTEMPTS):
        assert attempts(tmp_path).given_up() == frozenset()
        attempts(tmp_path).begin(FIRST)
        if number:
            attempts(tmp_path).begin(SECOND)
    attempts(tmp_path).tell()

    assert attempts(tmp_path).given_up() == {FIRST}
    (message,) = caplog.messages
    assert message == (
        f"job 0x{FIRST.hex()} was begun 5 times and never ended; next: it is left; remove "
        f"{tmp_path}/attempts/job-{FIRST.hex()} to begin it again"
    )


def test_a_job_that_ended_counts_from_the_start(tmp_path):
    for _ in range(MOST_ATTEMPTS):
        attempts(tmp_path).begin(FIRST)
    attempts(tmp_path).end(FIRST)
    attempts(tmp_path).begin(FIRST)

    assert attempts(tmp_path).given_up() == frozenset()


def test_other_files_there_are_nobodys(tmp_path):
    attempts(tmp_path).begin(FIRST)
    (tmp_path / "attempts" / "notes.txt").write_text("mine")

    assert attempts(tmp_path).given_up() == frozenset()


class Killed(BaseException):
    """Ends the process."""


@pytest.mark.parametrize(
    ("ending", "expected"), [(Killed(), {FIRST}), (ThresholdMissedError(JobKind.TRAINING, 0, 4, 5), set())]
)
def test_only_what_ends_the_process_counts(tmp_path, monkeypatch, ending, expected):
    """A kill lets nothing run any more: here it is an exception, and forgetting an attempt does nothing."""

    def perform(_self, _ordered):
        raise ending

    monkeypatch.setattr(Accountant, "perform", perform)
    if isinstance(ending, Killed):
        monkeypatch.setattr(Attempts, "end", lambda _self, _transaction: None)
    for _ in range(MOST_ATTEMPTS):
        one = Accountant(None, None, None, None, Drafts(tmp_path))
        with pytest.raises(type(ending)):
            one._attempt(SimpleNamespace(transaction=FIRST))

    assert attempts(tmp_path).given_up() == expected
