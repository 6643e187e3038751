"""Lies about imported networks, each refuted on anvil: `python -m benchmarks.model_disputes [NAME ...]`.

For each network a job asks about two samples; a liar answers them wrongly, and claims that one answer is
right. Its trace is wrong in one random element of one random instruction, under trees and partial sums
that agree with it. The challenger is the shipped one. docs/model-disputes.md is written anew for the
networks named, or for all.
"""

import argparse
import json
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

import numpy as np

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.checks import INT32_MOST
from anh_rollup.evaluation.dispute_cost import Side, cost_at, dispute_cost
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.importing.network import Network, import_network
from anh_rollup.l1.deployment import Rules
from anh_rollup.node import short_pauses
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import Answers
from benchmarks.dispute_ground import Ground, Inference, Times, played
from benchmarks.networks.catalogue import CASES, SHOWN
from benchmarks.planted_lies import Lie
from benchmarks.report import machine

PAGE: Final = Path(__file__).resolve().parents[1] / "docs" / "model-disputes.md"

#: Lies about each network, and samples that each job asks about.
LIES: Final = 50
SAMPLES: Final = 2

#: Evaluations of one sample, of which the shortest counts.
ROUNDS: Final = 5

HEADINGS: Final = (
    "network", "values", "lies refuted", "moves, median", "moves, worst", "gas, median", "gas, worst",
    "gas, at most", "liar's moves, worst", "liar's gas, worst", "one evaluation",
    "accountant's longest answer", "challenger's longest answer",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Row:
    """What was measured about one network; times in seconds.

    Attributes:
        network: Its name.
        values: Of the score program.
        challengers, liars: Moves and gas of each game, by side.
        at_most: Gas of the honest side as it is foretold.
        evaluation: One exact evaluation of a sample.
        accountant, challenger: The longest time to an answer in a game.
    """

    network: str
    values: int
    challengers: list[tuple[int, int]]
    liars: list[tuple[int, int]]
    at_most: int
    evaluation: float
    accountant: float
    challenger: float

    def cells(self) -> list[str]:
        """Its cells, under `HEADINGS`."""
        (moves, gas), (liars_moves, liars_gas) = (
            zip(*self.challengers, strict=True),
            zip(*self.liars, strict=True),
        )
        answers = [
            f"{each * 1e3:,.0f} ms, {each / self.evaluation:.1f} times"
            for each in (self.accountant, self.challenger)
        ]
        return [
            self.network, f"{self.values:,}", f"{len(moves)} of {LIES}", f"{statistics.median(moves):g}",
            str(max(moves)), f"{statistics.median(gas):,.0f}", f"{max(gas):,}", f"{self.at_most:,}",
            str(max(liars_moves)), f"{max(liars_gas):,}", f"{self.evaluation * 1e3:,.0f} ms", *answers,
        ]  # fmt: skip


def inference_of(network: Network, samples: Dataset, answers: Answers) -> Inference:
    """A job about a network whose answers are all wrong by one unit."""
    architecture, score = answers.architecture(network.program), answers.score(network.program, 0)
    loaded = FastEvaluator().load(architecture, network.emitted.parameters)
    right = loaded.evaluate(samples.fields)
    wrong = np.where(right < INT32_MOST, right + 1, right - 1).astype(np.int32)
    return Inference(architecture, score, network.model, samples, wrong)


def evaluation_seconds(inference: Inference) -> float:
    """The shortest of some evaluations of one sample by the score program, everything prepared."""
    loaded = FastEvaluator().load(inference.score, inference.model.parameters)
    one, answer = [each[:1] for each in inference.samples.fields], [inference.answers[:1]]
    loaded.evaluate(one, answer)
    found = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        loaded.evaluate(one, answer)
        found.append(time.perf_counter() - start)
    return min(found)


def planted(program: Program, count: int) -> list[Lie]:
    """Lies in random instructions and elements of random samples."""
    chance = random.Random(7)
    instructions = [each for each, value in enumerate(program.values) if value.opcode is not None]
    chosen = [chance.choice(instructions) for _ in range(count)]
    return [
        Lie(chance.randrange(SAMPLES), each, chance.randrange(program.values[each].size)) for each in chosen
    ]


def measured(name: str) -> Row:
    """Imports a network, and has every lie refuted.

    Raises:
        SystemExit: A lie is not refuted, or costs more than foretold.
    """
    case = CASES[name]()
    network = import_network(case.model, shapes=case.shapes, samples=case.samples(SHOWN, 1))
    samples = Dataset(network.quantized(case.samples(SAMPLES, 2)))
    inference = inference_of(network, samples, case.answers)
    del case, network
    seconds, lies = evaluation_seconds(inference), planted(inference.score, LIES)
    answers, sides = Times(), []
    with (
        tempfile.TemporaryDirectory(prefix="anh-disputes-") as folder,
        ProcessGroup(Path(folder) / "logs") as processes,
        short_pauses(),  # as the roles run
    ):
        local = LocalNetwork(Path(folder), processes, rules=Rules(), block_seconds=None)
        local.start_l1()
        ground = Ground(local, inference, LIES)
        names = ("challenger", "dishonest accountant")
        for lie in lies:
            calls = ground.refute(lie, answers)
            found = [played(calls, str(local.accounts[each].address)) for each in names]
            require_foretold(inference.score, lie, found)
            sides.append(found)
    return Row(
        network=name,
        values=len(inference.score.values),
        challengers=[(each.moves, each.gas) for each, _ in sides],
        liars=[(each.moves, each.gas) for _, each in sides],
        at_most=dispute_cost(inference.score, samples=SAMPLES).challenger.gas,
        evaluation=seconds,
        accountant=max(answers.seconds),
        challenger=max(ground.challenger.times.seconds),
    )


def require_foretold(program: Program, lie: Lie, sides: Sequence[Side]) -> None:
    """Ends the program where a dispute took more than was foretold, or honest moves more."""
    most = cost_at(program, lie.value, samples=SAMPLES)
    for found, limit in zip(sides, (most.challenger, most.accountant), strict=True):
        if found.moves > limit.moves or found.gas > limit.gas:
            raise SystemExit(f"{lie}: {found}, and at most {limit} was foretold")


def page(rows: dict[str, str]) -> str:
    """The page with these lines, by network."""
    head = "\n".join((_line(HEADINGS), _line(["---"] + ["---:"] * (len(HEADINGS) - 1))))
    return f"""# Disputes about imported networks

Written by `python -m benchmarks.model_disputes`, on: {machine()}.

A job asks each network about {SAMPLES} samples. A liar answers wrongly and claims that an answer is right;
its trace is wrong in one random element of one random instruction, {LIES} times anew. Each lie is refuted
on a real anvil by the shipped contracts and the shipped challenger. Moves and gas are those of the
honest side, from the opening of the game to the refutation, seals among them; "at most" is what `anh model
import` foretells for any lie. An answer is all that a side does from a position to the move that it then
sends: the longest one makes the sample's trace with its trees. It is compared with the shortest of {ROUNDS}
evaluations of one sample, on the clock, whatever else the machine does; wanted are at most 10 times. What
all samples share is prepared for both, with the first evaluation, and memory for each trace before it is
asked for. Ddddocr's readers answer with decisions: the character whose score is the largest, place by place.

{head}
{chr(10).join(rows.values())}
"""


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def rows_of(text: str) -> dict[str, str]:
    """The lines of an earlier page, by network."""
    lines = [each for each in text.splitlines() if each.startswith("| ")][2:]
    return {each.split(" | ")[0].removeprefix("| "): each for each in lines}


def main() -> None:
    """Measures the networks, each in a process of its own, and writes the page after each."""
    parser = argparse.ArgumentParser(description="Lies about imported networks, each refuted on anvil.")
    parser.add_argument("names", nargs="*", choices=[*CASES, []], metavar="NAME", help=", ".join(CASES))
    parser.add_argument("--json", action="store_true", help="measure one network here, and print its row")
    arguments = parser.parse_args()
    if arguments.json:
        print(json.dumps(asdict(measured(arguments.names[0]))))
        return
    rows = rows_of(PAGE.read_text(encoding="utf-8")) if PAGE.exists() else {}
    for name in arguments.names or CASES:
        command = [sys.executable, "-m", "benchmarks.model_disputes", "--json", name]
        ran = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True)
        rows[name] = _line(Row(**json.loads(ran.stdout)).cells())
        PAGE.write_text(page({each: rows[each] for each in CASES if each in rows}), encoding="utf-8")
        print(rows[name], flush=True)


if __name__ == "__main__":
    main()
