"""A program as text for people: one value a line."""

from collections.abc import Iterator

from anh_rollup.tensor.opcodes import Opcode, attribute_names
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.values import Kind, Value


def format_program(program: Program) -> str:
    """The readable form of a program: its root, then one value a line as `format_value` writes it."""
    return "\n".join(_lines(program)) + "\n"


def format_value(program: Program, value: int) -> str:
    """One value, as `%12 = conv %3, %4 {stride_h=1, ...} : i32[8,8,16] scale 8 in [0, 32767]`."""
    shown = program.values[value]
    dims = ",".join(map(str, shown.shape))
    return f"%{value} = {_origin(shown)} : i32[{dims}] scale {shown.scale} in [{shown.low}, {shown.high}]"


def _lines(program: Program) -> Iterator[str]:
    yield f"program 0x{program.root.hex()}"
    for value in range(len(program.values)):
        yield format_value(program, value)
    yield f"output %{len(program.values) - 1}"


def _origin(value: Value) -> str:
    if value.opcode is not None:
        return _instruction(value.opcode, value)
    if value.kind is Kind.CONSTANT:
        return f"constant 0x{value.constant.hex()[:8]}"
    return f"{value.kind.name.lower()} {value.index}"


def _instruction(opcode: Opcode, value: Value) -> str:
    inputs = ", ".join(f"%{each}" for each in value.inputs)
    pairs = zip(attribute_names(opcode, value.attributes), value.attributes, strict=True)
    attributes = ", ".join(f"{name}={number}" for name, number in pairs)
    return f"{opcode.name.lower()} {inputs}" + (f" {{{attributes}}}" if attributes else "")
