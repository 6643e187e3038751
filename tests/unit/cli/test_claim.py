"""`anh claim show` and `anh game show` in 80 columns: what is copied from them is whole."""

from dataclasses import replace
from io import StringIO
from types import SimpleNamespace

import pytest
from click.testing import CliRunner
from rich.console import Console

from anh_rollup.cli import claim as claim_module
from anh_rollup.cli import game as game_module
from anh_rollup.cli import main
from anh_rollup.cli.job import claims_table
from anh_rollup.cli.moves import Moves
from anh_rollup.l1.contracts.claims import ClaimState, ClaimStatus
from anh_rollup.l1.contracts.game import GameOutcome
from anh_rollup.l1.docket import ClaimRecord, GameRecord
from anh_rollup.protocol.claims import Claim, Scores
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property

ME, OTHER = "0x" + "11" * 20, "0x" + "22" * 20
ROOT, ORDER, CLAIM, GAME = (bytes([number]) * 32 for number in range(0x31, 0x35))
URI = "file:///home/" + "long/" * 20 + "artifacts"
POSITION = Position(
    CLAIM, ME, OTHER, 0, Phase.SCORES, 0, 0, ROOT, ROOT, 0, ROOT, 0, 0, 0, 0, ROOT, ROOT, 0, 0, ROOT
)  # fmt: skip


class View:
    """One claim with one game over it."""

    def __init__(self, uri: str) -> None:
        job = Job(JobKind.TRAINING, ROOT, NO_ROOT, (Property(ROOT, ROOT, 5),), 5000, "")
        said = Claim(ME, 1, ROOT, 0, ORDER, ROOT, ROOT, (Scores(5, 3, ROOT),), uri)
        self.record = ClaimRecord(CLAIM, said, job, 0)
        self.over = GameRecord(GAME, POSITION, outcome=GameOutcome.VOID)
        status = ClaimStatus(ME, 1_700_000_000, 0, ORDER, 5000, 1, 0, ClaimState.STANDING)
        self.contracts = SimpleNamespace(claims=SimpleNamespace(status=lambda _claim: status))
        self.deployment = SimpleNamespace(rules=SimpleNamespace(window=30))

    def claim(self, _identifier: bytes) -> ClaimRecord:
        return self.record

    def game(self, _identifier: bytes) -> GameRecord:
        return self.over

    def games_over(self, _identifier: bytes) -> list[GameRecord]:
        return [self.over]


def shown(monkeypatch: pytest.MonkeyPatch, command: str, uri: str = URI) -> list[str]:
    """What a command prints on a terminal of 80 columns."""
    for module in (claim_module, game_module):
        monkeypatch.setattr(module, "open_view", lambda *_where: View(uri))
    monkeypatch.setattr(game_module, "moves_of", lambda *_which: Moves(()))
    result = CliRunner(env={"COLUMNS": "80"}).invoke(main, [command, "show", "12" * 32, "--l1", "http://x"])
    assert result.exit_code == 0, result.output
    return result.output.splitlines()


def test_a_claims_hashes_and_uri_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(monkeypatch, "claim")
    assert told[:4] == [
        f"claim 0x{CLAIM.hex()}",
        f"job record 0x{ORDER.hex()}",
        f"result 0x{ROOT.hex()}",
        f"artifacts {URI}",
    ]
    assert f"0x34343434: anh game show 0x{GAME.hex()} --l1 http://x" in told


def test_a_claim_about_a_called_job_has_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    view = View(URI)
    view.record = replace(view.record, claim=replace(view.record.claim, batch=0))
    monkeypatch.setattr(claim_module, "open_view", lambda *_where: view)
    result = CliRunner().invoke(main, ["claim", "show", "12" * 32, "--l1", "http://x"])
    assert f"job terms 0x{ORDER.hex()}" in result.output
    assert "called by a contract, claim 0" in result.output


def test_a_strangers_uri_is_not_read_as_markup(monkeypatch: pytest.MonkeyPatch) -> None:
    assert "artifacts [red]x[/]\\x1b" in shown(monkeypatch, "claim", "[red]x[/]\x1b")
    assert "artifacts (not published)" in shown(monkeypatch, "claim", "")


def test_a_games_hashes_are_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    told = shown(monkeypatch, "game")
    assert told[:2] == [f"game 0x{GAME.hex()}", f"claim 0x{CLAIM.hex()}"]
    assert [line for line in told if OTHER in line]


def test_the_claims_of_a_job_break_nowhere_in_80_columns() -> None:
    console = Console(width=80, record=True, file=StringIO())
    console.print(claims_table([View(URI).record]))
    rows = [line for line in console.export_text().splitlines() if line.startswith("│")]
    assert [[cell.strip() for cell in row.strip("│").split("│")] for row in rows] == [
        ["0x33333333", ME[:10], "3 of 5", "0x31313131", "standing"]
    ]
