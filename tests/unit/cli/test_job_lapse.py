"""`anh job lapse`: anybody ends a training that nobody has done."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from anh_rollup.cli import job as job_module
from anh_rollup.cli import main
from anh_rollup.cli.job_lapse import NotWaitedForError
from anh_rollup.cli.job_refund import NotOverError
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.deployment import Rules
from anh_rollup.primitives import Seconds, Wei
from anh_rollup.protocol.called import TrainingRequest, called_job, placeless
from anh_rollup.protocol.jobs import Property

NOW = 1_700_000_000
CALLED = placeless(
    TrainingRequest(called_job(b"\4" * 32, [Property(b"\1" * 32, b"\2" * 32, 3)], Seconds(NOW), ""), Wei(5))
)
CLAIMS = Claims(None, "0x" + "00" * 19 + "02")  # type: ignore[arg-type]


class Lapse:
    """A rollup for one of whose trainings a contract waits; notes what `anh job lapse` sends."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, folder: Path, now: int, terms: bytes) -> None:
        client = SimpleNamespace(head=lambda: SimpleNamespace(time=now))
        deployment = SimpleNamespace(rules=Rules())
        self.sent: list[Any] = []
        for name, given in {
            "open_rollup": (client, deployment),
            "open_l2": None,
            "called_jobs": [CALLED],
            "bind": SimpleNamespace(claims=CLAIMS),
            "TransactionSender": SimpleNamespace(send=self.sent.append),
        }.items():
            monkeypatch.setattr(job_module, name, lambda *_, given=given: given)
        key = folder / "user.key"
        key.write_text("0x" + "11" * 32)
        key.chmod(0o600)
        places = ["--l1", "http://a:1", "--l2", "http://b:2", "--key-file", str(key)]
        self.told = CliRunner().invoke(main, ["job", "lapse", terms.hex(), *places])


def test_a_training_whose_time_is_over_is_ended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lapse = Lapse(monkeypatch, tmp_path, NOW + Rules().settlement, CALLED.transaction)
    assert lapse.told.exit_code == 0, lapse.told.output
    assert lapse.sent == [CLAIMS.lapse_called(CALLED.job)]
    assert lapse.told.output == "ended: what waits for it goes on\n"


def test_one_that_can_still_be_done_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    end = NOW + Rules().settlement
    lapse = Lapse(monkeypatch, tmp_path, end - 1, CALLED.transaction)
    assert (lapse.told.exit_code, lapse.sent) == (1, [])
    error = NotOverError(end)
    assert lapse.told.stderr == f"Error: {error.message}\nNext:  {error.remedy}\n"


def test_one_that_nobody_waits_for_is_not(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    lapse = Lapse(monkeypatch, tmp_path, NOW + Rules().settlement, b"\5" * 32)
    assert (lapse.told.exit_code, lapse.sent) == (1, [])
    error = NotWaitedForError(b"\5" * 32)
    assert lapse.told.stderr == f"Error: {error.message}\nNext:  {error.remedy}\n"
