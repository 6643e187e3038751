"""Networks for the world: their exact reading, and what of them is kept ready.

What an evaluation gives depends on roots and elements alone, so every node finds the same by itself.
"""

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from threading import Lock, Thread
from typing import Final, Generic, TypeVar

from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.backend import Evaluator, LoadedProgram
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.world.prepared import PreparedProgram

T = TypeVar("T")

LOG = logging.getLogger(__name__)

MOST_PROGRAMS: Final = 64
"""Programs that are kept ready (choice)."""

MOST_NETWORKS: Final = 8
"""Programs with their parameters that are kept ready (choice)."""

LIGHT_WORK: Final = 1 << 26
"""Multiply-adds of one sample up to which the reference evaluates. Measured: for small networks it is faster
than a first evaluation on compiled code, which convolutions of this work gain from."""

RETRY_SECONDS: Final = 60.0
"""Until a heavy network tries again to load an evaluator that did not load (choice)."""

LoadEvaluator = Callable[[], Evaluator]
"""Makes a fast exact evaluator, once a network is heavy: its libraries take seconds to import."""


class Inference:
    """Evaluates networks; several threads may use it, and take turns.

    Args:
        load: Makes the evaluator for heavy networks.
    """

    def __init__(self, load: LoadEvaluator) -> None:
        self._load = load
        self._turn = Lock()
        self._loading = Lock()
        self._retry_at = 0.0
        self._reference = ReferenceEvaluator()
        self._fast: Evaluator | None = None
        self._programs: _Kept[PreparedProgram] = _Kept(MOST_PROGRAMS)
        self._networks: _Kept[LoadedProgram] = _Kept(MOST_NETWORKS)

    def _best(self, work: int) -> Evaluator:
        """The reference for what it does in a moment, and for all until the fast evaluator is loaded."""
        if work <= LIGHT_WORK:
            return self._reference
        if (
            self._fast is None
            and time.monotonic() >= self._retry_at
            and self._loading.acquire(blocking=False)
        ):
            Thread(target=self._load_fast, name="evaluator", daemon=True).start()
        return self._fast or self._reference

    def _load_fast(self) -> None:
        """Loads the fast evaluator; where that fails, a later network tries again."""
        try:
            self._fast = self._fast or self._load()
        except Exception:
            self._retry_at = time.monotonic() + RETRY_SECONDS
            LOG.exception(
                "heavy networks are slow: the fast evaluator did not load; it is tried again from %d s on; "
                "next: install anh_rollup with its dependencies again",
                RETRY_SECONDS,
            )
        finally:
            self._loading.release()

    def program(self, root: bytes, read: Callable[[], PreparedProgram]) -> PreparedProgram:
        """A program with what was counted of it.

        Args:
            root: Its root.
            read: How it is read where it is not ready.
        """
        found = self._programs.get(root)
        if found is None:
            found = read()
            self._programs.keep(root, found)
        return found

    def evaluate(
        self,
        prepared: PreparedProgram,
        model: bytes,
        fields: Sequence[Elements],
        read: Callable[[], Model] | None,
    ) -> Elements:
        """The output for one sample: int32 array (N,).

        Args:
            prepared: The program, which may be asked.
            model: Root of the model; zero where the program has no parameters.
            fields: The sample's fields, (1, *shape) each, as the program declares them.
            read: How the model is read where it is not ready; None where there is none.

        Raises:
            SourcesRefusedError: The model's parameters are not what the program declares.
        """
        program = prepared.program
        evaluator = self._best(prepared.work or 0)
        key = (program.root, model, evaluator is self._reference)
        network = self._networks.get(key)
        if network is None:
            parameters = () if read is None else read().parameters
            with self._turn:
                network = evaluator.load(program, parameters)
            self._networks.keep(key, network)
        with self._turn:
            return network.evaluate(fields).reshape(-1)


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
