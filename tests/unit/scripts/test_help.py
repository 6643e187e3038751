"""Every script that a user runs explains itself with an example."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

from anh_rollup.cli.follow_up import interpreter
from scripts import digits

SCRIPTS = sorted(
    path.stem
    for path in (Path(__file__).resolve().parents[3] / "scripts").glob("*.py")
    if "from scripts.chains import" in (text := path.read_text()) and "def main(" in text
)


def test_the_scripts_are_found() -> None:
    assert {"deploy", "submit_training_job", "submit_inference_job", "watch"} <= {*SCRIPTS}


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_shows_how_to_run_it(
    name: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", [name, "--help"])
    with pytest.raises(SystemExit) as ended:
        import_module(f"scripts.{name}").main()
    assert ended.value.code == 0
    told = capsys.readouterr().out
    assert told.startswith(f"usage: {interpreter()} -m scripts.{name} [-h]")
    assert re.search(rf"Example:\n +{re.escape(interpreter())} -m scripts\.{name}\b", told)


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [(["--help"], 0, "Train the demo's network"), (["now"], 2, "unrecognized arguments: now")],
)
def test_digits_trains_only_when_it_is_asked_to(
    words: list[str],
    code: int,
    told: str,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    trained: list[object] = []
    monkeypatch.setattr(digits, "train", lambda *each, **_: trained.append(each))
    monkeypatch.setattr(sys, "argv", ["digits", *words])
    with pytest.raises(SystemExit) as ended:
        digits.main()
    assert (ended.value.code, trained) == (code, [])
    assert told in "".join(capsys.readouterr())
