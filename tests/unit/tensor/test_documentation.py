"""docs/tensor-programs.md says what the code does: its examples are run, and it names every instruction."""

import ast
import re
from pathlib import Path

import numpy as np
import pytest

from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from tests.unit.evaluation import elementwise_definition as definition

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "tensor-programs.md").read_text()
EXAMPLES = re.findall(r"^```example\n(.*?)^```$", TEXT, re.M | re.S)
HEAD = re.compile(r"(\w+) (\(.*?\))(?: in (\(.*?\)))?")


def read(example: str) -> tuple[Program, Sources, np.ndarray]:
    head, *lines = example.splitlines()
    parts = HEAD.fullmatch(head)
    assert parts is not None, head
    *inputs, output = [np.array(ast.literal_eval(line.split(" = ")[1]), dtype=np.int32) for line in lines]
    low, high = ast.literal_eval(parts[3]) if parts[3] else (-(2**31), 2**31 - 1)
    # Elements declare their own range: the examples with shifts need one that proves them legal.
    fields = [
        Value(Kind.FIELD, each.shape, int(each.min()), int(each.max()), index=index)
        for index, each in enumerate(inputs)
    ]
    instruction = Value(
        Kind.INSTRUCTION,
        output.shape,
        low,
        high,
        opcode=Opcode[parts[1]],
        inputs=tuple(range(len(inputs))),
        attributes=ast.literal_eval(parts[2]),
    )
    return Program((*fields, instruction)), Sources(fields=tuple(each[None] for each in inputs)), output


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_what_the_page_says(example: str) -> None:
    program, sources, output = read(example)
    assert ReferenceEvaluator().evaluate(program, sources)[0].tolist() == output.tolist()


@pytest.mark.parametrize("example", EXAMPLES)
def test_an_example_gives_the_same_by_the_second_definition(example: str) -> None:
    program, sources, output = read(example)
    value = program.output
    assert value.opcode is not None
    inputs = [field[0].ravel().tolist() for field in sources.fields]
    shapes = [field.shape for field in program.fields]
    bounds = (value.low, value.high)
    assert [
        definition.element(value.opcode, value.attributes, bounds, shapes, inputs, value.shape, index)
        for index in range(value.size)
    ] == output.ravel().tolist()


@pytest.mark.parametrize("opcode", Opcode)
def test_the_page_defines_every_instruction_and_works_an_example_of_it(opcode: Opcode) -> None:
    assert re.search(rf"^## .*\b{int(opcode)} {opcode.name} \(", TEXT, re.M)
    assert any(example.startswith(f"{opcode.name} (") for example in EXAMPLES)


def test_the_program_on_the_page_can_be_written(capsys: pytest.CaptureFixture[str]) -> None:
    block = re.search(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
    assert block is not None
    exec(compile(block[1], "docs/tensor-programs.md", "exec"), {})
    assert capsys.readouterr().out.rstrip().splitlines()[-2:] == [
        "%11 = compare %10, %9 {relation=0} : i32[] scale 0 in [0, 1]",
        "output %11",
    ]
