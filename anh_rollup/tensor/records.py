"""The byte record of one value: what a program's leaves hash and a contract reads (docs/tensor-programs.md).

All integers big-endian:

    kind u8, opcode u8, scale i8, rank u8, dims u32.., low i32, high i32, then by kind
    field, answer, parameter:  index u16
    constant:                  tensorRoot, 32 bytes
    instruction:               inputs u8, per input id u32, rank u8, dims u32.., attributes u16, i32 each
"""

import struct
from collections.abc import Sequence
from typing import Final, TypeVar

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.tensors import MOST_RANK, Shape, encode_shape, read_shape
from anh_rollup.primitives import DIGEST_SIZE
from anh_rollup.tensor.errors import ProgramBytesError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.values import SOURCES, Kind, Value

_Number = TypeVar("_Number", Kind, Opcode)

#: Longest record: a CONCAT of 255 inputs of rank 8, or 65,535 attributes; checked before allocating.
MOST_RECORD_BYTES: Final = 4 + 4 * MOST_RANK + 8 + 1 + 255 * (5 + 4 * MOST_RANK) + 2 + 4 * 65_535


def encode_value(value: Value, input_shapes: Sequence[Shape]) -> bytes:
    """The record of a value whose inputs have these shapes.

    Args:
        value: The value.
        input_shapes: Shapes of its inputs, in order; empty for a source or constant.
    """
    head = struct.pack(">BBb", value.kind, value.opcode or 0, value.scale)
    head += encode_shape(value.shape) + struct.pack(">ii", value.low, value.high)
    if value.kind in SOURCES:
        return head + struct.pack(">H", value.index)
    if value.kind is Kind.CONSTANT:
        return head + value.constant
    inputs = b"".join(
        struct.pack(">I", each) + encode_shape(shape)
        for each, shape in zip(value.inputs, input_shapes, strict=True)
    )
    count = len(value.attributes)
    return head + bytes([len(value.inputs)]) + inputs + struct.pack(f">H{count}i", count, *value.attributes)


def decode_value(record: bytes) -> tuple[Value, tuple[Shape, ...]]:
    """The value of a record, and the shapes that it repeats for its inputs.

    Raises:
        ProgramBytesError: Where the bytes are no record, or not the only encoding of one.
        ProgramError: Where they are, of a value that no program can hold.
    """
    reader = Reader(record, "the record")
    try:
        return _read_value(reader)
    except EncodingError as error:
        raise ProgramBytesError(reader.offset, error.message) from error


def _read_value(reader: Reader) -> tuple[Value, tuple[Shape, ...]]:
    kind = _member(reader, Kind, reader.uint(1))
    opcode_number = reader.uint(1)
    opcode = _member(reader, Opcode, opcode_number) if kind is Kind.INSTRUCTION else None
    if opcode is None and opcode_number != 0:
        raise ProgramBytesError(1, f"opcode {opcode_number} of a {kind.name.lower()}")
    scale = reader.signed(1)
    shape = read_shape(reader)
    low, high = reader.signed(4), reader.signed(4)
    index = reader.uint(2) if kind in SOURCES else 0
    constant = reader.take(DIGEST_SIZE) if kind is Kind.CONSTANT else b""
    inputs, shapes, attributes = _decode_instruction(reader) if opcode is not None else ((), (), ())
    reader.end()
    return Value(kind, shape, low, high, scale, index, constant, opcode, inputs, attributes), shapes


def _decode_instruction(reader: Reader) -> tuple[tuple[int, ...], tuple[Shape, ...], tuple[int, ...]]:
    inputs, shapes = [], []
    for _ in range(reader.uint(1)):
        inputs.append(reader.uint(4))
        shapes.append(read_shape(reader))
    count = reader.uint(2)
    attributes = struct.unpack(f">{count}i", reader.take(4 * count))
    return tuple(inputs), tuple(shapes), attributes


def _member(reader: Reader, enum: type[_Number], number: int) -> _Number:
    try:
        return enum(number)
    except ValueError:
        raise ProgramBytesError(reader.offset - 1, f"unknown {enum.__name__.lower()} {number}") from None
