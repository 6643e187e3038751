"""The submitting scripts pay for no job that no accountant would take."""

import shlex
import sys
from argparse import Namespace
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from anh_rollup.cli.job_checks import JobTooHeavyError
from anh_rollup.client.ordering import PlacedOrder
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.evaluation import workload
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from scripts import submit_inference_job, submit_training_job
from tests.doubles.small_program import random_fields, small_program


class Chain:
    """An L1 that says what time it is."""

    @property
    def l1(self) -> "Chain":
        return self

    @property
    def eth(self) -> "Chain":
        return self

    def get_block(self, _which: str) -> dict[str, int]:
        return {"timestamp": 1_000}


@pytest.mark.parametrize(
    ("script", "make", "more"),
    [
        (submit_training_job, "digits_job", ()),
        (submit_inference_job, "inference_job", ((bytes(32), ""),)),
    ],
    ids=["training", "inference"],
)
def test_a_job_above_the_usual_bound_is_not_paid_for(
    script: ModuleType, make: str, more: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program, store = small_program(), ArtifactStore(tmp_path)
    samples = Dataset(random_fields(program, 3, 1))
    wanted = Property(store.put_program(program), store.put_dataset(samples), 1)
    job = Job(JobKind.TRAINING, b"\1" * 32, NO_ROOT, (wanted,), 2_000, "")
    paid: list[Job] = []
    monkeypatch.setattr(script, make, lambda *_: job)
    monkeypatch.setattr(script, "order", lambda _rollup, ordered, *_: paid.append(ordered))
    script.submit(Chain(), tmp_path, *more, 1, print)
    assert paid == [job]
    monkeypatch.setattr(workload, "multiply_adds", lambda *_: workload.MOST_WORK + 1)
    with pytest.raises(JobTooHeavyError) as refused:
        script.submit(Chain(), tmp_path, *more, 1, print)
    assert (refused.value.work, paid) == (workload.MOST_WORK + 1, [job])


def test_the_command_that_follows_an_order_can_be_pasted(capsys: pytest.CaptureFixture[str]) -> None:
    placed = PlacedOrder("0x" + "12" * 32, b"", {"height": "0x1"})
    places = Namespace(l1="http://a:1", l2="http://b:2", deployment=Path("my devnet/deployment.json"))
    submit_training_job.show(placed, places)
    transaction, height, last = capsys.readouterr().out.splitlines()
    assert (transaction, height) == (f"transaction: 0x{'12' * 32}", "height: 1")
    assert last == (
        f"follow it with: {shlex.quote(sys.executable)} -m scripts.watch 0x{'12' * 32} "
        "--l1 http://a:1 --l2 http://b:2 --deployment 'my devnet/deployment.json'"
    )
