"""Networks for the world: programs and models by root, and their exact reading.

What an evaluation gives depends on roots and elements alone, so every node finds the same by itself.
"""

from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock, Thread
from typing import Final, Generic, TypeVar

from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.primitives import ZERO_DIGEST
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.program import Program
from anh_rollup.world.artifact_fetching import ArtifactFetching

T = TypeVar("T")

MOST_PROGRAMS: Final = 64
"""Programs that are kept ready (choice)."""

MOST_NETWORKS: Final = 8
"""Programs with their parameters that are kept ready (choice)."""

LoadEvaluator = Callable[[], Evaluator]
"""Makes the evaluator when the first network is evaluated: its libraries take seconds to import."""


class Inference:
    """Evaluates networks; several threads may use it, and take turns.

    Args:
        store: Where artifacts are read, and kept once they are fetched.
        load: Makes the evaluator, an exact one.
        fetching: How what the store lacks is fetched.
    """

    def __init__(
        self, store: ArtifactStore, load: LoadEvaluator, fetching: ArtifactFetching | None = None
    ) -> None:
        self._store = store
        self._load = load
        self._fetching = fetching or ArtifactFetching()
        self._turn = Lock()
        self._loading = Lock()
        self._loaded: Evaluator | None = None
        self._preparing = False
        self._programs: _Kept[Program] = _Kept(MOST_PROGRAMS)
        self._networks: _Kept[LoadedProgram] = _Kept(MOST_NETWORKS)

    def prepare(self) -> None:
        """Begins to load the evaluator, beside everything else: a question waits for it in vain."""
        if not self._preparing:
            self._preparing = True
            Thread(target=lambda: self._evaluator, name="evaluator", daemon=True).start()

    @property
    def _evaluator(self) -> Evaluator:
        with self._loading:
            if self._loaded is None:
                self._loaded = self._load()
            return self._loaded

    def program(self, root: bytes, uris: Sequence[str]) -> Program:
        """A program.

        Args:
            root: Its root.
            uris: Where else to look for it.

        Raises:
            ResultMissingError: It is not there yet.
        """
        found = self._programs.get(root)
        if found is None:
            found = self._fetching.have("program", root, tuple(uris), self._store.get_program)
            self._programs.keep(root, found)
        return found

    def evaluate(
        self, program: Program, model: bytes, fields: Sequence[Elements], uris: Sequence[str]
    ) -> Elements:
        """The output for one sample: int32 array (N,).

        Args:
            program: The program.
            model: Root of the model; zero where the program has no parameters.
            fields: The sample's fields, (1, *shape) each, as the program declares them.
            uris: Where else to look for the model.

        Raises:
            ResultMissingError: The model is not there yet.
            SourcesRefusedError: The model's parameters are not what the program declares.
        """
        network = self._networks.get((program.root, model))
        if network is None:
            parameters = self._parameters(model, uris)
            evaluator = self._evaluator
            with self._turn:
                network = evaluator.load(program, parameters)
            self._networks.keep((program.root, model), network)
        with self._turn:
            return network.evaluate(fields).reshape(-1)

    def _parameters(self, model: bytes, uris: Sequence[str]) -> tuple[Elements, ...]:
        """A model's tensors; a program without parameters has the model 0."""
        if model == ZERO_DIGEST:
            return ()
        return self._fetching.have("model", model, tuple(uris), self._store.get_model).parameters


class _Kept(Generic[T]):
    """What was used last, up to a number."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._lock = Lock()
        self._items: OrderedDict[Hashable, T] = OrderedDict()

    def get(self, key: Hashable) -> T | None:
        with self._lock:
            if key in self._items:
                self._items.move_to_end(key)
            return self._items.get(key)

    def keep(self, key: Hashable, item: T) -> None:
        with self._lock:
            self._items[key] = item
            while len(self._items) > self._most:
                self._items.popitem(last=False)
