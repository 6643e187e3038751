"""How roles evaluate, train and answer: as `training` says, which is imported with the first use of any.

Without torch and onnxruntime a role starts in half the time, and a follower may never need them.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any, Final

from anh_rollup.accountant.conduct import HONEST, Conduct
from anh_rollup.accountant.work import Answerer, Trainer, TrainingTask
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.evaluation.sources import Sources
from anh_rollup.primitives import Seconds
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program, Tensor
from anh_rollup.watching import Watch, unwatched

#: Nothing is kept for a claim.
NO_TIME: Final = Seconds(0)


@dataclass(frozen=True, slots=True)
class EvaluatorOnDemand:
    """The exact backend. Implements `Evaluator`.

    Attributes:
        cluster: What evaluates samples beside this process, if anything does.
        watch: Shows how far it is with samples here.
    """

    cluster: Cluster | None = None
    watch: Watch = unwatched

    def load(self, program: Program, parameters: Sequence[Tensor]) -> LoadedProgram:
        """See `Evaluator.load`."""
        return self._made().load(program, parameters)

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """See `Evaluator.evaluate`."""
        return self._made().evaluate(program, sources)

    def trace(self, program: Program, sources: Sources, sample: int) -> Sequence[Tensor]:
        """See `Evaluator.trace`."""
        return self._made().trace(program, sources, sample)

    def _made(self) -> Evaluator:
        made: Evaluator = _training().make_evaluator(self.cluster, self.watch)
        return made


def make_evaluator(cluster: Cluster | None = None, watch: Watch = unwatched) -> Evaluator:
    """See `training.make_evaluator`."""
    return EvaluatorOnDemand(cluster, watch)


def make_trainer(
    store: ArtifactStore,
    conduct: Conduct = HONEST,
    watch: Watch = unwatched,
    spare: Seconds = NO_TIME,
    clock: Callable[[], float] = time.time,
) -> Trainer:
    """See `training.make_trainer`."""

    def work(task: TrainingTask) -> Sequence[Elements]:
        trainer: Trainer = _training().make_trainer(store, conduct, watch, spare, clock)
        return trainer(task)

    return work


def make_answerer(engine: str, store: ArtifactStore, watch: Watch = unwatched) -> Answerer:
    """See `training.make_answerer`."""

    def work(architecture: Program, samples: Dataset, model: Model) -> Sequence[Elements]:
        answerer: Answerer = _training().make_answerer(engine, store, watch)
        return answerer(architecture, samples, model)

    return work


def _training() -> Any:
    return import_module("anh_rollup.cli.training")
