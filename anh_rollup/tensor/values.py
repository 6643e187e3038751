"""One value of a program: a source of elements, or an instruction on earlier values."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Final

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape
from anh_rollup.primitives import DIGEST_SIZE
from anh_rollup.tensor.errors import ProgramRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.shapes import check_shape


class Kind(IntEnum):
    """Where a value's elements come from."""

    FIELD = 0
    ANSWER = 1
    PARAMETER = 2
    CONSTANT = 3
    INSTRUCTION = 4


#: The kinds that are numbered and come from outside the program.
SOURCES: Final = (Kind.FIELD, Kind.ANSWER, Kind.PARAMETER)


@dataclass(frozen=True, slots=True)
class Value:
    """One value of a program. Its id is its place in the program.

    Attributes:
        kind: Where its elements come from.
        shape: Its dimensions, each at least 1, at most 8 of them.
        low, high: The declared range of a source's elements; what an instruction's elements are clamped to.
        scale: Fraction bits of the fixed-point reading: an element stands for element / 2^scale. Never enters
            the arithmetic.
        index: Which field, answer or parameter it is; 0 otherwise.
        constant: Root of a constant's tensor (32 bytes); empty otherwise.
        opcode: The instruction; None otherwise.
        inputs: Ids of an instruction's inputs.
        attributes: An instruction's attributes, int32 each.

    Raises:
        ProgramRefusedError: Where a field is out of its bounds or does not belong to the kind.
    """

    kind: Kind
    shape: Shape
    low: int = INT32_LEAST
    high: int = INT32_MOST
    scale: int = 0
    index: int = 0
    constant: bytes = b""
    opcode: Opcode | None = None
    inputs: tuple[int, ...] = ()
    attributes: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        check_shape(self.name, self.shape)
        if not INT32_LEAST <= self.low <= self.high <= INT32_MOST:
            raise ProgramRefusedError(f"range [{self.low}, {self.high}] of a value is no range of int32")
        if not -128 <= self.scale <= 127:
            raise ProgramRefusedError(f"scale {self.scale} is no int8")
        if not 0 <= self.index < (2**16 if self.kind in SOURCES else 1):
            raise ProgramRefusedError(f"index {self.index} of a {self.kind.name.lower()}")
        if len(self.constant) != (DIGEST_SIZE if self.kind is Kind.CONSTANT else 0):
            raise ProgramRefusedError(f"a {self.kind.name.lower()} with {len(self.constant)} bytes of root")
        if (self.opcode is None) == (self.kind is Kind.INSTRUCTION):
            raise ProgramRefusedError(f"a {self.kind.name.lower()} with opcode {self.opcode}")
        if self.opcode is None and (self.inputs or self.attributes):
            raise ProgramRefusedError(f"a {self.kind.name.lower()} with inputs or attributes")

    @property
    def name(self) -> str:
        """The instruction's or the kind's name, for messages."""
        return self.kind.name if self.opcode is None else self.opcode.name

    @property
    def size(self) -> int:
        """Number of elements."""
        product = 1
        for dimension in self.shape:
            product *= dimension
        return product
