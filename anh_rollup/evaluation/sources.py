"""What a program reads from outside: the samples' fields, their answers, and the parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.tensor.program import Kind, Program, Tensor, Value


@dataclass(frozen=True, slots=True, eq=False)
class Sources:
    """Elements for a program's sources, int32 throughout.

    Attributes:
        fields: Per field an array (N, *shape).
        answers: Per answer an array (N, *shape), with the same N.
        parameters: Per parameter an array (*shape).
    """

    fields: tuple[Tensor, ...] = ()
    answers: tuple[Tensor, ...] = ()
    parameters: tuple[Tensor, ...] = ()

    @property
    def count(self) -> int:
        """N, the number of samples; 1 where there are neither fields nor answers."""
        batched = self.fields + self.answers
        return batched[0].shape[0] if batched else 1

    def samples(self, start: int, stop: int) -> "Sources":
        """The same sources with only the samples from `start` up to, not including, `stop`."""
        return Sources(
            tuple(each[start:stop] for each in self.fields),
            tuple(each[start:stop] for each in self.answers),
            self.parameters,
        )

    def of(self, kind: Kind, index: int) -> Tensor:
        """The array of one source with a leading sample axis, which is 1 for a parameter."""
        if kind is Kind.PARAMETER:
            return self.parameters[index][np.newaxis]
        return (self.fields if kind is Kind.FIELD else self.answers)[index]


_NAMES: Final = {Kind.FIELD: "field", Kind.ANSWER: "answer", Kind.PARAMETER: "parameter"}


MOST_EVALUATED: Final = 1 << 27
"""Elements of one value that an evaluator takes on (choice: 1 GiB as float64): strangers write programs."""


def check_sources(program: Program, sources: Sources) -> None:
    """Checks that sources are what the program declares, so that its proven ranges hold.

    Raises:
        SourcesRefusedError: Where a source is missing or spare, has another shape, type or sample count, or
            an element outside its declared range.
    """
    largest = max(value.size for value in program.values)
    if largest > MOST_EVALUATED:
        raise SourcesRefusedError(
            "the program", f"a value of {largest} elements, {MOST_EVALUATED} are the most"
        )
    _check_group(Kind.FIELD, program.fields, sources.fields, (sources.count,))
    _check_group(Kind.ANSWER, program.answers, sources.answers, (sources.count,))
    _check_group(Kind.PARAMETER, program.parameters, sources.parameters, ())


def _check_group(
    kind: Kind, declared: Sequence[Value], given: Sequence[Tensor], lead: tuple[int, ...]
) -> None:
    name = _NAMES[kind]
    if len(given) != len(declared):
        raise SourcesRefusedError(f"{name}s", f"{len(given)} given, {len(declared)} declared")
    for index, (value, tensor) in enumerate(zip(declared, given, strict=True)):
        _check_tensor(f"{name} {index}", value, tensor, lead + value.shape)


def _check_tensor(source: str, value: Value, tensor: Tensor, shape: tuple[int, ...]) -> None:
    if tensor.dtype != np.int32:
        raise SourcesRefusedError(source, f"type {tensor.dtype}, expected int32")
    if tensor.shape != shape:
        raise SourcesRefusedError(source, f"shape {tensor.shape}, expected {shape}")
    if tensor.size == 0:
        return
    low, high = int(tensor.min()), int(tensor.max())
    if low < value.low or high > value.high:
        raise SourcesRefusedError(
            source, f"elements in [{low}, {high}], declared [{value.low}, {value.high}]"
        )
