"""What a job that asks a network takes for a right answer, in steps of the output's number format."""

from dataclasses import dataclass

from anh_rollup.importing.comparison import Comparison
from anh_rollup.tensor.properties import Answers


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far off answers may be.

    Attributes:
        most: How far an element of an answer may be off, in the output's own units; of a decision, how far
            below the largest score its score may be.
        scale: Fraction bits of the output.
        answers: What the job gets of the network.
    """

    most: float
    scale: int
    answers: Answers = Answers.OUTPUT

    @property
    def step(self) -> float:
        """Of the output's number format, in the output's own units."""
        return 2.0**-self.scale

    @property
    def steps(self) -> int:
        """It in steps, rounded."""
        return round(self.most * 2.0**self.scale)

    @property
    def asks_equality(self) -> bool:
        """Whether no answer but the exact evaluation's is right; a decision needs an equal score alone."""
        return self.steps == 0 and self.answers is Answers.OUTPUT

    def far(self, found: Comparison) -> int:
        """How many of onnxruntime's answers are further off."""
        off = found.steps_off if self.answers is Answers.OUTPUT else found.steps_below
        return sum(each > self.steps for each in off)
