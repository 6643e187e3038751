"""What keeps a program from being trained, and from answering."""

from anh_rollup.errors import AnhError


class TrainingError(AnhError):
    """A program, data or a recipe that cannot be trained with, or a training that failed.

    Attributes:
        reason: What is wrong.
    """

    def __init__(
        self, reason: str, *, remedy: str = "Choose another recipe, or mend data or program."
    ) -> None:
        super().__init__(f"training is not possible: {reason}", remedy=remedy)
        self.reason = reason


class AnsweringError(AnhError):
    """Data, a program or a model that cannot be answered with, or an engine that fails.

    Attributes:
        reason: What is wrong.
    """

    def __init__(self, reason: str, *, remedy: str = "Mend data, model or program.") -> None:
        super().__init__(f"answering is not possible: {reason}", remedy=remedy)
        self.reason = reason


class HintsError(AnhError):
    """A recipe document that is none.

    Attributes:
        reason: What is wrong with it.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the training hints cannot be used: {reason}",
            remedy="Write them as docs/training.md says, or train without them.",
        )
        self.reason = reason
