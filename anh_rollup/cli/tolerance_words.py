"""What is told of a tolerance: beside what onnxruntime gives, and where no native answer keeps it."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from anh_rollup.cli.network_words import Rows
from anh_rollup.importing.comparison import Comparison
from anh_rollup.importing.tolerance import Tolerance
from anh_rollup.tensor.properties import Answers

_ANSWERS: Final = {Answers.OUTPUT: "answers", Answers.DECISIONS: "decisions"}


@dataclass(frozen=True, slots=True)
class EqualityWarning:
    """A tolerance that rounds to zero steps.

    Attributes:
        tolerance: In the output's own units.
        step: Of the output's number format, in the same.
    """

    tolerance: float
    step: float

    def __str__(self) -> str:
        return (
            f"the tolerance {self.tolerance:.6g} is no more than half a step of the output's format, "
            f"{self.step / 2:.6g}: answers have to equal the exact evaluation's, which native ones seldom do"
        )


@dataclass(frozen=True, slots=True)
class FarAnswersWarning:
    """A tolerance that onnxruntime's answers do not keep.

    Attributes:
        far: Samples whose answers are further off.
        samples: How many samples were held back.
    """

    far: int
    samples: int

    def __str__(self) -> str:
        return (
            f"onnxruntime's answers to {self.far:,} of {self.samples:,} samples held back are further off "
            "than the tolerance: accountants then evaluate all questions exactly, which takes longer, and "
            "one with --unchecked-answers may lose its bond"
        )


def tolerance_rows(tolerance: Tolerance, found: Comparison) -> Rows:
    """How many of onnxruntime's answers are within a tolerance."""
    near = found.samples - tolerance.far(found)
    share = f"{near / found.samples:.2%} of {found.samples:,}"
    return [(f"onnxruntime's {_ANSWERS[tolerance.answers]} within {tolerance.most:.6g}", share)]


def tolerance_warnings(
    tolerance: Tolerance, found: Comparison | None
) -> Iterator[EqualityWarning | FarAnswersWarning]:
    """What to know before a job asks for a tolerance.

    Onnxruntime's decisions and whole numbers are often the exact ones: equality is no matter there.

    Args:
        tolerance: The tolerance.
        found: The comparison with onnxruntime, where there are samples.
    """
    if tolerance.asks_equality and tolerance.scale > 0:
        yield EqualityWarning(tolerance.most, tolerance.step)
    if found is not None and (far := tolerance.far(found)):
        yield FarAnswersWarning(far, found.samples)
