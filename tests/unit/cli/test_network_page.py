"""The page of an imported network: what it shows, in any browser, whatever names the file holds."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from onnx import ModelProto

from anh_rollup.cli.charts import Mark, chart
from anh_rollup.cli.markup import MOST_TEXT, element, plain, written
from anh_rollup.cli.network_page import Findings, page_of
from anh_rollup.cli.network_words import comparison_rows
from anh_rollup.importing.comparison import compare
from anh_rollup.importing.layers import layers_of, readings_of
from anh_rollup.importing.network import import_network, split_samples
from anh_rollup.importing.report import report_of
from tests.unit.importing.graphs import model_of, node, numbers

HOSTILE = "<script>alert(1)</script>\x1b[2J</title>\" onload='x'"


class Reader(HTMLParser):
    """The elements, attributes and texts of a page."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str | None]] = []
        self.texts: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += attrs

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def model(name: str = "the h") -> ModelProto:
    made = model_of([node("MatMul", "x w", "h"), node("Tanh", "h")], {"x": ("n", 6)}, {"w": numbers(6, 4)})
    made.graph.node[0].name = name
    return made


def findings(name: str = "small.onnx", source: str = "the h") -> Findings:
    made = model(source)
    network = import_network(made, samples={"x": numbers(12, 6)})
    held = {"x": numbers(4, 6, seed=8)}
    readings = readings_of(network, split_samples(network.record, held))
    return Findings(name, network, report_of(network), compare(made, network, held), readings)


def test_the_page_shows_every_layer_and_number() -> None:
    found = findings()
    assert found.comparison is not None
    page = Reader(page_of(found))
    told = " ".join(page.texts)
    assert page.tags.count("svg") == 3
    assert page.tags.count("rect") == sum(
        2 + 1 + 1 + (each.table_error is not None) for each in layers_of(found.network)
    )
    for _, value in comparison_rows(found.comparison):
        assert value in told
    assert found.report.dispute is not None
    assert f"{found.report.dispute.challenger.gas:,}" in told


def test_who_sees_saturated_elements_is_told_what_to_do() -> None:
    found = findings()
    assert found.comparison is not None
    assert "more samples" not in " ".join(Reader(page_of(found)).texts)
    large = compare(model(), found.network, {"x": 100 * numbers(4, 6, seed=8)})
    assert large.saturated
    told = " ".join(Reader(page_of(replace(found, comparison=large))).texts)
    assert f"{large.saturated:,} elements were larger" in told
    assert "more samples" in told


def test_without_samples_no_error_is_shown() -> None:
    network = import_network(model())
    page = Reader(page_of(Findings("small.onnx", network, report_of(network))))
    assert page.tags.count("svg") == 2
    assert "Errors of number formats" not in page.texts
    assert "Beside onnxruntime" not in page.texts


def test_names_of_a_file_are_only_text() -> None:
    page = page_of(findings(HOSTILE, HOSTILE))
    harmless = Reader(page_of(findings()))
    read = Reader(page)
    assert (read.tags, len(read.attributes)) == (harmless.tags, len(harmless.attributes))
    assert "\x1b" not in page
    assert any("<script>alert(1)</script>\\x1b[2J" in each for each in read.texts)


def test_nothing_comes_from_elsewhere() -> None:
    page = page_of(findings())
    read = Reader(page)
    links = {"src", "href", "srcset", "data", "action"}
    assert not links & {name for name, _ in read.attributes}
    assert not re.search(r"url\(|@import|<script", page)
    assert ("content", "default-src 'none'; style-src 'unsafe-inline'") in read.attributes


def test_long_names_are_cut() -> None:
    assert plain("a" * 999) == "a" * MOST_TEXT


def test_elements_hold_texts_and_elements_in_order() -> None:
    made = element("p", "a<", element("b", "&"), "c", element("br"), "d", class_="x", text_anchor='"')
    assert written(made) == (
        '<!doctype html>\n<p class="x" text-anchor="&quot;">a&lt;<b>&amp;</b>c<br>d</p>\n'
    )


@pytest.mark.parametrize(("low", "high"), [(0.0, 0.0), (-3.5, 3.5), (1e3, 2e3), (-1e-9, 1e-9)])
def test_every_mark_lies_inside_of_its_chart(low: float, high: float) -> None:
    marks = [Mark(0, low, high, "seen", "a"), Mark(1, high, high, "seen", "b")]
    drawn = chart("a chart", marks, 2, str)
    _, _, width, height = (float(each) for each in drawn.attrib["viewBox"].split())
    for mark in drawn.iter("rect"):
        x, y, wide, high_ = (float(mark.attrib[name]) for name in ("x", "y", "width", "height"))
        assert x >= 0
        assert y >= 0
        assert x + wide <= width
        assert y + high_ <= height


def test_marks_are_told_where_columns_are_wide_enough() -> None:
    marks = [Mark(0, 0, 1, "seen", "the words")]
    assert [each.text for each in chart("a", marks, 10, str).iter("title")] == ["a", "the words"]
    assert [each.text for each in chart("a", marks, 9_999, str).iter("title")] == ["a"]


@pytest.mark.slow
def test_a_browser_shows_the_page(tmp_path: Path) -> None:
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no browser is installed")
    page, picture = tmp_path / "page.html", tmp_path / "page.png"
    page.write_text(page_of(findings(source=HOSTILE)))
    options = ["--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={tmp_path / 'profile'}"]
    dom = subprocess.run(
        [browser, *options, "--dump-dom", page.as_uri()],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    ).stdout
    assert dom.count("<svg") == 3
    subprocess.run(
        [browser, *options, "--window-size=390,844", f"--screenshot={picture}", page.as_uri()],
        capture_output=True, check=True, timeout=120,
    )  # fmt: skip
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert len(np.unique(np.frombuffer(picture.read_bytes(), np.uint8))) > 100
