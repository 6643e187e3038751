"""Whether a training is good enough: the exact properties of its job, and how near it has come to them."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.protocol.jobs import Job, Property

LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class TrainingJudge:
    """Looks at parameters of a training, from time to time.

    Attributes:
        job: The job.
        score: The sum of a model's scores for a property, evaluated exactly.
        best: The greatest sum of scores that any look gave, by the index of each property that was scored.
    """

    job: Job
    score: Callable[[Property, Model], int]
    best: dict[int, int] = field(default_factory=dict)

    def __call__(self, parameters: Sequence[Elements]) -> bool:
        """Whether parameters have every property of the job.

        They are scored up to the first that is missed; the log says how near they come to each of these.
        """
        model = Model(tuple(parameters))
        return all(self._reaches(index, model) for index in range(len(self.job.properties)))

    def _reaches(self, index: int, model: Model) -> bool:
        wanted = self.job.properties[index]
        reached = self.score(wanted, model)
        best = self.best[index] = max(reached, self.best.get(index, reached))
        LOG.info("property %d: %d of %d, at best %d", index, reached, wanted.threshold, best)
        return reached >= wanted.threshold
