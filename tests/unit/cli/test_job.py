"""`anh job`: what is told of jobs, and what an order ends with."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from anh_rollup.cli import job as job_module
from anh_rollup.cli import main
from anh_rollup.cli.job import job_state
from anh_rollup.cli.ordering import PlacedOrder
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.protocol.orders import OrderedJob

NOW = 1_700_000_000
ROOT = "ab" * 32


class _Record:
    def __init__(self, state: ClaimState) -> None:
        self.state = state


@pytest.mark.parametrize(
    ("states", "is_settled", "word"),
    [
        ([], False, "open"),
        ([ClaimState.REFUTED], False, "open again"),
        ([ClaimState.REFUTED, ClaimState.STANDING], False, "claimed"),
        ([ClaimState.REFUTED, ClaimState.FINAL, ClaimState.RELEASED], True, "final"),
        ([], True, "returned"),
        ([ClaimState.REFUTED, ClaimState.STANDING], True, "returned"),
    ],
)
def test_a_jobs_state_is_told_in_a_word(states: list[ClaimState], is_settled: bool, word: str) -> None:
    records = [_Record(state) for state in states]
    assert job_state(records, is_settled=is_settled) == word  # type: ignore[arg-type]


def test_a_job_that_l1_has_paid_is_listed_with_all_only(monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = (Property(b"\1" * 32, b"\2" * 32, 3),)
    job = Job(JobKind.TRAINING, b"\4" * 32, NO_ROOT, wanted, NOW, "")
    paid, waits = (OrderedJob(1, bytes(32), index, bytes([index]) * 32, job, 10**18) for index in (5, 6))
    docket = SimpleNamespace(
        claims_of=lambda key: [_Record(ClaimState.FINAL)] if key == paid.transaction else []
    )
    reader = SimpleNamespace(
        unsettled_jobs=lambda: [waits],
        all_jobs=lambda: [paid, waits],
        order=SimpleNamespace(blocks=[]),
    )
    monkeypatch.setattr(job_module, "connect", lambda *_: (SimpleNamespace(docket=docket), reader))

    def listed(*words: str) -> list[str]:
        told = CliRunner().invoke(main, ["job", "list", "--l1", "http://a:1", *words]).output
        return [line for line in told.splitlines() if "job status" in line or "final" in line]

    assert listed() == [f"0x06060606: anh job status 0x{waits.transaction.hex()}"]
    assert [line.partition(":")[0] for line in listed("--all")[1:]] == ["0x05050505", "0x06060606"]
    assert "final" in listed("--all")[0]


def test_the_end_of_an_order_is_the_command_that_follows_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed = PlacedOrder("0x" + "5c" * 32, b"", {"blockNumber": "0x7"})
    chain = SimpleNamespace(head=lambda: SimpleNamespace(time=NOW))
    monkeypatch.setattr(job_module, "read_account", lambda _path: None)
    monkeypatch.setattr(job_module, "open_rollup", lambda *_where: (chain, None))
    monkeypatch.setattr(job_module, "open_l2", lambda *_where: None)
    monkeypatch.setattr(job_module, "make_job", lambda *_wish: None)
    monkeypatch.setattr(job_module, "place_order", lambda *_order: placed)
    words = {
        "--l1": "http://a:1", "--l2": "http://b:2", "--deployment": "my devnet/deployment.json",
        "--key-file": "key", "--store": str(tmp_path), "--reward": "1",
        "--architecture": ROOT,
        "--property": f"{ROOT}:{ROOT}:2",
    }  # fmt: skip
    told = CliRunner().invoke(main, ["job", "submit", *(word for pair in words.items() for word in pair)])
    assert told.output.splitlines()[-1] == (
        f"follow it with: anh job status {placed.hash} --l1 http://a:1 --l2 http://b:2 "
        "--deployment 'my devnet/deployment.json'"
    )
