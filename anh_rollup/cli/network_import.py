"""What `anh model import` and `anh model report` do.

Imported with the first use, for it needs torch, onnx and onnxruntime.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

from numpy.typing import NDArray
from rich.console import Console
from rich.progress import Progress
from rich.table import Table
from rich.text import Text

from anh_rollup.cli.artifact_source import write_new
from anh_rollup.cli.display import progress
from anh_rollup.cli.follow_up import order
from anh_rollup.cli.model_import import Labelled, Questions, Wanted
from anh_rollup.cli.network_page import Findings, page_of
from anh_rollup.cli.network_words import Rows, advice, comparison_rows, report_rows
from anh_rollup.cli.options import printable, visible
from anh_rollup.cli.tolerance_words import tolerance_rows, tolerance_warnings
from anh_rollup.cli.training_import import LabelledArrays, spread, training_order
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.importing.comparison import MOST_TRACED, Comparison, compare
from anh_rollup.importing.errors import InputRefusedError
from anh_rollup.importing.input_shapes import shapes_shown
from anh_rollup.importing.layers import Layer, layers_of, readings_of
from anh_rollup.importing.network import (
    Network,
    check_samples,
    check_weights,
    classes_of,
    lowered,
    network_of,
    outside,
    split_samples,
)
from anh_rollup.importing.report import report_of
from anh_rollup.importing.runnable import runnable
from anh_rollup.importing.source import read_network
from anh_rollup.importing.tolerance import Tolerance
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.npz import read_arrays
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import Answers

#: Of so many samples one is held back: ranges do not come from it, and errors are measured with it.
ONE_HELD_OF: Final = 4

#: Characters that a row of layers has at most where no terminal shows it (choice: more than any name).
UNCUT_WIDTH: Final = 10_000

#: What helps where data lie outside of an input's range.
_REACH_FURTHER: Final = "Import with --samples that reach as far: without any, real inputs lie in [-8, 8]."

Arrays = dict[str, NDArray[Any]]
T = TypeVar("T")


def import_into(
    store_url: str, wanted: Wanted, questions: Questions | None, learnt: Labelled | None, *, layers: bool
) -> None:
    """Puts a network into a store, and prints roots, a report and with samples a comparison.

    Args:
        store_url: The store.
        wanted: The network.
        questions: What a job asks it; a data set and a score program are made of them.
        learnt: What a job has it learn; data sets, a score program and a recipe are made of it.
        layers: Whether every value is shown.
    """
    console = Console()
    labelled = None if learnt is None else LabelledArrays.read(learnt)
    with progress(Console(stderr=True)) as shown:
        done = _imported(wanted, shown, None if labelled is None else labelled.samples)
    network, store = done.network, ArtifactStore(store_url)
    if wanted.answers is Answers.DECISIONS:
        classes_of(network)
    architecture = wanted.answers.architecture(network.program)
    tolerance, asked = None, None
    if questions is not None:
        tolerance = Tolerance(questions.tolerance, network.program.output.scale, wanted.answers)
        asked = _asked(network, questions.file, tolerance)
    made = None if labelled is None else labelled.artifacts(network)
    program, model = store.put_program(architecture), store.put_model(network.model)
    if done.file is not None:
        store.put_network(program, model, done.file)
    _print_roots(console, program, model)
    if asked is not None:
        wish = _property(store, *asked)
        console.print(f"property {wish}", soft_wrap=True, highlight=False)
        if made is None:
            _print_order(console, _inference_order(store_url, program, model, wish))
    if learnt is not None and made is not None:
        _print_order(console, training_order(store_url, network, model, made, learnt.accuracy))
    report = report_of(network, wanted.answers)
    console.print(_table(report_rows(network, report, wanted.answers)))
    if layers:
        uncut = console if console.is_terminal else Console(width=UNCUT_WIDTH)
        uncut.print(_layer_table(layers_of(network)))
    if done.comparison is not None:
        _print_comparison(console, done.comparison, tolerance)
    for words in _warnings(done, tolerance, labelled):
        console.print(Text(f"warning: {words}", style="yellow"), soft_wrap=True)


def _print_comparison(console: Console, comparison: Comparison, tolerance: Tolerance | None) -> None:
    found = comparison_rows(comparison)
    found += [] if tolerance is None else tolerance_rows(tolerance, comparison)
    console.print(_table(found, title="beside onnxruntime"))
    if words := advice(comparison):
        console.print(Text(words, style="yellow"))


def _warnings(
    done: "_Imported", tolerance: Tolerance | None, labelled: LabelledArrays | None
) -> Iterator[object]:
    """What whoever orders a job about an imported network should know before."""
    if done.comparison is None and not all(field.is_whole for field in done.network.record.fields):
        words = "without --samples ranges are proven for real inputs in [-8, 8], and nothing is compared"
        yield f"{words} with onnxruntime"
    if tolerance is not None:
        yield from tolerance_warnings(tolerance, done.comparison)
    for file, arrays in () if labelled is None else labelled.given():
        for each in outside(done.network, arrays):
            yield f"{each.name!r}: {each} in {file}, and become the nearest ones. {_REACH_FURTHER}"


def write_page(page: Path, wanted: Wanted) -> None:
    """Writes the HTML page of a network.

    Raises:
        ExportError: The file exists, or cannot be written.
    """
    console = Console()
    with progress(Console(stderr=True)) as shown:
        done = _imported(wanted, shown)
        held = [] if done.held is None else split_samples(done.network.record, done.held)[:MOST_TRACED]
        readings = readings_of(done.network, shown.track(held, description="reading layers"))
    report = report_of(done.network)
    text = page_of(Findings(Path(wanted.file).name, done.network, report, done.comparison, readings))
    write_new(page, lambda output: output.write(text.encode()))
    console.print(Text(f"the page is in {page}"), soft_wrap=True)


@dataclass(frozen=True, slots=True, eq=False)
class _Imported:
    """A network, its file, and without samples None: those held back, and how near it is."""

    network: Network
    file: bytes | None
    held: Arrays | None
    comparison: Comparison | None


def _imported(wanted: Wanted, bars: Progress, training: Arrays | None = None) -> _Imported:
    def watch(samples: Sequence[T], work: str, /) -> Iterable[T]:
        return bars.track(samples, description=work)

    given = training if wanted.samples is None else read_arrays(wanted.samples)
    shapes = dict(wanted.shapes)
    model = read_network(wanted.file, shapes, given or {})
    record = lowered(model, shapes_shown(model, shapes, given or {}), output=wanted.output)
    check_weights(record, wanted.setting)
    if given is not None:
        check_samples(record, given)
        given = spread(given) if wanted.samples is None else given
    shown, held = _split(given)
    network = network_of(record, shown, wanted.setting, watch)
    return _Imported(
        network,
        runnable(model, network.record, wanted.answers),
        held,
        None if held is None else compare(model, network, held, watch),
    )


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


def _asked(network: Network, file: Path, tolerance: Tolerance) -> tuple[Program, Dataset]:
    """The program that says whether an answer is near, and the data set of questions."""
    arrays = read_arrays(file)
    check_samples(network.record, arrays)
    for each in outside(network, arrays):
        raise InputRefusedError(
            each.name, f"{each} in {file}, and would be asked as others", remedy=_REACH_FURTHER
        )
    score = tolerance.answers.score(network.program, tolerance.steps)
    return score, Dataset(network.quantized(arrays))


def _property(store: ArtifactStore, score: Program, asked: Dataset) -> str:
    """What `anh job submit --property` takes: that each answer is near; its artifacts are in the store."""
    return f"0x{store.put_program(score).hex()}:0x{store.put_dataset(asked).hex()}:{asked.count}"


def _inference_order(store_url: str, program: bytes, model: bytes, wish: str) -> str:
    words = ("--architecture", f"0x{program.hex()}", "--model", f"0x{model.hex()}", "--property", wish)
    return order("inference", *words, "--store", store_url)


def _print_order(console: Console, text: str) -> None:
    console.print(f"order it with: {text}", soft_wrap=True, highlight=False, markup=False)


def _print_roots(console: Console, program: bytes, model: bytes) -> None:
    console.print(f"program 0x{program.hex()}", soft_wrap=True, highlight=False)
    console.print(f"model   0x{model.hex()}", soft_wrap=True, highlight=False)


def _table(rows: Rows, title: str | None = None) -> Table:
    table = Table(show_header=False, title=title)
    table.add_column("what")
    table.add_column("value")
    for what, value in rows:
        table.add_row(what, printable(value))
    return table


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
