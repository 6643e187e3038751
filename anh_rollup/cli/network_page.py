"""An imported network as one HTML page, without scripts and with nothing from elsewhere."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import log2, log10
from typing import Final
from xml.etree.ElementTree import Element

from anh_rollup.cli.charts import Mark, chart
from anh_rollup.cli.markup import element, plain, written
from anh_rollup.cli.network_words import Rows, advice, comparison_rows, report_rows
from anh_rollup.cli.page_style import STYLE
from anh_rollup.errors import escaped
from anh_rollup.evaluation.dispute_cost import DisputeCost
from anh_rollup.importing.comparison import Comparison
from anh_rollup.importing.layers import Layer, Reading, layers_of
from anh_rollup.importing.network import Network
from anh_rollup.importing.record import Operation
from anh_rollup.importing.report import Report

#: What only moves elements has the format and the error of what it moves, so pictures leave it out.
_MOVING: Final = frozenset({Operation.VIEW, Operation.PAD, Operation.CONCAT, Operation.GATHER})
#: Errors below this are drawn as if they were this (choice: a hundredth of what 32 bits can tell apart).
_LEAST_ERROR: Final = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Findings:
    """What a page shows.

    Attributes:
        name: What the network is called.
        network: The network.
        report: It in numbers.
        comparison: It beside onnxruntime; None without samples.
        readings: Its layers on samples; empty without.
    """

    name: str
    network: Network
    report: Report
    comparison: Comparison | None = None
    readings: Sequence[Reading] = ()


def page_of(found: Findings) -> str:
    """The page."""
    title = plain(found.name)
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element(
            "meta",
            http_equiv="Content-Security-Policy",
            content="default-src 'none'; style-src 'unsafe-inline'",
        ),
        element("title", f"{title}: imported network"),
        element("style", STYLE),
    )
    program, model = found.network.program.root.hex(), found.network.model.root.hex()
    body = element(
        "body",
        element("h1", title),
        element("code", f"program 0x{program}"),
        element("code", f"model 0x{model}"),
        element("div", *_cards(found), class_="cards"),
        *_pictures(found),
        *_tables(found),
    )
    return written(element("html", head, body, lang="en"))


def _cards(found: Findings) -> list[Element]:
    report, comparison = found.report, found.comparison
    shown = [
        (f"{report.parameters:,}", "parameters"),
        (f"{report.multiply_adds:,}", "multiply-adds of a sample"),
    ]
    if comparison is not None:
        slower = comparison.exact_seconds / comparison.float_seconds
        shown += [
            (f"{comparison.largest_error:.1e}", "largest error, of the output's range"),
            (f"{comparison.agreement:.2%}", f"same largest output, of {comparison.decisions:,}"),
            (f"{slower:.1f} x", "the time of onnxruntime"),
        ]
    if report.dispute is not None:
        gas = max(report.dispute.challenger.gas, report.dispute.accountant.gas)
        shown.append((f"{gas:,}", "gas of a dispute, at most, of either side"))
    return [element("div", element("b", big), element("span", small), class_="card") for big, small in shown]


def _section(title: str, words: str, *parts: Element) -> Element:
    return element("section", element("h2", title), element("p", words), *parts)


def _pictures(found: Findings) -> list[Element]:
    layers = layers_of(found.network)
    readings: Sequence[Reading | None] = found.readings or [None] * len(layers)
    shown = [
        (layer, reading)
        for layer, reading in zip(layers, readings, strict=True)
        if Operation(layer.operation) not in _MOVING
    ]
    pictures = [
        _ranges([layer for layer, _ in shown], [reading for _, reading in shown]),
        _bits([layer for layer, _ in shown]),
    ]
    measured = [(layer, reading) for layer, reading in shown if reading is not None]
    if measured:
        pictures.insert(1, _errors(measured))
    return pictures


def _picture(
    title: str, marks: Sequence[Mark], count: int, powers: int, keys: Iterable[tuple[str, str]]
) -> Element:
    """A chart with its key; heights are exponents of a base, or plain numbers where that is 0."""
    drawn = chart(title, marks, count, lambda tick: _power(powers, tick) if powers else str(tick))
    key = [element("span", element("i", class_=kind), words, class_="key") for kind, words in keys]
    return element("div", element("div", *key), element("div", drawn, class_="wide"))


def _power(base: int, exponent: int) -> str:
    raised = str(exponent).translate(str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹"))
    return f"{base}{raised}"


def _ranges(layers: Sequence[Layer], readings: Sequence[Reading | None]) -> Element:
    marks = []
    for at, (layer, reading) in enumerate(zip(layers, readings, strict=True)):
        top = layer.bits - layer.scale
        words = f"{_called(at, layer)}: numbers up to {2.0**top:.3g} in steps of {2.0**-layer.scale:.1e}"
        marks.append(Mark(at, -layer.scale, top, "format", words))
        if reading is not None and reading.seen.magnitude:
            seen = log2(reading.seen.magnitude)
            words = f"{_called(at, layer)}: up to {reading.seen.magnitude:.3g} on the samples"
            marks.append(Mark(at, seen, seen, "seen", words))
    keys = [("format", "number format, from its step to its largest number")]
    if any(each is not None for each in readings):
        keys.append(("seen", "largest number on the held-back samples"))
    picture = _picture("Ranges and number formats by layer", marks, len(layers), 2, keys)
    return _section(
        "Ranges and number formats",
        "A line near the top of its bar is a number that just fits; what is below it is its precision.",
        picture,
    )


def _errors(measured: Sequence[tuple[Layer, Reading]]) -> Element:
    marks = []
    for at, (layer, reading) in enumerate(measured):
        error = log10(max(reading.relative_error, _LEAST_ERROR))
        words = (
            f"{_called(at, layer)}: wrong by {reading.error:.1e}, {reading.relative_error:.1e} of its largest"
        )
        marks.append(Mark(at, error, error, "error", words))
        if layer.table_error:
            part = layer.table_error / (max(-layer.low, layer.high) or 1.0)
            words = f"{_called(at, layer)}: its table is wrong by {layer.table_error:.1e}"
            marks.append(
                Mark(at, log10(max(part, _LEAST_ERROR)), log10(max(part, _LEAST_ERROR)), "table", words)
            )
    keys = [("error", "largest error of the layer, with all before it"), ("table", "of its table alone")]
    picture = _picture("Errors by layer", marks, len(measured), 10, keys)
    return _section(
        "Errors of number formats",
        "Exact integers beside float64 on held-back samples, as a part of the largest number of each layer.",
        picture,
    )


def _bits(layers: Sequence[Layer]) -> Element:
    marks = [
        Mark(at, 0, each.bits, "format", f"{_called(at, each)}: {each.bits} bits")
        for at, each in enumerate(layers)
    ]
    picture = _picture("Bits by layer", marks, len(layers), 0, [("format", "bits of magnitude")])
    return _section(
        "Bits", "What sums of products read has at most 23; what is only added or compared up to 30.", picture
    )


def _called(at: int, layer: Layer) -> str:
    return f"{at + 1}. {plain(layer.source) or 'input'}, {layer.operation}"


def _tables(found: Findings) -> list[Element]:
    tables = []
    if found.comparison is not None:
        words = "On samples that are held back. Errors are parts of the range of onnxruntime's outputs. "
        words += advice(found.comparison)
        tables.append(_section("Beside onnxruntime", words, _table(comparison_rows(found.comparison))))
    if found.report.dispute is not None:
        tables.append(_section("A dispute on L1", _DISPUTE, _dispute(found.report.dispute)))
    tables.append(
        _section("Instructions", "How many there are of each kind.", _kinds(found.report.instructions))
    )
    tables.append(_section("The import", "", _table(report_rows(found.network, found.report))))
    tables.append(_every_layer(found))
    return tables


_DISPUTE: Final = "What refuting one wrong answer takes at most of either side, wherever the lie is."


def _table(rows: Rows) -> Element:
    return element(
        "table",
        element(
            "tbody",
            *(element("tr", element("th", what), element("td", escaped(value))) for what, value in rows),
        ),
    )


def _numbers(*cells: str, tag: str = "td") -> list[Element]:
    return [element(tag, each, class_="number") for each in cells]


def _dispute(cost: DisputeCost) -> Element:
    head = element("tr", element("th", "side"), *_numbers("transactions", "gas", tag="th"))
    sides = [("challenger", cost.challenger), ("accountant", cost.accountant)]
    rows = [
        element("tr", element("th", name), *_numbers(f"{side.moves:,}", f"{side.gas:,}"))
        for name, side in sides
    ]
    return element("table", element("thead", head), element("tbody", *rows))


def _kinds(instructions: Sequence[tuple[str, int]]) -> Element:
    most = max((count for _, count in instructions), default=1)
    rows = [
        element(
            "tr",
            element("th", name),
            *_numbers(f"{count:,}"),
            element(
                "td", element("div", class_="bar", style=f"width: {count / most:.1%}"), style="width: 45%"
            ),
        )
        for name, count in instructions
    ]
    return element("table", element("tbody", *rows))


def _every_layer(found: Findings) -> Element:
    headings = ("least", "greatest", "fraction bits", "bits", "table error", "error")
    head = element(
        "tr", element("th", "node"), element("th", "operation"), element("th", "shape"),
        *_numbers(*headings, tag="th"),
    )  # fmt: skip
    layers = layers_of(found.network)
    readings: Sequence[Reading | None] = found.readings or [None] * len(layers)
    rows = [_layer_row(layer, reading) for layer, reading in zip(layers, readings, strict=True)]
    table = element("table", element("thead", head), element("tbody", *rows))
    return element(
        "details", element("summary", f"All {len(layers):,} values"), element("div", table, class_="wide")
    )


def _layer_row(layer: Layer, reading: Reading | None) -> Element:
    shape = " x ".join(map(str, layer.shape)) or "scalar"
    return element(
        "tr", element("td", plain(layer.source)), element("td", layer.operation), element("td", shape),
        *_numbers(
            f"{layer.low:.4g}", f"{layer.high:.4g}", str(layer.scale), str(layer.bits),
            "" if layer.table_error is None else f"{layer.table_error:.1e}",
            "" if reading is None else f"{reading.error:.1e}",
        ),
    )  # fmt: skip
