"""What `anh model import` does; imported with the first use, for it needs torch, onnx and onnxruntime."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from rich.text import Text

from anh_rollup.cli.dispute_words import show_dispute
from anh_rollup.cli.options import visible
from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.comparison import Comparison, compare
from anh_rollup.importing.network import Network, import_network
from anh_rollup.importing.onnx_file import read_model
from anh_rollup.importing.report import Layer, Report, layers_of, report_of
from anh_rollup.importing.setting import Setting
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.npz import read_arrays

#: Of so many samples one is held back: ranges do not come from it, and errors are measured with it.
ONE_HELD_OF: Final = 4

Arrays = dict[str, NDArray[Any]]


def import_into(  # noqa: PLR0913 - one argument for each option
    store_url: str,
    file: Path,
    samples: Path | None,
    shapes: Mapping[str, Shape],
    setting: Setting,
    output: str | None,
    *,
    layers: bool,
) -> None:
    """Puts a network into a store, and prints roots, a report and with samples a comparison.

    Args:
        store_url: The store.
        file: The ONNX network.
        samples: An .npz file with inputs; without it ranges are proven.
        shapes: Shapes of inputs, where the network leaves them free.
        setting: How many bits weights and tables get.
        output: Name of the output; the first where not given.
        layers: Whether every value is shown.
    """
    model = read_model(file)
    shown, held = _split(None if samples is None else read_arrays(samples))
    network = import_network(model, shapes=shapes, samples=shown, setting=setting, output=output)
    store, console = ArtifactStore(store_url), Console()
    _print_roots(console, store.put_program(network.program), store.put_model(network.model))
    _print_report(console, network, report_of(network))
    if layers:
        console.print(_layer_table(list(layers_of(network))))
    if held is not None:
        _print_comparison(console, compare(model, network, held))


def _split(arrays: Arrays | None) -> tuple[Arrays | None, Arrays | None]:
    """Samples that show ranges, and those that are held back; the same ones where there are too few."""
    if arrays is None:
        return None, None
    counts = {len(each) if each.ndim else 0 for each in arrays.values()}
    count = min(counts, default=0)
    kept = count - count // ONE_HELD_OF
    if kept == count:
        return arrays, arrays
    return {name: each[:kept] for name, each in arrays.items()}, {
        n: each[kept:] for n, each in arrays.items()
    }


def _print_roots(console: Console, program: bytes, model: bytes) -> None:
    console.print(f"program 0x{program.hex()}", soft_wrap=True, highlight=False)
    console.print(f"model   0x{model.hex()}", soft_wrap=True, highlight=False)


def _print_report(console: Console, network: Network, report: Report) -> None:
    kinds = ", ".join(f"{count} {name}" for name, count in report.instructions)
    table = Table(show_header=False)
    table.add_column("what")
    table.add_column("value")
    fields = zip(network.record.fields, network.program.fields, strict=True)
    for field, value in fields:
        low, high = (np.ldexp(float(each), -value.scale) for each in (value.low, value.high))
        table.add_row(
            "input", Text.assemble(visible(field.name), f" {value.shape} in [{low:.6g}, {high:.6g}]")
        )
    output = network.program.output
    table.add_row("output", f"{output.shape}, {output.scale} fraction bits")
    table.add_row("setting", network.setting.value)
    table.add_row("instructions", kinds)
    table.add_row("parameters", f"{report.parameters:,}")
    table.add_row("elements of constants", f"{report.constants:,}")
    table.add_row("multiply-adds of a sample", f"{report.multiply_adds:,}")
    table.add_row("disputable on L1", f"no: {report.undisputable}" if report.undisputable else "yes")
    if report.dispute is not None:
        table.add_row("a dispute, at most", show_dispute(report.dispute))
    console.print(table)


def _print_comparison(console: Console, found: Comparison) -> None:
    table = Table(show_header=False, title="beside onnxruntime")
    table.add_column("what")
    table.add_column("value")
    table.add_row("samples held back", f"{found.samples:,}")
    table.add_row("largest error of the output's range", f"{found.largest_error:.2e}")
    table.add_row("mean error of the output's range", f"{found.mean_error:.2e}")
    table.add_row("largest error without number formats", f"{found.largest_lowering_error:.2e}")
    table.add_row("largest error by number formats alone", f"{found.largest_format_error:.2e}")
    table.add_row("same largest output", f"{found.agreement:.2%}")
    table.add_row("saturated elements", f"{found.saturated:,}")
    table.add_row("exact evaluation of a sample", f"{found.exact_seconds * 1e3:.2f} ms")
    table.add_row("onnxruntime", f"{found.float_seconds * 1e3:.2f} ms")
    console.print(table)


def _layer_table(layers: Sequence[Layer]) -> Table:
    table = Table(title="values")
    for heading in (
        "node",
        "operation",
        "shape",
        "least",
        "greatest",
        "fraction bits",
        "bits",
        "table error",
    ):
        table.add_column(heading)
    for each in layers:
        error = "" if each.table_error is None else f"{each.table_error:.1e}"
        shape = " x ".join(map(str, each.shape)) or "scalar"
        table.add_row(
            visible(each.source), each.operation, shape, f"{each.low:.4g}", f"{each.high:.4g}",
            str(each.scale), str(each.bits), error,
        )  # fmt: skip
    return table
