import pytest

from anh_rollup.accountant.conduct import HONEST
from tests.scenarios.__main__ import NAMES, main
from tests.scenarios.lies import LIES, play_lie
from tests.scenarios.world import ETHER

pytestmark = pytest.mark.anvil


@pytest.mark.parametrize("name", LIES)
def test_a_lie_costs_the_liar_its_bond_and_pays_the_challenger(name):
    outcome = play_lie(name)

    assert outcome.refuted_by
    assert -ETHER <= outcome.liar.gain < -0.9 * ETHER
    assert 0.4 * ETHER < outcome.challenger.gain <= 0.5 * ETHER


def test_a_name_that_no_drill_has_is_refused_with_those_that_one_has(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["below-threshold", "honesty"])

    assert ended.value.code == 2
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err.endswith(f"argument NAME: no such drill: 'honesty'; one of {', '.join(NAMES)}\n")


def test_help_plays_nothing(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["--help"])

    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("usage: python -m tests.scenarios [-h] [NAME ...]\n")


def test_the_table_ends_with_code_1_where_a_claim_was_not_refuted(monkeypatch, capsys):
    monkeypatch.setitem(LIES, "no-lie-at-all", HONEST)

    code = main(["no-lie-at-all", "below-threshold"])

    rows = capsys.readouterr().out.splitlines()[2:]
    assert code == 1
    assert rows[0].split()[:3] == ["no-lie-at-all", "NOT", "REFUTED:"]
    assert rows[1].split()[:2] == ["below-threshold", "refuteThreshold"]
