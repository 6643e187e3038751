"""Sources that do not fit a program are refused before anything is computed."""

import numpy as np
import pytest

from anh_rollup.evaluation.errors import ProgramTooLargeError, SourcesRefusedError
from anh_rollup.evaluation.sources import MOST_EVALUATED, Sources, check_loadable, checked_sources
from anh_rollup.evaluation.workload import MOST_TRACED
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Tensor, Value


def program() -> Program:
    b = ProgramBuilder()
    x = b.field((2,), low=-5, high=5)
    return b.build(x * b.parameter((2,), low=0, high=9) + b.answer((2,), low=-1, high=1))


def array(*elements: object) -> Tensor:
    return np.array(elements, dtype=np.int32)


FIELD, ANSWER, PARAMETER = array([1, -5], [5, 0]), array([0, 1], [-1, 0]), array(0, 9)


def checked(program: Program, sources: Sources) -> Sources:
    """What an evaluator checks before it computes anything."""
    check_loadable(program, sources.parameters)
    return checked_sources(program, sources.fields, sources.answers, sources.parameters)


def test_sources_as_declared_are_accepted() -> None:
    given = Sources((FIELD,), (ANSWER,), (PARAMETER,))
    found = checked(program(), given)
    assert (found.fields, found.answers, found.parameters) == (given.fields, given.answers, given.parameters)


@pytest.mark.parametrize(
    ("sources", "message"),
    [
        (Sources((), (ANSWER,), (PARAMETER,)), "fields: 0 given, 1 declared"),
        (Sources((FIELD,), (ANSWER, ANSWER), (PARAMETER,)), "answers: 2 given, 1 declared"),
        (Sources((FIELD,), (ANSWER,), ()), "parameters: 0 given, 1 declared"),
        (Sources((FIELD[:1],), (ANSWER,), (PARAMETER,)), "answer 0: shape (2, 2), expected (1, 2)"),
        (Sources((FIELD,), (ANSWER,), (PARAMETER[:1],)), "parameter 0: shape (1,), expected (2,)"),
        (Sources((FIELD + 1,), (ANSWER,), (PARAMETER,)), "field 0: elements in [-4, 6], declared [-5, 5]"),
        (Sources((FIELD,), (ANSWER,), (PARAMETER - 1,)), "parameter 0: elements in [-1, 8], declared [0, 9]"),
        (
            Sources((FIELD.astype(np.int64),), (ANSWER,), (PARAMETER,)),  # type: ignore[arg-type]
            "field 0: type int64, expected int32",
        ),
    ],
)
def test_sources_that_differ_from_the_declaration_are_refused(sources: Sources, message: str) -> None:
    with pytest.raises(SourcesRefusedError) as refused:
        checked(program(), sources)
    assert refused.value.message == message


def test_samples_are_cut_from_fields_and_answers_alone() -> None:
    cut = Sources((FIELD,), (ANSWER,), (PARAMETER,)).samples(1, 2)
    assert (cut.fields[0].tolist(), cut.answers[0].tolist(), cut.parameters[0].tolist()) == (
        [[5, 0]],
        [[-1, 0]],
        [0, 9],
    )


def test_the_number_of_samples_is_that_of_the_first_source_with_samples() -> None:
    assert [Sources(fields=(FIELD,)).count, Sources(answers=(ANSWER,)).count, Sources().count] == [2, 2, 1]


def stretched(size: int) -> Program:
    """A program with a value of so many elements, out of a field of one: it costs its author 60 bytes."""
    field = Value(Kind.FIELD, (), 0, 1, index=0)
    attributes = (0, 1, size, 0)
    view = Value(Kind.INSTRUCTION, (size,), 0, 1, opcode=Opcode.VIEW, inputs=(0,), attributes=attributes)
    return Program((field, view))


def test_a_value_with_more_elements_than_an_evaluator_takes_on_is_refused() -> None:
    check_loadable(stretched(MOST_EVALUATED), ())

    with pytest.raises(SourcesRefusedError) as refused:
        check_loadable(stretched(MOST_EVALUATED + 1), ())
    assert refused.value.message == (
        f"the program: a value of {MOST_EVALUATED + 1} elements, {MOST_EVALUATED} are the most"
    )


def held_at_once(size: int, values: int) -> Program:
    """A program of values of so many elements, all of which its last one needs."""
    field = Value(Kind.FIELD, (), 0, 1, index=0)
    attributes = (0, 1, size, 0)
    views = [
        Value(Kind.INSTRUCTION, (size,), 0, 1, opcode=Opcode.VIEW, inputs=(0,), attributes=attributes)
        for _ in range(values)
    ]
    places = tuple(range(1, values + 1))
    joined = Value(
        Kind.INSTRUCTION, (size * values,), 0, 1, opcode=Opcode.CONCAT, inputs=places, attributes=(0,)
    )
    return Program((field, *views, joined))


def test_values_that_are_too_much_together_are_refused_though_none_is_alone() -> None:
    size = MOST_TRACED // 8
    check_loadable(held_at_once(size - 1, 4), ())

    program = held_at_once(size, 4)
    assert max(value.size for value in program.values) <= MOST_EVALUATED
    with pytest.raises(ProgramTooLargeError) as refused:
        check_loadable(program, ())
    assert (refused.value.elements, refused.value.most) == (MOST_TRACED + 1, MOST_TRACED)
    assert refused.value.message == (
        f"the program's values have {MOST_TRACED + 1} elements together, {MOST_TRACED} are the most"
    )
