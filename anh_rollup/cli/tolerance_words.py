"""What a tolerance asks of answers: in steps of the output's number format, beside what onnxruntime gives."""

from collections.abc import Iterator
from dataclasses import dataclass

from anh_rollup.cli.network_words import Rows
from anh_rollup.importing.comparison import Comparison


@dataclass(frozen=True, slots=True)
class EqualityWarning:
    """A tolerance that rounds to none.

    Attributes:
        tolerance: In the output's own units.
        step: Of the output's number format, in the same.
    """

    tolerance: float
    step: float

    def __str__(self) -> str:
        return (
            f"the tolerance {self.tolerance:.6g} is no more than half a step of the output's format, "
            f"{self.step:.6g}: answers have to equal the exact evaluation's, which native ones seldom do"
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


@dataclass(frozen=True, slots=True)
class Tolerance:
    """What a job asks of answers.

    Attributes:
        most: How far an element of an answer may be off, in the output's own units; of a decision, how far
            below the largest score its score may be.
        scale: Fraction bits of the output.
        decides: Whether answers are decisions.
    """

    most: float
    scale: int
    decides: bool = False

    @property
    def steps(self) -> int:
        """It in steps of the output's number format, rounded."""
        return round(self.most * 2.0**self.scale)

    def rows(self, found: Comparison) -> Rows:
        """How many of onnxruntime's answers are within it."""
        near = found.samples - self._far(found)
        what = "decisions" if self.decides else "answers"
        share = f"{near / found.samples:.2%} of {found.samples:,}"
        return [(f"onnxruntime's {what} within {self.most:.6g}", share)]

    def warnings(self, found: Comparison | None) -> Iterator[EqualityWarning | FarAnswersWarning]:
        """What to know before a job asks for it; `found` is the comparison, where there are samples.

        A decision of onnxruntime's is often the exact one: equality is nothing to warn of there.
        """
        if self.steps == 0 and not self.decides:
            yield EqualityWarning(self.most, 2.0**-self.scale)
        if found is not None and (far := self._far(found)):
            yield FarAnswersWarning(far, found.samples)

    def _far(self, found: Comparison) -> int:
        return sum(each > self.steps for each in (found.steps_below if self.decides else found.steps_off))
