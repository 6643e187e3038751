"""What a job that asks a network takes for a right answer, in steps of the output's number format."""

from dataclasses import dataclass
from decimal import ROUND_FLOOR, Context

from anh_rollup.encoding.checks import INT32_MOST
from anh_rollup.importing.comparison import Comparison
from anh_rollup.importing.errors import ImportingError
from anh_rollup.tensor.properties import Answers


class ToleranceTooLargeError(ImportingError):
    """A tolerance of more steps than a score program compares with.

    Attributes:
        tolerance: In the output's own units.
        most: The largest one there is, in the same, rounded down to six digits.
    """

    def __init__(self, tolerance: float, scale: int) -> None:
        most = (INT32_MOST - 1) * 2.0**-scale
        self.tolerance = tolerance
        self.most = float(Context(prec=6, rounding=ROUND_FLOOR).create_decimal_from_float(most))
        super().__init__(
            f"the tolerance {tolerance:.6g} is too large: at most {self.most:.6g} in the output's own units",
            remedy="Give a smaller --tolerance; the report on samples shows how far off answers are.",
        )


@dataclass(frozen=True, slots=True)
class Tolerance:
    """How far off answers may be.

    Attributes:
        most: How far an element of an answer may be off, in the output's own units; of a decision, how far
            below the largest score its score may be.
        scale: Fraction bits of the output.
        answers: What the job gets of the network.

    Raises:
        ToleranceTooLargeError: It is 2^31 - 1 steps or more.
    """

    most: float
    scale: int
    answers: Answers = Answers.OUTPUT

    def __post_init__(self) -> None:
        if self.steps >= INT32_MOST:
            raise ToleranceTooLargeError(self.most, self.scale)

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
