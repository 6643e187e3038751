from anh_rollup.challenger import service
from anh_rollup.challenger.service import Challenger
from anh_rollup.challenger.strategy import Attack, Withdraw
from anh_rollup.errors import AnhError


class RateLimitedError(AnhError):
    pass


def test_a_game_that_fails_does_not_stop_the_other_games(monkeypatch, caplog):
    actions = [Attack("first"), Attack("second"), Withdraw()]
    done = []

    def act(_self, action):
        if action == Attack("first"):
            raise RateLimitedError("429", remedy="wait")
        done.append(action)

    monkeypatch.setattr(Challenger, "look", lambda _self: None)
    monkeypatch.setattr(Challenger, "act", act)
    monkeypatch.setattr(service, "decide", lambda _view, _budget: actions)

    Challenger(chain=None, examiner=None).play()

    assert done == [Attack("second"), Withdraw()]
    assert [record.message for record in caplog.records] == ["Attack: 429; next: wait"]
