"""The sequencer's journal is closed when nothing uses it any more."""

import threading
import time

import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.errors import AnhError
from anh_rollup.node import PollingService

WORDS = ["sequencer", "--l1", "http://127.0.0.1:1", "--key-file", "some.key", "--data", "data"]


class Recorder:
    """A sequencer whose following of L1 fails for good while a round of posting is under way."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self._posting = threading.Event()

    def follow(self) -> None:
        self._posting.wait(5)
        self.told.append("ordering fails")
        raise AnhError("ordering is over", remedy="Nothing.")

    def seal(self) -> None:
        self._posting.wait(5)

    def post(self) -> None:
        self._posting.set()
        time.sleep(0.1)
        self.told.append("posting ends")

    def close(self) -> None:
        self.told.append("closed")


def test_the_journal_is_closed_once_all_loops_have_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    sequencer = Recorder()
    monkeypatch.setattr("anh_rollup.cli.sequencer.open_sequencer", lambda _config: sequencer)
    monkeypatch.setattr("anh_rollup.cli.sequencer.make_app", lambda *_, **__: None)
    idle = PollingService("idle", lambda: None, 60)
    monkeypatch.setattr("anh_rollup.cli.sequencer.HttpService", lambda *_: idle)

    result = CliRunner().invoke(main, WORDS)

    assert result.output == "Error: ordering is over\nNext:  Nothing.\n"
    assert sequencer.told == ["ordering fails", "posting ends", "closed"]
