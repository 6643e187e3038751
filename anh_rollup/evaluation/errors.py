"""Why an evaluation is refused before it starts."""

from anh_rollup.errors import AnhError


class EvaluationError(AnhError):
    """A program that cannot be evaluated on what it was given."""


class SourcesRefusedError(EvaluationError):
    """Sources that a program does not declare so.

    Attributes:
        source: Which source, as "field 0".
        reason: What is wrong, as a phrase with the values.
    """

    def __init__(self, source: str, reason: str) -> None:
        super().__init__(
            f"{source}: {reason}",
            remedy="Check that the artifacts belong to this program, and that it is what its user needs.",
        )
        self.source = source
        self.reason = reason


class ElementRefusedError(EvaluationError):
    """A question about an element, a block or a value that the program does not have.

    Attributes:
        value: Id of the value.
        reason: What is wrong, as a phrase.
    """

    def __init__(self, value: int, reason: str) -> None:
        super().__init__(
            f"value {value}: {reason}", remedy="Ask within the program's values and their shapes."
        )
        self.value = value
        self.reason = reason


class UndisputableError(EvaluationError):
    """A program with an element whose inputs do not fit one L1 transaction: nobody could refute it.

    Attributes:
        value: Id of the instruction.
        taken: Bytes that the opened inputs take.
    """

    def __init__(self, value: int, name: str, taken: int, most: int) -> None:
        super().__init__(
            f"value {value} ({name}): the inputs of one element take {taken} bytes of evidence, {most} fit",
            remedy="Transpose the input, so that the folded axis is the last, or fold axis by axis.",
        )
        self.value = value
        self.taken = taken


class ProgramTooLargeError(EvaluationError):
    """A program whose values take too much memory together.

    Attributes:
        elements: How many elements they have.
        most: The most that are taken on.
    """

    def __init__(self, elements: int, most: int) -> None:
        super().__init__(
            f"the program's values have {elements} elements together, {most} are the most",
            remedy="Use a smaller network, or fewer and smaller steps; nobody should take such a job.",
        )
        self.elements = elements
        self.most = most


class WorkTooLargeError(EvaluationError):
    """An evaluation that would take too long.

    Attributes:
        work: Multiply-adds that it takes.
        most: The most that are taken on.
    """

    def __init__(self, work: int, most: int) -> None:
        super().__init__(
            f"the evaluation takes {work} multiply-adds, {most} are the most",
            remedy="Raise --most-work if this machine can do it well within the window; "
            "or use fewer samples, or a smaller network.",
        )
        self.work = work
        self.most = most
