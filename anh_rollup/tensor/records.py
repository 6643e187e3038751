"""The byte record of one value: what a program's leaves hash and a contract reads (docs/tensor-programs.md).

All integers big-endian:

    kind u8, opcode u8, scale i8, rank u8, dims u32.., low i32, high i32, then by kind
    field, answer, parameter:  index u16
    constant:                  tensorRoot, 32 bytes
    instruction:               inputs u8, per input id u32, rank u8, dims u32.., attributes u16, i32 each
"""

import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

from anh_rollup.encoding.tensors import MOST_RANK, Shape
from anh_rollup.tensor.errors import ProgramBytesError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.values import SOURCES, Kind, Value

_Number = TypeVar("_Number", Kind, Opcode)

#: Longest record: a CONCAT of 255 inputs of rank 8, or 65,535 attributes; checked before allocating.
MOST_RECORD_BYTES: Final = 4 + 4 * MOST_RANK + 8 + 1 + 255 * (5 + 4 * MOST_RANK) + 2 + 4 * 65_535


def encode_record(value: Value, input_shapes: Sequence[Shape]) -> bytes:
    """The record of a value whose inputs have these shapes.

    Args:
        value: The value.
        input_shapes: Shapes of its inputs, in order; empty for a source or constant.
    """
    head = struct.pack(">BBb", value.kind, value.opcode or 0, value.scale)
    head += _encode_shape(value.shape) + struct.pack(">ii", value.low, value.high)
    if value.kind in SOURCES:
        return head + struct.pack(">H", value.index)
    if value.kind is Kind.CONSTANT:
        return head + value.constant
    inputs = b"".join(
        struct.pack(">I", each) + _encode_shape(shape)
        for each, shape in zip(value.inputs, input_shapes, strict=True)
    )
    count = len(value.attributes)
    return head + bytes([len(value.inputs)]) + inputs + struct.pack(f">H{count}i", count, *value.attributes)


def _encode_shape(shape: Shape) -> bytes:
    return struct.pack(f">B{len(shape)}I", len(shape), *shape)


@dataclass(slots=True)
class Reader:
    """Takes integers off the front of bytes; every take is bounded by what is left.

    Attributes:
        source: All the bytes.
        offset: How many were taken.
    """

    source: bytes
    offset: int = 0

    def take(self, length: int) -> bytes:
        """The next bytes. Raises `ProgramBytesError` where fewer are left."""
        if length > len(self.source) - self.offset:
            raise ProgramBytesError(self.offset, f"{length} more bytes expected")
        self.offset += length
        return self.source[self.offset - length : self.offset]

    def unsigned(self, width: int) -> int:
        """The next unsigned integer of so many bytes."""
        return int.from_bytes(self.take(width), "big")

    def signed(self, width: int) -> int:
        """The next two's complement integer of so many bytes."""
        return int.from_bytes(self.take(width), "big", signed=True)

    def shape(self) -> Shape:
        """The next rank and dimensions; at most eight dimensions."""
        rank = self.unsigned(1)
        if rank > MOST_RANK:
            raise ProgramBytesError(self.offset - 1, f"rank {rank} above {MOST_RANK}")
        return tuple(self.unsigned(4) for _ in range(rank))

    def finish(self) -> None:
        """Raises `ProgramBytesError` where bytes are left over."""
        if self.offset != len(self.source):
            raise ProgramBytesError(self.offset, f"{len(self.source) - self.offset} spare bytes")


def decode_record(record: bytes) -> tuple[Value, tuple[Shape, ...]]:
    """The value of a record, and the shapes that it repeats for its inputs.

    Raises:
        ProgramBytesError: Where the bytes are no record, or not the only encoding of one.
        ProgramError: Where they are, of a value that no program can hold.
    """
    reader = Reader(record)
    kind = _member(reader, Kind, reader.unsigned(1))
    opcode_number = reader.unsigned(1)
    opcode = _member(reader, Opcode, opcode_number) if kind is Kind.INSTRUCTION else None
    if opcode is None and opcode_number != 0:
        raise ProgramBytesError(1, f"opcode {opcode_number} of a {kind.name.lower()}")
    scale = reader.signed(1)
    shape = reader.shape()
    low, high = reader.signed(4), reader.signed(4)
    index = reader.unsigned(2) if kind in SOURCES else 0
    constant = reader.take(32) if kind is Kind.CONSTANT else b""
    inputs, shapes, attributes = _decode_instruction(reader) if opcode is not None else ((), (), ())
    reader.finish()
    return Value(kind, shape, low, high, scale, index, constant, opcode, inputs, attributes), shapes


def _decode_instruction(reader: Reader) -> tuple[tuple[int, ...], tuple[Shape, ...], tuple[int, ...]]:
    inputs, shapes = [], []
    for _ in range(reader.unsigned(1)):
        inputs.append(reader.unsigned(4))
        shapes.append(reader.shape())
    count = reader.unsigned(2)
    attributes = struct.unpack(f">{count}i", reader.take(4 * count))
    return tuple(inputs), tuple(shapes), attributes


def _member(reader: Reader, enum: type[_Number], number: int) -> _Number:
    try:
        return enum(number)
    except ValueError:
        raise ProgramBytesError(reader.offset - 1, f"unknown {enum.__name__.lower()} {number}") from None
