"""A deployment never takes the place of an earlier one's file."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner

from anh_rollup.cli import deploy as command
from anh_rollup.cli import main
from scripts import deploy as script
from scripts.chains import run
from tests.unit.l1.test_deployment import DEPLOYER, example

KEY = "11" * 32


@pytest.fixture
def deployed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The words of a deployment; L1 is replaced."""
    (tmp_path / "KEY").write_text(KEY)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(command.L1Client, "connect", lambda _url: None)
    monkeypatch.setattr(command, "TransactionSender", lambda *_: None)
    monkeypatch.setattr(command, "deploy", lambda *_, **__: example())
    monkeypatch.setattr(script, "connect", lambda _url: None)
    monkeypatch.setattr(script, "deploy", lambda *_: example())
    return ["deploy", "--l1", "http://127.0.0.1:9", "--key-file", "KEY", "--sequencer", DEPLOYER]


def refusal(name: str) -> str:
    return (
        f"Error: {name} exists already; nothing was deployed\n"
        "Next:  Choose another --out, or move it away: a running rollup may need it.\n"
    )


def test_the_command_refuses_what_is_there(deployed: list[str]) -> None:
    first = CliRunner().invoke(main, deployed)
    written = Path("deployment.json").read_bytes()
    again = CliRunner().invoke(main, deployed)
    other = CliRunner().invoke(main, [*deployed, "--out", "other.json"])
    assert [each.exit_code for each in (first, again, other)] == [0, 1, 0]
    assert again.output == refusal("deployment.json")
    assert Path("other.json").read_bytes() == written == Path("deployment.json").read_bytes()


def test_the_script_refuses_what_is_there(
    deployed: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", deployed)
    assert [run(script.main), run(script.main)] == [0, 1]
    assert capsys.readouterr().err == refusal("deployment.json")


@pytest.mark.parametrize("deploying", [command, script], ids=["command", "script"])
def test_nothing_is_sent_where_something_is(
    deploying: object, deployed: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[object] = []
    monkeypatch.setattr(deploying, "deploy", lambda *each, **_: sent.append(each))
    monkeypatch.setattr(sys, "argv", deployed)
    Path("deployment.json").symlink_to("away.json")
    codes = [CliRunner().invoke(main, deployed).exit_code, run(script.main)]
    assert (codes, sent) == ([1, 1], [])
