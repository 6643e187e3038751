"""The demo's words: tables whole in an ordinary terminal, no unexplained silence, outcomes as yes and no."""

import sys
from io import StringIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from rich.console import Console
from rich.table import Table

from anh_rollup.cli.moves import Call
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.protocol.jobs import JobKind
from scripts import demo
from scripts.story import stage as stage_module
from scripts.story.acts import ClaimMade
from scripts.story.costs import calls_table
from scripts.story.ending import claims_table
from scripts.story.stage import QUIET_SECONDS, Stage

SENDER = "0x" + "12" * 20


def shown(table: Table) -> list[str]:
    """A table's cells on a terminal of 80 columns, line by line."""
    console = Console(width=80, record=True, file=StringIO())
    console.print(table)
    return [cell.strip() for line in console.export_text().splitlines() for cell in line.split("│")]


def claim(name: str, kind: JobKind) -> ClaimMade:
    record = SimpleNamespace(
        identifier=b"\x12" * 32,
        state=ClaimState.REFUTED,
        claim=SimpleNamespace(scores=[SimpleNamespace(sum=357, count=360)]),
        job=SimpleNamespace(kind=kind, properties=[SimpleNamespace(threshold=350)]),
    )
    return ClaimMade(name, record, 280)  # type: ignore[arg-type]


def test_functions_and_senders_are_whole_in_80_columns() -> None:
    functions = ["Game.revealElements", "Claims.refuteUnanswered", "Inbox.postCalldata"]
    calls = [Call(120, SENDER, each, 12_345_678, 131_072, 10**15, True) for each in functions]
    cells = shown(calls_table(calls, {SENDER: "dishonest accountant"}))
    assert [each for each in cells if each in functions] == functions
    assert cells.count("dishonest") == len(functions)


def test_claims_are_whole_in_80_columns() -> None:
    made = [claim("dishonest accountant", JobKind.TRAINING), claim("honest accountant", JobKind.TRAINING)]
    cells = shown(claims_table([*made, claim("honest accountant", JobKind.INFERENCE)]))
    for whole in ("dishonest accountant", "0x12121212", "357 of 360 (0.9917)", "inference", "refuted"):
        assert whole in cells


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Stage:
    """A stage on which nothing happens, and whose clock its own pauses move."""
    now = [0.0]

    def sleep(seconds: float) -> None:
        now[0] += seconds

    monkeypatch.setattr(stage_module, "time", SimpleNamespace(monotonic=lambda: now[0], sleep=sleep))
    monkeypatch.setattr(Stage, "look", lambda _stage: None)
    nothing: Any = None
    return Stage(nothing, nothing, Console(record=True, file=StringIO()), _started=0.0, _told=0.0)


def test_a_silence_is_explained(stage: Stage) -> None:
    looks = iter([None] * int(2.5 * QUIET_SECONDS / stage_module.LOOK_SECONDS) + [7])
    assert stage.until("the window", lambda: next(looks), 60.0) == 7
    assert stage.console.export_text().count("still waiting for the window") == 2


def test_what_comes_soon_is_not_waited_for_aloud(stage: Stage) -> None:
    looks = iter([None, None, 7])
    assert stage.until("the window", lambda: next(looks), 60.0) == 7
    assert stage.console.export_text() == ""


def test_outcomes_are_told_as_words(stage: Stage) -> None:
    stage.require("the dishonest accountant's claim is false", True, True)
    stage.require("the dishonest claim", ClaimState.REFUTED, ClaimState.REFUTED)
    assert stage.checks == [
        "the dishonest accountant's claim is false: yes",
        "the dishonest claim: REFUTED",
    ]


def test_the_demo_ends_with_how_to_go_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["demo", "--keep", str(tmp_path)])
    monkeypatch.setattr(demo, "play", lambda *_: None)
    assert demo.main() == 0
    assert capsys.readouterr().out.splitlines() == [
        "",
        f"keys, stores and logs: {tmp_path}",
        "keep all of it running, and order jobs yourself: anh devnet --keep devnet",
    ]
