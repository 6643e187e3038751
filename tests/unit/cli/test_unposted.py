"""A job is told from its first second on, and no jobs are told in words."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from anh_rollup.cli import job, main
from anh_rollup.cli.unposted import UnknownTransactionError, unposted_job
from anh_rollup.client.l2 import L2AnswerError, L2Client

NOBODY = "http://127.0.0.1:1"
HASH = "12" * 32
ORDERED = {"state": "open", "blockNumber": "0x1f", "job": {"deadline": "0x6553f100"}}
DEADLINE = "deadline: 2023-11-14 22:13:20 UTC"


class EmptyOrder:
    """A rollup on L1 without a batch; it stands for the view and for the reader of the order."""

    deployment = None
    order = type("Order", (), {"blocks": ()})

    def all_jobs(self) -> Sequence[Any]:
        return ()

    jobs = unsettled_jobs = all_jobs


class FixedL2(L2Client):
    """Answers anh_getJob, knows its transaction or another one, and has no position."""

    def __init__(
        self, answer: Mapping[str, Any] | None, transaction: Mapping[str, Any] | None = None
    ) -> None:
        super().__init__(NOBODY)
        self.answers = {"anh_getJob": answer, "eth_getTransactionByHash": transaction}
        self.asked: list[tuple[str, tuple[Any, ...]]] = []

    def request(self, method: str, *parameters: Any) -> Any:
        self.asked.append((method, parameters))
        return self.answers.get(method)


@pytest.fixture(autouse=True)
def empty_rollup(monkeypatch: pytest.MonkeyPatch) -> None:
    empty = EmptyOrder()
    monkeypatch.setattr(job, "connect", lambda *_: (empty, empty))
    monkeypatch.setattr(job, "job_table", lambda *_: "a table")


def run(*words: str) -> tuple[int, str]:
    """Exit code and output of a command about jobs."""
    result = CliRunner().invoke(main, ["job", *words, "--l1", NOBODY], env={"ANH_L2": ""})
    return result.exit_code, result.output


def status(monkeypatch: pytest.MonkeyPatch, *answers: Mapping[str, Any] | None) -> tuple[int, str]:
    """Exit code and output of `anh job status` beside an L2 that answers this about job and transaction."""
    monkeypatch.setattr(job, "open_l2", lambda *_: FixedL2(*answers))
    return run("status", HASH, "--l2", NOBODY)


def test_a_job_that_waits_for_its_batch_is_no_error(monkeypatch: pytest.MonkeyPatch) -> None:
    assert status(monkeypatch, ORDERED) == (
        0,
        f"position: none yet\nordered in L2 block 31, waiting for its batch\n{DEADLINE}\n",
    )


def test_a_transaction_that_the_l2_does_not_know_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = status(monkeypatch, None, None)
    assert code == 1
    assert told == (
        f"Error: the L2 knows no transaction 0x{HASH}\n"
        "Next:  Give the hash that ordering the job printed, and the --l2 that it was sent to.\n"
    )


def test_a_transaction_that_orders_no_job_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    code, told = status(monkeypatch, None, {"hash": HASH})
    assert code == 1
    assert told.startswith(f"Error: no batch on L1 holds a job 0x{HASH}\n")


def test_without_an_l2_nobody_confirms_a_job() -> None:
    code, told = run("status", HASH)
    assert code == 1
    assert "Next:  Wait for its batch (--l2 shows its position)" in told


def test_a_job_is_looked_up_by_its_hash() -> None:
    l2 = FixedL2({**ORDERED, "state": "waiting", "blockNumber": None})
    told = unposted_job(l2, bytes.fromhex(HASH))
    assert told == f"received by the L2, waiting for its block\n{DEADLINE}"
    assert l2.asked == [("anh_getJob", (f"0x{HASH}",))]


def test_a_hash_that_the_l2_does_not_know_is_looked_up_as_any_transaction() -> None:
    l2 = FixedL2(None)
    with pytest.raises(UnknownTransactionError) as refused:
        unposted_job(l2, bytes.fromhex(HASH))
    assert refused.value.transaction == bytes.fromhex(HASH)
    assert l2.asked[1:] == [("eth_getTransactionByHash", (f"0x{HASH}",))]


def test_an_order_without_effect_waits_for_nothing() -> None:
    assert unposted_job(FixedL2({**ORDERED, "state": "without effect"}), bytes(32)) is None


def test_a_block_that_is_no_number_is_told() -> None:
    with pytest.raises(L2AnswerError, match="for a job's block"):
        unposted_job(FixedL2({**ORDERED, "blockNumber": "soon"}), bytes(32))


@pytest.mark.parametrize("terms", [None, "soon", {}, {"deadline": "soon"}])
def test_a_deadline_that_is_no_number_is_told(terms: Any) -> None:
    with pytest.raises(L2AnswerError, match="for a job's deadline"):
        unposted_job(FixedL2({**ORDERED, "job": terms}), bytes(32))


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ((), "no jobs wait for a final claim; --all shows the settled ones, too\n"),
        (("--all",), "no jobs\n"),
    ],
)
def test_no_jobs_are_told_in_words(words: tuple[str, ...], told: str, tmp_path: Path) -> None:
    where = (
        "an order shows up here once its batch is on L1\n"
        f"before that see it with: anh job status HASH --l2 URL --l1 {NOBODY}"
        f" --deployment {tmp_path / 'd.json'}\n"
    )
    assert run("list", *words, "--deployment", str(tmp_path / "d.json")) == (0, told + where)
