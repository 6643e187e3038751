"""How near imported networks are: `python -m benchmarks.model_precision [NETWORK ...]`.

Each network of `benchmarks.networks` is imported with both settings by some samples and compared with
onnxruntime, and with its own record in float64, over others. The table of docs/imported-models.md gets the
rows of the networks named, or of all. A network that reads real numbers has one more: onnxruntime beside
itself with inputs that are a millionth larger; one that rounds them inside has float64's, too, and
the exact reading beside a float64 that takes over each of its roundings. It takes about an hour, so it is no
part of `make bench`.
"""

import argparse
from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from pathlib import Path
from typing import Final

import numpy as np

from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.importing.comparison import Comparison, compare, float_runner
from anh_rollup.importing.emission import emit
from anh_rollup.importing.network import Arrays, Network, import_network, lowered, split_samples
from anh_rollup.importing.real_evaluation import evaluate, values
from anh_rollup.importing.record import Operation, Reals, Record
from anh_rollup.importing.setting import Setting
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


def roundings(record: Record) -> set[int]:
    """The places where a network makes integers of real numbers."""
    return {
        place
        for place, node in enumerate(record.nodes)
        if node.is_whole
        and node.operation in (Operation.DIV, Operation.FLOOR)
        and not record.nodes[node.inputs[0]].is_whole
    }


@dataclass(frozen=True, slots=True, eq=False)
class RoundedAlike:
    """A sample's output, and that of float64 which takes over how the exact reading has rounded.

    Attributes:
        exact: The output of the exact reading.
        real: That of float64.
        rounded: How many numbers were rounded.
        otherwise: How many of them float64 would have rounded otherwise.
    """

    exact: Reals
    real: Reals
    rounded: int
    otherwise: int


def rounded_alike(network: Network, loaded: LoadedProgram, sample: Sequence[Reals]) -> RoundedAlike:
    """One sample by the exact reading, loaded, and by float64 with the same roundings."""
    record, emitted = network.record, network.emitted
    fed = {field.name: elements[None] for field, elements in zip(record.fields, sample, strict=True)}
    trace = loaded.trace(0, network.quantized(fed))
    places, own, otherwise = roundings(record), dict[int, Reals](), 0

    def replaced(place: int, computed: Reals) -> Reals:
        nonlocal otherwise
        if place not in places:
            return computed
        own[place] = trace[emitted.values[place]].reshape(computed.shape).astype(np.float64)
        otherwise += int((own[place] != computed).sum())
        return own[place]

    *_, (last, real) = values(record, sample, replaced)
    exact = network.real(trace[emitted.values[last]]).reshape(real.shape)
    return RoundedAlike(exact, real, sum(each.size for each in own.values()), otherwise)


def alike(name: str, network: Network, held: Arrays) -> str:
    """The line of the exact reading beside float64 that takes over its roundings."""
    loaded = FastEvaluator().load(network.program, network.emitted.parameters)
    samples = split_samples(network.record, held)[:MOST_MOVED]
    found = [rounded_alike(network, loaded, sample) for sample in samples]
    rounded, otherwise = sum(each.rounded for each in found), sum(each.otherwise for each in found)
    label = f"{network.setting.value}, rounded alike ({otherwise:,} of {rounded:,} otherwise)"
    largest = max(np.abs(each.exact - each.real).max() for each in found)
    largest /= np.ptp(np.stack([each.real for each in found]))
    cells = [name, label, "", "", "", "", "", f"{largest:.1e}", "", "", "", ""]
    return f"| {' | '.join(cells)} |"


def others(name: str, case: Case, network: Network, held: Arrays, *, rounds: bool) -> list[str]:
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
    if rounds:
        real = np.stack([evaluate(record, sample).reshape(wanted.shape[1:]) for sample in samples])
        rows.append(beside(name, "float64", real, wanted))
    return rows


def measured(name: str, case: Case) -> list[str]:
    """A network's lines, one for each setting."""
    network, rows = import_network(case.model, shapes=case.shapes, samples=case.samples(SHOWN, 1)), []
    # What refinement rounds besides is no part of the network.
    rounds = bool(roundings(lowered(case.model, case.shapes)))
    held = case.samples(max(LEAST, -(-DECISIONS // prod(network.program.output.shape[:-1]))), 2)
    for setting in (Setting.PRECISE, Setting.FAST):
        # Ranges and formats are the same with both.
        emitted = emit(network.record, network.ranges, network.formats, setting)
        network = replace(network, emitted=emitted, setting=setting)
        rows.append(row(name, network, compare(case.model, network, held)))
        rows += [alike(name, network, held)] if rounds else []
        print(*rows[-1 - rounds :], sep="\n", flush=True)
    return rows + others(name, case, network, held, rounds=rounds)


def updated(page: str, name: str, rows: Sequence[str]) -> str:
    """The page with a network's lines in its table, in the order of `CASES`."""
    before, _, rest = page.partition(START)
    table, _, after = rest.partition(END)
    lines = [line for line in table.strip().split("\n")[2:] if not line.startswith(f"| {name} |")]
    order = list(CASES)
    lines = sorted([*lines, *rows], key=lambda line: order.index(line.split(" | ")[0].removeprefix("| ")))
    return "\n".join([before + START, HEAD, *lines, END + after])


def parser() -> argparse.ArgumentParser:
    """What the command line may say."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.model_precision",
        description="How near imported networks are; writes their lines of docs/imported-models.md.",
        epilog="Example: python -m benchmarks.model_precision magika resnet18",
    )
    names = ", ".join(CASES)
    parser.add_argument(
        "names", nargs="*", choices=[*CASES, []], metavar="NETWORK", help=f"{names}; all without any"
    )
    return parser


def main() -> None:
    """Measures the networks named, or all, and writes their lines."""
    for name in parser().parse_args().names or CASES:
        rows = measured(name, EVERYWHERE[name]())
        PAGE.write_text(updated(PAGE.read_text(encoding="utf-8"), name, rows), encoding="utf-8")


if __name__ == "__main__":
    main()
