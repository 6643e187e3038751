"""Evaluations on a cluster: rows of samples go to its nodes, and the same bytes come back as from here."""

import logging
from collections import deque
from collections.abc import Sequence
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass
from time import monotonic
from typing import Final
from uuid import uuid4

import numpy as np

from anh_rollup.cluster.cluster import Cluster
from anh_rollup.cluster.errors import ClusterClosedError, TaskFailedError
from anh_rollup.cluster.messages import Shared
from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.evaluation.sources import Sources, checked_sources
from anh_rollup.evaluation.workload import multiply_adds
from anh_rollup.tensor.codec import encode_program
from anh_rollup.tensor.program import Program, Tensor

_LOG = logging.getLogger(__name__)

EVALUATE: Final = "anh_rollup.cluster.sample_tasks:evaluate_rows"

#: Multiply-adds below which samples stay here (choice): a quarter of a second at the slowest rate.
LEAST_WORK: Final = 200_000_000

#: Parts for each core, so that one that is slow or lost holds up little; and the least of a part (choice).
PARTS: Final = 8
LEAST_PART: Final = 50_000_000

#: Multiply-adds that a core does in a second at least (measured: 8e8 on two cores).
SLOWEST_RATE: Final = 400_000_000

#: Without any answer for so long, and ten times what a part takes the slowest core, parts are done here.
PATIENCE_SECONDS: Final = 60.0
PATIENCE: Final = 10

#: Seconds between two lines of log about one evaluation (choice).
REPORT_SECONDS: Final = 10.0

Rows = tuple[int, int]
"""Samples from the first place up to, not including, the second."""


@dataclass(frozen=True, slots=True)
class ClusterEvaluator:
    """Evaluates many samples on a cluster, and few of them here. Implements `Evaluator`.

    Attributes:
        local: Evaluates what is too little for the cluster, what got lost there, and traces.
        cluster: The cluster.
        least_work: Multiply-adds from which on samples are given away.
    """

    local: Evaluator
    cluster: Cluster
    least_work: int = LEAST_WORK

    def load(self, program: Program, parameters: Sequence[Tensor]) -> "ClusterProgram":
        """The program, ready to be evaluated many times. See `Evaluator.load`."""
        return ClusterProgram(self, program, tuple(parameters), self.local.load(program, parameters))

    def evaluate(self, program: Program, sources: Sources) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `Evaluator.evaluate`."""
        if not self.pays(program, sources.count):
            return self.local.evaluate(program, sources)
        return self.load(program, sources.parameters).evaluate(sources.fields, sources.answers)

    def trace(self, program: Program, sources: Sources, sample: int) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `Evaluator.trace`."""
        return self.local.trace(program, sources, sample)

    def pays(self, program: Program, samples: int) -> bool:
        """Whether so many samples are worth giving away, and there is somebody to give them to."""
        return samples > 1 and self.cluster.places > 0 and multiply_adds(program, samples) >= self.least_work


@dataclass(frozen=True, slots=True)
class ClusterProgram:
    """A program with its parameters, here and on the nodes that get samples. Implements `LoadedProgram`.

    Attributes:
        evaluator: Where it is evaluated.
        program: The program.
        parameters: Per parameter an int32 array (*shape).
        local: The same program, loaded here.
    """

    evaluator: ClusterEvaluator
    program: Program
    parameters: tuple[Tensor, ...]
    local: LoadedProgram

    def evaluate(self, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()) -> Tensor:
        """The output for every sample: int32 array (N, *output shape). See `LoadedProgram.evaluate`.

        Raises:
            SourcesRefusedError: Where fields or answers are not what the program declares.
            ClusterClosedError: This process ends.
        """
        sources = checked_sources(self.program, fields, answers, self.parameters)
        if not self.evaluator.pays(self.program, sources.count):
            return self.local.evaluate(fields, answers)
        cluster = self.evaluator.cluster
        shared = cluster.share((uuid4().hex, encode_program(self.program), self.parameters))
        evaluation = _Evaluation(cluster, self.program, self.local, shared, sources)
        try:
            return evaluation.run()
        finally:
            evaluation.give_up()
            cluster.release(shared)

    def prepare_traces(self) -> None:
        """Makes ready what the traces of all samples share. See `LoadedProgram.prepare_traces`."""
        self.local.prepare_traces()

    def trace(
        self, sample: int, fields: Sequence[Tensor], answers: Sequence[Tensor] = ()
    ) -> Sequence[Tensor]:
        """Every value for one sample, in program order: int32 arrays. See `LoadedProgram.trace`."""
        return self.local.trace(sample, fields, answers)


