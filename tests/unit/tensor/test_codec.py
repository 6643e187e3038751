"""Bytes of programs: one encoding each, and no bytes that a decoder chokes on."""

import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.codec import decode_program, encode_program
from anh_rollup.tensor.errors import ProgramBytesError, ProgramError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from anh_rollup.tensor.properties import accuracy
from anh_rollup.tensor.records import decode_value, encode_value
from scripts.generate_vectors.random_cases import random_case


def network() -> Program:
    b = ProgramBuilder()
    x = b.field((4, 4, 1), scale=8, low=0, high=255)
    y = b.tanh(b.conv2d(x, b.parameter((2, 3, 3, 1), scale=8)), entries=9)
    z = b.linear(b.reshape(y, (-1,)), b.constant(np.arange(24).reshape(3, 8)))
    return accuracy(b.build(z + b.constant([1, 2, 3])))


ENCODED = encode_program(network())


def test_a_program_survives_its_bytes() -> None:
    assert decode_program(ENCODED) == network()
    assert decode_program(ENCODED).values == network().values


def test_the_bytes_of_a_small_program_are_these() -> None:
    b = ProgramBuilder()
    program = b.build(b.abs(b.field((2, 3), scale=-1, low=-2, high=5)))
    field = "00 00 ff 02 00000002 00000003 fffffffe 00000005 0000"
    absolute = "04 09 ff 02 00000002 00000003 00000000 00000005 01 00000000 02 00000002 00000003 0000"
    expected = f"00000002 01 00 00000000 00000016 {field} 00000024 {absolute} 00000000"
    assert encode_program(program) == bytes.fromhex(expected)


@pytest.mark.parametrize("opcode", Opcode)
@given(seed=st.integers(0, 2**32 - 1))
def test_every_record_survives_its_bytes(opcode: Opcode, seed: int) -> None:
    program = random_case(opcode, np.random.default_rng(seed)).program
    assert decode_program(encode_program(program)) == program
    for each, record in enumerate(program.records):
        assert decode_value(record) == (program.values[each], program.input_shapes(each))


@given(st.binary(max_size=120))
def test_random_bytes_are_refused_with_a_program_error(encoded: bytes) -> None:
    with pytest.raises(ProgramError):
        decode_program(encoded)


@given(st.binary(max_size=80))
def test_random_records_decode_or_are_refused_with_a_program_error(record: bytes) -> None:
    try:
        value, shapes = decode_value(record)
    except ProgramError:
        return
    assert encode_value(value, shapes) == record


@given(st.integers(0, len(ENCODED) - 1), st.integers(0, 255))
def test_a_changed_byte_gives_another_program_or_a_program_error(place: int, byte: int) -> None:
    changed = ENCODED[:place] + bytes([byte]) + ENCODED[place + 1 :]
    try:
        program = decode_program(changed)
    except ProgramError:
        return
    assert encode_program(program) == changed
    assert (program == network()) == (changed == ENCODED)


@given(st.integers(0, len(ENCODED) - 1))
def test_bytes_that_break_off_are_refused(length: int) -> None:
    with pytest.raises(ProgramError):
        decode_program(ENCODED[:length])


def refusal(encoded: bytes) -> tuple[int, str]:
    with pytest.raises(ProgramBytesError) as refused:
        decode_program(encoded)
    return refused.value.offset, refused.value.reason


def pieces(values: list[bytes], sources: tuple[int, int, int] = (1, 0, 0), tail: bytes = bytes(4)) -> bytes:
    head = struct.pack(">IBBI", len(values), *sources)
    return head + b"".join(struct.pack(">I", len(each)) + each for each in values) + tail


FIELD = encode_value(Value(Kind.FIELD, (2,)), ())


def test_spare_bytes_are_refused() -> None:
    assert refusal(pieces([FIELD]) + b"\0") == (36, "1 bytes follow the program")
    assert refusal(pieces([FIELD + b"\0"])) == (18, "1 bytes follow the record")


def test_a_program_of_too_many_values_is_refused_before_anything_is_read() -> None:
    assert refusal(struct.pack(">I", 65_537)) == (0, "65537 values, expected 1 to 65536")
    assert refusal(struct.pack(">I", 0)) == (0, "0 values, expected 1 to 65536")


def test_a_header_that_counts_other_sources_is_refused() -> None:
    assert refusal(pieces([FIELD], (0, 1, 0))) == (
        4,
        "header counts (0, 1, 0) sources, the records (1, 0, 0)",
    )


def test_a_record_longer_than_any_is_refused() -> None:
    encoded = struct.pack(">IBBII", 1, 1, 0, 0, 2**32 - 1)
    assert refusal(encoded) == (10, "a record of 4294967295 bytes, at most 271622")


def test_a_constant_that_is_larger_than_the_bytes_is_refused_without_allocating_it() -> None:
    tail = struct.pack(">IBI", 1, 1, 2**31 - 1)
    assert refusal(pieces([FIELD], tail=tail)) == (
        41,
        "the program ends after 41 bytes, 0x1fffffffc too early",
    )


def test_more_constants_than_values_are_refused() -> None:
    assert refusal(pieces([FIELD], tail=struct.pack(">I", 2))) == (32, "2 constants of 1 values")


def test_an_input_shape_that_the_input_does_not_have_is_refused() -> None:
    absolute = Value(Kind.INSTRUCTION, (3,), opcode=Opcode.ABS, inputs=(0,))
    record = encode_value(absolute, [(3,)])
    assert refusal(pieces([FIELD, record])) == (
        36,
        "value 1 repeats ids or shapes that its inputs do not have",
    )


@pytest.mark.parametrize(
    ("place", "byte", "expected"),
    [
        (0, 5, (0, "unknown kind 5")),
        (1, 1, (1, "opcode 1 of a field")),
        (3, 9, (4, "9 axes; a tensor has at most 8")),
    ],
)
def test_a_record_with_an_unknown_mark_is_refused(place: int, byte: int, expected: tuple[int, str]) -> None:
    assert refusal(pieces([FIELD[:place] + bytes([byte]) + FIELD[place + 1 :]])) == expected


def test_constants_out_of_order_are_refused() -> None:
    b = ProgramBuilder()
    program = b.build(b.constant([1]) + b.constant([2]))
    encoded = encode_program(program)
    swapped = encoded[:-18] + encoded[-9:] + encoded[-18:-9]
    assert refusal(swapped) == (0, "not the canonical encoding of its program")


def test_a_constant_that_is_named_twice_is_stored_once() -> None:
    b = ProgramBuilder()
    program = b.build(b.constant([7]) + b.constant([7]))
    assert len(program.constants) == 1
    assert decode_program(encode_program(program)) == program
