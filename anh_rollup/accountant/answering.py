"""Answering an inference job by the exact reading: slow where a native runtime is fast, and always right."""

from collections.abc import Sequence
from dataclasses import dataclass

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.program import Program


@dataclass(frozen=True, slots=True)
class ExactAnswerer:
    """Implements `Answerer`: one answer for each sample, the output of the architecture.

    Attributes:
        evaluator: An exact backend.
    """

    evaluator: Evaluator

    def __call__(self, architecture: Program, samples: Dataset, model: Model) -> Sequence[Elements]:
        """The answers (N, *output shape).

        Raises:
            SourcesRefusedError: Samples or parameters are not what the architecture declares.
        """
        fields = samples.fields[: len(architecture.fields)]
        return [self.evaluator.evaluate(architecture, Sources(fields, (), model.parameters))]
