"""What an import came to, row by row, for the console and for a page."""

from typing import Final

import numpy as np

from anh_rollup.cli.dispute_words import show_dispute
from anh_rollup.importing.comparison import Comparison
from anh_rollup.importing.network import Network
from anh_rollup.importing.report import Report
from anh_rollup.tensor.properties import Answers

Rows = list[tuple[str, str]]

_ANSWERS: Final = {
    Answers.OUTPUT: "the output",
    Answers.DECISIONS: "the place of the largest score along the output's last axis",
}


def report_rows(network: Network, report: Report, answers: Answers = Answers.OUTPUT) -> Rows:
    """What the network is, by itself, and what jobs get of it."""
    program = network.program
    rows = []
    for field, value in zip(network.record.fields, program.fields, strict=True):
        low, high = (np.ldexp(float(each), -value.scale) for each in (value.low, value.high))
        rows.append(("input", f"{field.name} {value.shape} in [{low:.6g}, {high:.6g}]"))
    rows += [
        ("output", f"{program.output.shape}, {program.output.scale} fraction bits"),
        ("answers", _ANSWERS[answers]),
        ("setting", network.setting.value),
        ("instructions", ", ".join(f"{count} {name}" for name, count in report.instructions)),
        ("parameters", f"{report.parameters:,}"),
        ("elements of constants", f"{report.constants:,}"),
        ("multiply-adds of a sample", f"{report.multiply_adds:,}"),
        ("disputable on L1", f"no: {report.undisputable}" if report.undisputable else "yes"),
    ]
    if report.dispute is not None:
        rows.append(("a dispute, at most", show_dispute(report.dispute)))
    return rows


def comparison_rows(found: Comparison) -> Rows:
    """How near it is to onnxruntime, and how fast."""
    return [
        ("samples held back", f"{found.samples:,}"),
        ("largest error of the output's range", f"{found.largest_error:.2e}"),
        ("mean error of the output's range", f"{found.mean_error:.2e}"),
        ("largest error in the output's own units", f"{found.largest_off:.6g}"),
        ("largest error without number formats", f"{found.largest_lowering_error:.2e}"),
        ("largest error by number formats alone", f"{found.largest_format_error:.2e}"),
        ("same largest output", f"{found.agreement:.2%} of {found.decisions:,}"),
        ("decided score below the largest, at most", f"{found.largest_below:.6g}"),
        ("saturated elements", f"{found.saturated:,}"),
        ("exact evaluation of a sample", f"{found.exact_seconds * 1e3:.2f} ms"),
        ("onnxruntime", f"{found.float_seconds * 1e3:.2f} ms"),
    ]


def advice(found: Comparison) -> str:
    """What to do about values that lie outside of their number formats; empty where none do."""
    if not found.saturated:
        return ""
    return (
        f"{found.saturated:,} elements were larger than the samples that show ranges let expect, so these "
        "answers are wrong. Import it again with more samples, and with such as the network will see."
    )
