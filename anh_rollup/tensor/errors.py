"""Why a tensor program is refused: one type per kind of fault, all of them `ProgramError`."""

from anh_rollup.errors import AnhError


class ProgramError(AnhError):
    """A tensor program, or a piece of one, that is not accepted."""


class ShapeRefusedError(ProgramError):
    """Shapes that an instruction cannot combine.

    Attributes:
        operation: Name of the instruction.
        reason: What does not fit, as a phrase with the shapes.
    """

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(
            f"{operation}: {reason}",
            remedy="Compare the shapes with docs/tensor-programs.md and reshape the inputs.",
        )
        self.operation = operation
        self.reason = reason


class AttributesRefusedError(ProgramError):
    """Attributes outside what an instruction allows.

    Attributes:
        operation: Name of the instruction.
        reason: What is wrong, as a phrase with the values.
    """

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(
            f"{operation}: {reason}", remedy="Look up the attributes' bounds in docs/tensor-programs.md."
        )
        self.operation = operation
        self.reason = reason


class RangeRefusedError(ProgramError):
    """Intermediate results that are not proven to fit 63 bits, or a shift that is not proven legal.

    Attributes:
        operation: Name of the instruction.
        reason: What could leave its range, as a phrase with the bound.
    """

    def __init__(self, operation: str, reason: str) -> None:
        super().__init__(
            f"{operation}: {reason}",
            remedy="Declare narrower ranges for its inputs, shift them down first, or sum in two steps.",
        )
        self.operation = operation
        self.reason = reason


class ProgramRefusedError(ProgramError):
    """Values that do not make a program together.

    Attributes:
        reason: What is wrong, as a phrase.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"not a tensor program: {reason}", remedy="Build the program with `ProgramBuilder`.")
        self.reason = reason


class ProgramBytesError(ProgramError):
    """Bytes that are not the canonical encoding of a program.

    Attributes:
        offset: Where in the bytes the fault was found.
        reason: What is wrong, as a phrase.
    """

    def __init__(self, offset: int, reason: str) -> None:
        super().__init__(
            f"not the bytes of a tensor program: {reason} at byte {offset}",
            remedy="Fetch the program again from another source; its root says whether it is the right one.",
        )
        self.offset = offset
        self.reason = reason
