"""The loop of who claims or checks the ledger, as the commands of roles wire it."""

from typing import Any

from anh_rollup.cli import ledger_player
from anh_rollup.cli.ledger_player import ledger_service
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.ledger_player.strategy import Policy


class StubPlayer:
    """Keeps what it was made with, and what was called."""

    def __init__(self, *given: Any) -> None:
        self.given, self.called = given, list[str]()

    def play(self) -> None:
        self.called.append("play")

    def close(self) -> None:
        self.called.append("close")


def test_a_role_plays_round_after_round_and_outlives_l1s_failures(monkeypatch: Any) -> None:
    monkeypatch.setattr(ledger_player, "LedgerPlayer", StubPlayer)
    chain, reader, policy = object(), object(), Policy()

    service = ledger_service("accountant", chain, reader, policy, 2.5)  # type: ignore[arg-type]

    assert (service.name, service.interval) == ("accountant: ledger", 2.5)
    assert service.passing == (TransientL1Error,)
    service.work()
    service.close()
    player = service.work.__self__  # type: ignore[attr-defined]
    assert player.given == (chain, reader, policy)
    assert player.called == ["play", "close"]
