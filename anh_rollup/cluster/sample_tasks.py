"""What nodes of a cluster do for an evaluation: functions that they import from their own package."""

from collections import OrderedDict
from typing import Final

from anh_rollup.evaluation.backend import LoadedProgram
from anh_rollup.evaluation.fast_backend import fastest_evaluator
from anh_rollup.tensor.codec import decode_program
from anh_rollup.tensor.program import Tensor

#: Programs that a worker keeps loaded: a role evaluates as many at a time (`MOST_EVALUATIONS`).
MOST_LOADED: Final = 2

_LOADED: Final[OrderedDict[str, LoadedProgram]] = OrderedDict()

Model = tuple[str, bytes, tuple[Tensor, ...]]
"""A program, encoded, with its parameters, behind a name that nothing else has."""


def evaluate_rows(model: Model, fields: tuple[Tensor, ...], answers: tuple[Tensor, ...]) -> Tensor:
    """The output for some samples: int32 array (N, *output shape).

    Args:
        model: The program, which is loaded once in a process.
        fields: See `LoadedProgram.evaluate`.
        answers: See `LoadedProgram.evaluate`.
    """
    return _loaded(model).evaluate(fields, answers)


def _loaded(model: Model) -> LoadedProgram:
    name, program, parameters = model
    if name not in _LOADED:
        _LOADED[name] = fastest_evaluator().load(decode_program(program), parameters)
    _LOADED.move_to_end(name)
    while len(_LOADED) > MOST_LOADED:
        _LOADED.popitem(last=False)
    return _LOADED[name]