class _Evaluation:
    """The samples of one evaluation, part by part."""

    def __init__(
        self, cluster: Cluster, program: Program, local: LoadedProgram, shared: Shared, sources: Sources
    ) -> None:
        work, samples = multiply_adds(program, sources.count), sources.count
        parts = max(1, min(samples, PARTS * cluster.working, work // LEAST_PART))
        self._cluster = cluster
        self._local = local
        self._shared = shared
        self._sources = sources
        self._result = np.empty((samples, *program.output.shape), dtype=np.int32)
        self._left = deque((samples * part // parts, samples * (part + 1) // parts) for part in range(parts))
        self._out: dict[Future[Tensor], Rows] = {}
        self._patience = PATIENCE_SECONDS + PATIENCE * work / parts / SLOWEST_RATE
        self._trusts = True
        self._done = self._here = 0
        self._begun = self._told = monotonic()

    def run(self) -> Tensor:
        """Evaluates everything.

        Raises:
            ClusterClosedError: This process ends.
        """
        nodes, cores, samples = self._cluster.nodes, self._cluster.working, self._sources.count
        _LOG.info(
            "evaluating %d samples in %d parts on %d node(s), %d core(s)",
            samples,
            len(self._left),
            nodes,
            cores,
        )
        while self._left or self._out:
            self._hand_out()
            if self._out:
                self._take_in()
            else:
                self._evaluate_here(self._left.popleft())
            self._report()
        _LOG.info(
            "evaluated %d samples in %.1f s, %d of them here", samples, monotonic() - self._begun, self._here
        )
        return self._result

    def give_up(self) -> None:
        """Lets go of what is still out."""
        self._cluster.cancel(list(self._out))

    def _hand_out(self) -> None:
        while self._trusts and self._left and len(self._out) < self._cluster.places:
            rows = self._left.popleft()
            part = self._sources.samples(*rows)
            self._out[self._cluster.submit(EVALUATE, self._shared, part.fields, part.answers)] = rows

    def _take_in(self) -> None:
        """Keeps what has come back; what failed, or does not come back for long, is done here."""
        ended = wait(self._out, self._patience, FIRST_COMPLETED).done
        if not ended:
            _LOG.warning(
                "no answer of the Ray cluster for %.0f s: the samples are evaluated here", self._patience
            )
            self.give_up()
            self._left.extendleft(self._out.values())
            self._out.clear()
            self._trusts = False
        for future in ended:
            rows, error = self._out.pop(future), future.exception()
            if error is None:
                self._keep(rows, future.result())
                continue
            if isinstance(error, TaskFailedError):
                self._cluster.tell_once(error)
            self._evaluate_here(rows)

    def _evaluate_here(self, rows: Rows) -> None:
        if self._cluster.is_closed:
            raise ClusterClosedError
        part = self._sources.samples(*rows)
        self._keep(rows, self._local.evaluate(part.fields, part.answers))
        self._here += rows[1] - rows[0]

    def _keep(self, rows: Rows, scores: Tensor) -> None:
        self._result[slice(*rows)] = scores
        self._done += rows[1] - rows[0]

    def _report(self) -> None:
        if monotonic() > self._told + REPORT_SECONDS:
            self._told = monotonic()
            _LOG.info("evaluated %d of %d samples", self._done, self._sources.count)
