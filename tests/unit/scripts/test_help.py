"""Every script that a user runs explains itself with an example."""

import re
import sys
from importlib import import_module
from pathlib import Path

import pytest

SCRIPTS = sorted(
    path.stem
    for path in (Path(__file__).resolve().parents[3] / "scripts").glob("*.py")
    if "from scripts.chains import" in path.read_text()
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
    assert told.startswith(f"usage: python -m scripts.{name} [-h]")
    assert re.search(rf"Example:\n +python -m scripts\.{name}\b", told)
