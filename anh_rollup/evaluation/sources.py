"""What a program reads from outside: the samples' fields, their answers, and the parameters."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.workload import check_memory
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
        batched = (*self.fields, *self.answers)
        return batched[0].shape[0] if batched else 1

    def samples(self, start: int, stop: int) -> "Sources":
        """The same sources with only the samples from `start` up to, not including, `stop`."""
        return Sources(
            tuple(each[start:stop] for each in self.fields),
            tuple(each[start:stop] for each in self.answers),
            self.parameters,
        )

    def sample(self, place: int) -> "Sources":
        """The same sources with one sample only.

        Raises:
            SourcesRefusedError: There is no such sample.
        """
        if place not in range(self.count):
            raise SourcesRefusedError(f"sample {place}", f"{self.count} samples are given")
        return self.samples(place, place + 1)

    def of(self, kind: Kind, index: int) -> Tensor:
        """The array of one source with a leading sample axis, which is 1 for a parameter."""
        if kind is Kind.PARAMETER:
            return self.parameters[index][np.newaxis]
        return (self.fields if kind is Kind.FIELD else self.answers)[index]


_NAMES: Final = {Kind.FIELD: "field", Kind.ANSWER: "answer", Kind.PARAMETER: "parameter"}


MOST_EVALUATED: Final = 1 << 27
"""Elements of one value that an evaluator takes on (choice: 1 GiB as float64): beside it stand copies of it
that no program names, as patches of a convolution."""


def check_loadable(program: Program, parameters: Sequence[Tensor]) -> None:
    """Checks that a program's values fit in memory and parameters are what it declares.

    Raises:
        SourcesRefusedError: One value does not fit, or the parameters are others.
        ProgramTooLargeError: All values together do not fit.
    """
    check_memory(program)
    largest = max(value.size for value in program.values)
    if largest > MOST_EVALUATED:
        raise SourcesRefusedError(
            "the program", f"a value of {largest} elements, {MOST_EVALUATED} are the most"
        )
    _check_group(Kind.PARAMETER, program.parameters, parameters, ())


def checked_sources(
    program: Program, fields: Sequence[Tensor], answers: Sequence[Tensor], parameters: tuple[Tensor, ...]
) -> Sources:
    """Samples together with parameters that are checked already.

    Raises:
        SourcesRefusedError: Fields or answers are not what the program declares, or not equally many.
    """
    for name, group in (("field", fields), ("answer", answers)):
        for index, tensor in enumerate(group):
            _check_array(f"{name} {index}", tensor, 1)
    sources = Sources(tuple(fields), tuple(answers), parameters)
    _check_group(Kind.FIELD, program.fields, fields, (sources.count,))
    _check_group(Kind.ANSWER, program.answers, answers, (sources.count,))
    return sources


def check_score_program(program: Program, fields: Sequence[Tensor]) -> None:
    """Checks that a program scores a data set: one number for each sample, over fields that it declares.

    Fields behind those that it reads are not looked at, as on L1.

    Raises:
        SourcesRefusedError: It gives something else, or the fields are not what it declares.
    """
    if program.output.shape != ():
        raise SourcesRefusedError(
            "the score program", f"an output of shape {program.output.shape}, expected one number"
        )
    count = len(fields[0]) if fields else 1
    _check_group(Kind.FIELD, program.fields, fields[: len(program.fields)], (count,))


def _check_array(source: str, given: Any, axes: int) -> None:
    if not isinstance(given, np.ndarray) or isinstance(given, np.ma.MaskedArray):
        raise SourcesRefusedError(source, f"a {type(given).__name__}, expected an array of int32")
    if given.ndim < axes:
        raise SourcesRefusedError(source, "no axis, expected one for the samples")


def _check_group(
    kind: Kind, declared: Sequence[Value], given: Sequence[Tensor], lead: tuple[int, ...]
) -> None:
    name = _NAMES[kind]
    if len(given) != len(declared):
        raise SourcesRefusedError(f"{name}s", f"{len(given)} given, {len(declared)} declared")
    for index, (value, tensor) in enumerate(zip(declared, given, strict=True)):
        _check_tensor(f"{name} {index}", value, tensor, lead + value.shape)


def _check_tensor(source: str, value: Value, tensor: Tensor, shape: tuple[int, ...]) -> None:
    _check_array(source, tensor, 0)
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
