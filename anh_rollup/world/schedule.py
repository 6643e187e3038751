"""Which of some strict transactions can be executed now: those whose dependencies among them are done."""

from collections.abc import Mapping
from heapq import heapify, heappop, heappush

from anh_rollup.world.dependencies import items_read, items_written
from anh_rollup.world.engine import Run
from anh_rollup.world.position import Item


class Schedule:
    """The order in which strict transactions may be executed.

    Args:
        runs: By key. Whatever else they depend on is executed.
    """

    def __init__(self, runs: Mapping[int, Run]) -> None:
        self._runs = runs
        self._missing: dict[int, int] = {}
        self._behind: dict[int, list[int]] = {key: [] for key in runs}
        self._unfinished = len(runs)
        writers: dict[Item, int] = {}
        for key in sorted(runs):
            before = {writers[item] for item in items_read(runs[key]) if item in writers}
            self._missing[key] = len(before)
            for each in before:
                self._behind[each].append(key)
            writers.update(dict.fromkeys(items_written(runs[key]), key))
        self._ready = [key for key, missing in self._missing.items() if not missing]
        heapify(self._ready)

    @property
    def ready(self) -> int:
        """How many can be executed now."""
        return len(self._ready)

    @property
    def is_over(self) -> bool:
        """Whether all are done."""
        return not self._unfinished

    def take(self, most: int = 1, most_gas: int = 0) -> list[int]:
        """Some that can be executed now, in order: one, and more up to a number and a sum of gas limits."""
        taken, gas = [heappop(self._ready)], 0
        while self._ready and len(taken) < most:
            gas += self._runs[taken[-1]].gas_limit
            if gas + self._runs[self._ready[0]].gas_limit > most_gas:
                break
            taken.append(heappop(self._ready))
        return taken

    def done(self, key: int) -> None:
        """Notes that one that was taken is executed, and kept."""
        self._unfinished -= 1
        for each in self._behind[key]:
            self._missing[each] -= 1
            if not self._missing[each]:
                heappush(self._ready, each)
