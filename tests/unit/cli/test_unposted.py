"""A job is told from its first second on, and no jobs are told in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anh_rollup.cli import job, main
from anh_rollup.cli.l2 import L2AnswerError, L2Client
from anh_rollup.cli.unposted import unposted_job

NOBODY = "http://127.0.0.1:1"
HASH = "12" * 32
ORDERED = {"state": "open", "blockNumber": "0x1f"}


class EmptyOrder:
    """A rollup on L1 without a batch; it stands for the view and for the reader of the order."""

    deployment = None
    order = type("Order", (), {"blocks": ()})

    def all_jobs(self) -> Sequence[Any]:
        return ()

    jobs = unsettled_jobs = all_jobs


class FixedL2(L2Client):
    """Answers anh_getJob and has no position."""

    def __init__(self, answer: Mapping[str, Any] | None) -> None:
        super().__init__(NOBODY)
        self.answer = answer
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def request(self, method: str, *parameters: Any) -> Any:
        self.asked.append((method, parameters))
        return self.answer if method == "anh_getJob" else None


@pytest.fixture(autouse=True)
def empty_rollup(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = EmptyOrder()
    monkeypatch.setattr(job, "connect", lambda *_: (empty, empty))
    monkeypatch.setattr(job, "job_table", lambda *_: "a table")


def run(*words: str) -> tuple[int, str]:
    """Exit code and output of a command about jobs."""
    result = CliRunner().invoke(main, ["job", *words, "--l1", NOBODY], env={"ANH_L2": ""})
    return result.exit_code, result.output


def status(monkeypatch: pytest.MonkeyPatch, answer: Mapping[str, Any] | None) -> tuple[int, str]:
    """Exit code and output of `anh job status` beside an L2 that answers this."""
    monkeypatch.setattr(job, "open_l2", lambda *_: FixedL2(answer))
    return run("status", HASH, "--l2", NOBODY)


def test_a_job_that_waits_for_its_batch_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(monkeypatch, ORDERED) == (
        0,
        "position: none yet\nordered in L2 block 31, waiting for its batch\n",
    )


def test_a_job_that_neither_chain_knows_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = status(monkeypatch, None)
    assert code == 1
    assert f"Error: no batch on L1 holds a job 0x{HASH}\n" in told


def test_without_an_l2_nobody_confirms_a_job() -> None:
    code, told = run("status", HASH)
    assert code == 1
    assert "Next:  Wait for its batch (--l2 shows its position)" in told


def test_a_job_is_looked_up_by_its_hash() -> None:
    l2 = FixedL2({"state": "waiting", "blockNumber": None})
    assert unposted_job(l2, bytes.fromhex(HASH)) == "received by the L2, waiting for its block"
    assert l2.asked == [("anh_getJob", (f"0x{HASH}",))]


def test_an_order_without_effect_waits_for_nothing() -> None:
    assert unposted_job(FixedL2({**ORDERED, "state": "without effect"}), bytes(32)) is None


def test_a_block_that_is_no_number_is_told() -> None:
    with pytest.raises(L2AnswerError, match="for a job's block"):
        unposted_job(FixedL2({**ORDERED, "blockNumber": "soon"}), bytes(32))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no jobs wait for a final claim; --all shows the settled ones, too\n"),
        (("--all",), "no jobs\n"),
    ],
)
def test_no_jobs_are_told_in_words(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    assert run("list", *words, "--deployment", str(tmp_path / "d.json")) == (0, told)
