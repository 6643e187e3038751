"""What the benchmarks of imported networks say of their command lines, before anything is measured."""

from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from benchmarks import model_precision, model_speed
from benchmarks.networks.catalogue import CASES


@pytest.mark.parametrize("parser", [model_precision.parser, model_speed.parser])
def test_help_shows_an_example_and_every_network(
    parser: Callable[[], ArgumentParser],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("COLUMNS", "500")
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(["--help"])
    shown = " ".join(capsys.readouterr().out.split())
    assert ended.value.code == 0
    assert f"Example: {parser().prog} " in shown
    assert ", ".join(CASES) in shown


@pytest.mark.parametrize(
    ("parser", "words"),
    [
        (model_precision.parser, ["magik"]),
        (model_speed.parser, ["--only", "magik"]),
        (model_speed.parser, ["--only"]),
        (model_speed.parser, ["--profile", "vit", "--only", "vit"]),
    ],
)
def test_words_that_mean_nothing_are_refused(
    parser: Callable[[], ArgumentParser], words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        parser().parse_args(words)
    assert ended.value.code == 2
    assert "error: " in capsys.readouterr().err


def test_without_networks_all_are_measured() -> None:
    assert model_precision.parser().parse_args([]).names == []
    assert model_precision.parser().parse_args(["vit", "lstm"]).names == ["vit", "lstm"]
    assert model_speed.parser().parse_args(["--json"]).only is None
