"""Canonical bytes of a whole program, as the artifact store keeps them (docs/encoding.md).

values u32, fields u8, answers u8, parameters u32; per value: length u32, record;
constants u32; per constant in order of first use: rank u8, dims u32.., elements int32 big-endian
"""

import struct

from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.reader import Reader
from anh_rollup.encoding.tensors import TensorTree, encode_tensor, read_tensor
from anh_rollup.tensor.errors import ProgramBytesError
from anh_rollup.tensor.program import MOST_VALUES, Program
from anh_rollup.tensor.records import MOST_RECORD_BYTES, decode_value
from anh_rollup.tensor.values import SOURCES, Value


def encode_program(program: Program) -> bytes:
    """The canonical bytes of a program; `decode_program` gives it back."""
    counts = [len(program.source_ids(kind)) for kind in SOURCES]
    pieces = [struct.pack(">IBBI", len(program.values), *counts)]
    for record in program.records:
        pieces += [struct.pack(">I", len(record)), record]
    pieces.append(struct.pack(">I", len(program.constants)))
    pieces += [encode_tensor(tensor) for tensor in program.constants.values()]
    return b"".join(pieces)


def decode_program(encoded: bytes) -> Program:
    """The program of canonical bytes, checked as a whole.

    Memory stays within a small multiple of the input's length. For a given root, compare `Program.root`.

    Raises:
        ProgramBytesError: Where the bytes are not the canonical encoding of anything.
        ProgramError: Where they encode values that do not make a valid program.
    """
    reader = Reader(encoded, "the program")
    try:
        program = _read_program(reader)
    except EncodingError as error:
        raise ProgramBytesError(reader.offset, error.message) from error
    # Catches whatever else has a second encoding: constants out of order or repeated.
    if encode_program(program) != encoded:
        raise ProgramBytesError(0, "not the canonical encoding of its program")
    return program


def _read_program(reader: Reader) -> Program:
    count = reader.uint(4)
    if not 1 <= count <= MOST_VALUES:
        raise ProgramBytesError(0, f"{count} values, expected 1 to {MOST_VALUES}")
    header = (reader.uint(1), reader.uint(1), reader.uint(4))
    values = _decode_values(reader, count)
    found = tuple(sum(value.kind is kind for value in values) for kind in SOURCES)
    if header != found:
        raise ProgramBytesError(4, f"header counts {header} sources, the records {found}")
    tensors = [read_tensor(reader) for _ in range(_constant_count(reader, count))]
    reader.end()
    return Program(tuple(values), {TensorTree(tensor).root: tensor for tensor in tensors})


def _decode_values(reader: Reader, count: int) -> list[Value]:
    values: list[Value] = []
    for _ in range(count):
        length = reader.uint(4)
        start = reader.offset
        if length > MOST_RECORD_BYTES:
            raise ProgramBytesError(start - 4, f"a record of {length} bytes, at most {MOST_RECORD_BYTES}")
        value, shapes = decode_value(reader.take(length))
        before = len(values)
        if any(
            each >= before or values[each].shape != shape
            for each, shape in zip(value.inputs, shapes, strict=True)
        ):
            raise ProgramBytesError(
                start, f"value {before} repeats ids or shapes that its inputs do not have"
            )
        values.append(value)
    return values


def _constant_count(reader: Reader, values: int) -> int:
    count = reader.uint(4)
    if count > values:
        raise ProgramBytesError(reader.offset - 4, f"{count} constants of {values} values")
    return count
