"""Properties as they were evaluated here: each once, whoever asks, and within a budget of memory."""

from collections import OrderedDict
from collections.abc import Callable, Collection
from dataclasses import dataclass
from threading import Event, Lock
from typing import Final

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import ELEMENT_SIZE, Elements
from anh_rollup.evaluation.backend import Evaluator
from anh_rollup.evaluation.properties import (
    MOST_KEPT,
    Artifacts,
    evaluate_property,
    prepared_bytes,
    tensor_bytes,
    trace_bytes,
)
from anh_rollup.evaluation.turns import Turns
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.protocol.evaluated import EvaluatedProperty
from anh_rollup.protocol.jobs import Job, JobKind

#: Evaluations at a time (choice): each uses all cores and much memory, but a long one must not hold up all.
MOST_EVALUATIONS: Final = 2

#: Threads that wait for an evaluation (choice): of sixteen that examine, enough are left to fetch.
MOST_WAITING: Final = 6

#: Bytes of memory that all evaluated properties may take (choice); the latest one always stays.
MOST_HELD: Final = 1 << 32

#: Bytes that the trees over a data set and over its scores take for each sample.
_SAMPLE_BYTES: Final = 64
_SCORE_BYTES: Final = 44

#: Bytes of a parameter's element as a backend keeps it, beside the model's own.
_LOADED_BYTES: Final = 8

#: Roots of what an evaluation depends on: the program, the data set, the answers, and the model or zero.
Key = tuple[bytes, bytes, bytes, bytes]


def property_key(job: Job, result: bytes, index: int) -> Key:
    """What the evaluation of a property depends on: the same for all jobs and claims that ask for the same.

    Args:
        job: The job.
        result: Root of the model or of the answers.
        index: Which of its properties.
    """
    wanted = job.properties[index]
    training = job.kind is JobKind.TRAINING
    answers, model = (ZERO_DIGEST, result) if training else (result, job.model)
    return wanted.program, wanted.dataset, answers, model


def property_keys(job: Job, result: bytes) -> frozenset[Key]:
    """The keys of all properties of a job with this result."""
    return frozenset(property_key(job, result, index) for index in range(len(job.properties)))


def held_bytes(artifacts: Artifacts) -> int:
    """Bytes of memory that an evaluated property takes with its artifacts and kept traces, roughly."""
    samples = [each for each in (artifacts.dataset, artifacts.answers) if each is not None]
    parameters = () if artifacts.model is None else artifacts.model.parameters
    model = sum(tensor_bytes(each.size) + _LOADED_BYTES * each.size for each in parameters)
    count, trace = artifacts.dataset.count, trace_bytes(artifacts.program)
    return (
        sum(map(dataset_bytes, samples))
        + model
        + prepared_bytes(artifacts.program)
        + _SCORE_BYTES * count
        + max(trace, min(MOST_KEPT, count * trace))
    )


def dataset_bytes(dataset: Dataset) -> int:
    """Bytes of memory that a data set takes with its tree, roughly."""
    return _SAMPLE_BYTES * dataset.count + sum(ELEMENT_SIZE * each.size for each in dataset.fields)


@dataclass(frozen=True, slots=True, eq=False)
class _Held:
    """An evaluated property, and the bytes that it takes."""

    evaluated: EvaluatedProperty
    taken: int


class Evaluations:
    """Evaluated properties by what they depend on. Several threads may use it.

    Those that were not used for longest make room where all take too much. Of them the scores stay, four
    bytes a sample: once their artifacts are read again, nothing has to be evaluated again.

    Args:
        most_bytes: Bytes of memory that they may take.
        most_waiting: Threads that wait for an evaluation, at most.
    """

    def __init__(self, most_bytes: int = MOST_HELD, most_waiting: int = MOST_WAITING) -> None:
        self.turns = Turns(MOST_EVALUATIONS, most_waiting)
        self._most_bytes = most_bytes
        self._lock = Lock()
        self._held: OrderedDict[Key, _Held] = OrderedDict()
        self._scores: dict[Key, Elements] = {}
        self._running: dict[Key, Event] = {}

    @property
    def keys(self) -> frozenset[Key]:
        """What was evaluated, and is not forgotten."""
        with self._lock:
            return frozenset(self._scores)

    def known(self, key: Key) -> EvaluatedProperty | None:
        """A property that is in memory; None where it was not evaluated, or had to make room."""
        with self._lock:
            held = self._held.get(key)
            if held is None:
                return None
            self._held.move_to_end(key)
            return held.evaluated

    def evaluate(
        self,
        key: Key,
        load: Callable[[], Artifacts],
        evaluator: Evaluator,
        work: int,
        *,
        urgent: bool = False,
    ) -> EvaluatedProperty:
        """A property, evaluated unless it is known; who asks for one that is being evaluated waits for it.

        Args:
            key: What it depends on.
            load: Reads what it is evaluated over, when its turn comes: those that wait take no memory.
            evaluator: An exact backend.
            work: Multiply-adds that it takes: what is light goes first.
            urgent: Whether a game waits for it, which goes before all else.

        Raises:
            SourcesRefusedError: The artifacts are not what the program declares.
            AnhError: Whatever `load` objects to.
            TurnLostError: Enough lighter evaluations wait; it is for a later round.
        """
        while True:
            found = self.known(key)
            if found is not None:
                return found
            running = self._running.get(key)
            if running is not None:
                running.wait()
                continue
            with self.turns.take(0 if key in self._scores else work, urgent=urgent):
                if self._begin(key):
                    return self._evaluate(key, load, evaluator)

    def forget(self, keys: Collection[Key]) -> None:
        """Lets go of properties that nobody will ask for again."""
        with self._lock:
            for key in keys:
                self._held.pop(key, None)
                self._scores.pop(key, None)

    def _begin(self, key: Key) -> bool:
        """Whether an evaluation is for the caller to do; others wait for it from now on."""
        with self._lock:
            if key in self._running or key in self._held:
                return False
            self._running[key] = Event()
            return True

    def _evaluate(self, key: Key, load: Callable[[], Artifacts], evaluator: Evaluator) -> EvaluatedProperty:
        try:
            artifacts = load()
            evaluated = evaluate_property(artifacts, evaluator, self._scores.get(key))
            with self._lock:
                self._keep(key, _Held(evaluated, held_bytes(artifacts)))
            return evaluated
        finally:
            self._running.pop(key).set()

    def _keep(self, key: Key, held: _Held) -> None:
        self._scores[key] = held.evaluated.scores.scores
        self._held[key] = held
        while len(self._held) > 1 and sum(each.taken for each in self._held.values()) > self._most_bytes:
            self._held.popitem(last=False)
