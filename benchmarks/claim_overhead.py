"""What claiming and verifying cost beside training, on the demo's job: `python -m benchmarks.claim_overhead`.

Claiming is what an accountant does only because the result is claimed: the model's root, the score list, its
tree and root. Verifying is what a challenger does for a claim that turns out true: evaluate every sample, and
compare the roots.
"""

import statistics
from collections.abc import Sequence

import torch

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.scores import ScoreTree, encode_scores
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.training.trainer import train
from benchmarks.model_process import use_processors
from benchmarks.report import Figure, seconds, shortest, show
from scripts import digits
from scripts.submit_training_job import LEAST_RIGHT

RUNS = 3
REPEATS = 20
TARGET = 2.0


def trained(images: digits.Digits, seed: int) -> tuple[tuple[Elements, ...], float]:
    """Parameters that reach the demo's target, and the seconds that training took, evaluations included."""
    found = list[tuple[Elements, ...]]()

    def judge(parameters: Sequence[Elements]) -> bool:
        return digits.right(tuple(parameters), images.test) >= LEAST_RIGHT

    def work() -> None:
        hints = digits.hints(images.train.root)
        found.append(train(digits.architecture(), images.train, hints, judge, seed=seed).parameters)

    taken = seconds(work)
    return found[0], taken


def scores_of(parameters: tuple[Elements, ...], data: Dataset) -> Elements:
    """Every sample's score."""
    sources = Sources(data.fields, (), parameters)
    return FastEvaluator().evaluate(digits.score_program(), sources).reshape(-1)


def claiming(parameters: tuple[Elements, ...], scores: Elements) -> None:
    """The model's root, the score list with its tree, and its bytes."""
    _ = Model(parameters).root, ScoreTree(scores).header, encode_scores(scores)


def verifying(parameters: tuple[Elements, ...], data: Dataset, root: bytes, top: object) -> None:
    """All that a challenger computes where the claim is true."""
    if Model(parameters).root != root or ScoreTree(scores_of(parameters, data)).header != top:
        raise SystemExit("a true claim was found to be false")


def shares(images: digits.Digits, seed: int) -> tuple[float, float]:
    """Percent of one training that claiming and verifying its result take."""
    parameters, training = trained(images, seed)
    scores = scores_of(parameters, images.test)
    root, top = Model(parameters).root, ScoreTree(scores).header
    evaluating = shortest(lambda: scores_of(parameters, images.test), REPEATS)
    claim = shortest(lambda: claiming(parameters, scores), REPEATS)
    check = shortest(lambda: verifying(parameters, images.test, root, top), REPEATS)
    return 100 * claim / (training + evaluating), 100 * check / training


def main() -> None:
    """Measures and prints the figures."""
    use_processors(1)
    torch.set_num_threads(1)
    images = digits.load()
    claims, checks = zip(*(shares(images, seed) for seed in range(RUNS)), strict=True)
    named = (
        ("claiming the demo's job", "% of training and evaluating", claims),
        ("verifying the demo's claim", "% of training", checks),
    )
    show(
        [
            Figure(f"{name}, median of {RUNS} trainings", unit, round(statistics.median(parts), 3), TARGET)
            for name, unit, parts in named
        ]
    )


if __name__ == "__main__":
    main()
