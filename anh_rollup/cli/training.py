"""How the command line's roles evaluate and train."""

from collections.abc import Sequence

from anh_rollup.accountant.work import Trainer
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.errors import AnhError
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.tensor.program import Program


class TrainingUnavailableError(AnhError):
    """This installation has no trainer: training jobs are left to others."""

    def __init__(self) -> None:
        super().__init__("no trainer is installed", remedy="Wait for another accountant, or install one.")


def make_evaluator() -> Evaluator:
    """The exact backend that roles use."""
    return ReferenceEvaluator()


def make_trainer() -> Trainer:
    """How training jobs are done."""
    return _refuse


def _refuse(_architecture: Program, _samples: Dataset, _threshold: int) -> Sequence[Elements]:
    raise TrainingUnavailableError
