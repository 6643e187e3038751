import json
import re
from itertools import count

import pytest

from benchmarks import report, run
from benchmarks.report import HEAD, Figure, compared, show, table

MET = Figure("a move", "gas", 149_999, 150_000)
EXACTLY = Figure("a sum", "gas", 150_000, 150_000)
MISSED = Figure("a product", "times the peer", 2.501, 2.5)
UNJUDGED = Figure("a hash", "microseconds", 0.84)


def test_a_verdict_is_computed_from_value_and_target() -> None:
    assert [each.verdict for each in (MET, EXACTLY, MISSED, UNJUDGED)] == ["yes", "yes", "missed", ""]


def test_the_table_has_a_line_for_each_figure() -> None:
    assert table([MET, MISSED, UNJUDGED]).splitlines() == [
        *HEAD.splitlines(),
        "| a move | 149,999 | 150,000 | yes | gas |",
        "| a product | 2.501 | 2.5 | missed | times the peer |",
        "| a hash | 0.84 |  |  | microseconds |",
    ]


def test_a_comparison_is_the_median_of_pairs_after_a_run_that_is_not_measured(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Seconds at the beginning and the end of each run: ours takes 2, 9 and 3, the peer 1 each time.
    lengths = [2, 1, 9, 1, 3, 1]
    clock = (step for at, length in zip(count(0, 100), lengths, strict=False) for step in (at, at + length))
    monkeypatch.setattr(report.time, "thread_time", lambda: next(clock))
    calls: list[str] = []

    figure = compared("work", lambda: calls.append("ours"), lambda: calls.append("peer"), 2.5, runs=3)

    assert figure == Figure("work, median of 3 pairs", "times the peer", 3.0, 2.5)
    assert calls == ["ours", "peer"] * 4


def test_figures_survive_the_way_from_a_benchmark_to_the_table(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.argv", ["benchmark", "--json"])

    show([MET, UNJUDGED])

    assert [Figure(**json.loads(line)) for line in capsys.readouterr().out.splitlines()] == [MET, UNJUDGED]


def test_a_benchmark_that_fails_stops_the_run() -> None:
    with pytest.raises(SystemExit, match=r"benchmarks/no_such_benchmark\.py failed with exit code 1"):
        run.figures_of("no_such_benchmark")


def measured_in(page: str) -> list[str]:
    """The names of the tables with at least a row."""
    sections = re.split(r"^## (.*)$", page, flags=re.M)
    tables = zip(sections[1::2], sections[2::2], strict=True)
    return [name for name, text in tables if text.partition(HEAD)[2].strip()]


def test_the_page_of_results_has_a_table_for_each_benchmark(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run, "machine", lambda: "a machine")
    page = run.results({"moves": [MET, MISSED], "nothing": [], "hashes": [UNJUDGED]})
    assert page.splitlines()[2] == "Written by `make bench` on: a machine. Of 2 targets, 1 missed."
    assert table([MET, MISSED]) in page
    assert measured_in(page) == ["moves", "hashes"]


def test_every_benchmark_has_its_figures_in_the_results() -> None:
    measured = measured_in(run.RESULTS.read_text())
    missing = [name for name in run.BENCHMARKS if name not in measured]
    assert missing == [], f"run `make bench`: benchmarks/RESULTS.md has no figures of {', '.join(missing)}"
