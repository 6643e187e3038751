"""How near imported networks are: `python -m benchmarks.model_precision [NETWORK ...]`.

Each network of `benchmarks.networks` is imported with both settings by some samples and compared with
onnxruntime, and with its own record in float64, over others. The table of docs/imported-models.md gets the
rows of the networks named, or of all. A network that reads real numbers has one more: onnxruntime beside
itself with inputs that are a millionth larger; one that rounds them inside has float64's, too, and
the exact reading beside a float64 that takes over each of its roundings. It takes about an hour, so it is no
part of `make bench`.
"""

import sys
from collections.abc import Sequence
from dataclasses import replace
from math import prod
from pathlib import Path
from typing import Final

import numpy as np

from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.importing.comparison import Comparison, compare, float_runner
from anh_rollup.importing.emission import emit
from anh_rollup.importing.network import Arrays, Network, import_network, lowered, split_samples
from anh_rollup.importing.real_evaluation import evaluate, values
from anh_rollup.importing.record import Operation, Reals, Record
from anh_rollup.importing.setting import Setting
from anh_rollup.tensor.program import Tensor
from benchmarks.networks.catalogue import CASES, EVERYWHERE, SHOWN, Case

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "imported-models.md"
#: Between these lines the page holds the table.
START, END = "<!-- measured -->", "<!-- end -->"
HEAD: Final = (
    "| network | setting | parameters | instructions | multiply-adds | largest error | mean error "
    "| largest beside float64 | float32's own | decisions | agreement | saturated |\n"
    "| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
)
#: Decisions that are compared at least, and samples at least.
DECISIONS: Final = 1000
LEAST: Final = 4
#: Samples whose inputs are moved at most, and by how much: about a millionth.
MOST_MOVED: Final = 64
MOVED: Final = 1 + 2.0**-20


def row(name: str, network: Network, found: Comparison) -> str:
    """A network's line of the table."""
    instructions = sum(value.opcode is not None for value in network.program.values)
    cells = [
        name, network.setting.value, f"{sum(each.size for each in network.emitted.parameters):,}",
        f"{instructions:,}", f"{multiply_adds(network.program, 1):,}", f"{found.largest_error:.1e}",
        f"{found.mean_error:.1e}", f"{found.largest_format_error:.1e}", f"{found.largest_lowering_error:.1e}",
        f"{found.decisions:,}", f"{found.agreement:.2%}", f"{found.saturated:,}",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def beside(name: str, label: str, found: Reals, wanted: Reals) -> str:
    """The line of another reading of a network beside onnxruntime's, both (samples, *shape)."""
    error = np.abs(found - wanted) / float(np.ptp(wanted))
    same = found.argmax(-1) == wanted.argmax(-1)
    cells = [
        name, label, "", "", "", f"{error.max():.1e}", f"{error.mean():.1e}", "", "",
        f"{same.size:,}", f"{same.mean():.2%}", "",
    ]  # fmt: skip
    return f"| {' | '.join(cells)} |"


def roundings(record: Record) -> list[int]:
    """The places where a network makes integers of real numbers."""
    return [
        place
        for place, node in enumerate(record.nodes)
        if node.is_whole
        and node.operation in (Operation.DIV, Operation.FLOOR)
        and not record.nodes[node.inputs[0]].is_whole
    ]


def rounded_alike(name: str, network: Network, held: Arrays) -> list[str]:
    """The line of the exact reading beside float64 that takes over its roundings; none where there are none.

    Its label says how many numbers float64 would have rounded otherwise.
    """
    record, program, values_of = network.record, network.program, network.emitted.values
    places = set(roundings(record))
    if not places:
        return []
    loaded = FastEvaluator().load(program, network.emitted.parameters)
    found, wanted, rounded, otherwise = list[Reals](), list[Reals](), 0, 0
    for at, sample in enumerate(split_samples(record, held)[:MOST_MOVED]):
        trace = loaded.trace(0, network.quantized({each: rows[at : at + 1] for each, rows in held.items()}))

        def taken(place: int, computed: Reals, trace: Sequence[Tensor] = trace) -> Reals:
            nonlocal rounded, otherwise
            if place not in places:
                return computed
            own = trace[values_of[place]].reshape(computed.shape).astype(np.float64)
            rounded, otherwise = rounded + own.size, otherwise + int((own != computed).sum())
            return own

        *_, (_, real) = values(record, sample, taken)
        wanted.append(real)
        found.append(network.real(trace[values_of[len(record.nodes) - 1]]).reshape(real.shape))
    label = f"{network.setting.value}, rounded alike ({otherwise:,} of {rounded:,} otherwise)"
    return [beside(name, label, np.stack(found), np.stack(wanted))]


def others(name: str, case: Case, network: Network, held: Arrays) -> list[str]:
    """The lines of onnxruntime with other inputs and of float64; none where inputs are integers.

    Float64 is shown where a network rounds, for what it gives then depends on the last bit of any reading.
    """
    record = network.record
    if any(field.is_whole for field in record.fields):
        return []
    run, samples = float_runner(case.model, network), split_samples(record, held)[:MOST_MOVED]
    wanted = np.stack([run(sample) for sample in samples])
    found = np.stack([run([each * MOVED for each in sample]) for sample in samples])
    rows = [beside(name, "onnxruntime, moved", found, wanted)]
    if roundings(lowered(case.model, case.shapes)):
        real = np.stack([evaluate(record, sample).reshape(wanted.shape[1:]) for sample in samples])
        rows.append(beside(name, "float64", real, wanted))
    return rows


def measured(name: str, case: Case) -> list[str]:
    """A network's lines, one for each setting."""
    network, rows = import_network(case.model, shapes=case.shapes, samples=case.samples(SHOWN, 1)), []
    held = case.samples(max(LEAST, -(-DECISIONS // prod(network.program.output.shape[:-1]))), 2)
    for setting in (Setting.PRECISE, Setting.FAST):
        # Ranges and formats are the same with both.
        emitted = emit(network.record, network.ranges, network.formats, setting)
        network = replace(network, emitted=emitted, setting=setting)
        rows.append(row(name, network, compare(case.model, network, held)))
        print(rows[-1], flush=True)
        rows += rounded_alike(name, network, held)
    return rows + others(name, case, network, held)


def updated(page: str, name: str, rows: Sequence[str]) -> str:
    """The page with a network's lines in its table, in the order of `CASES`."""
    before, _, rest = page.partition(START)
    table, _, after = rest.partition(END)
    lines = [line for line in table.strip().split("\n")[2:] if not line.startswith(f"| {name} |")]
    order = list(CASES)
    lines = sorted([*lines, *rows], key=lambda line: order.index(line.split(" | ")[0].removeprefix("| ")))
    return "\n".join([before + START, HEAD, *lines, END + after])


def main() -> None:
    """Measures the networks named, or all, and writes their lines."""
    for name in sys.argv[1:] or CASES:
        rows = measured(name, EVERYWHERE[name]())
        PAGE.write_text(updated(PAGE.read_text(encoding="utf-8"), name, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
