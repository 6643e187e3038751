"""A score program of a dozen values that uses fields, parameters, a constant, and sums short and long."""

import numpy as np

from anh_rollup.encoding.tensors import TensorTree
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value

IMAGE, LABEL, KERNEL, BIAS, TABLE, CONV, ACTIVE, WIDE, WEIGHTS, LOGITS, GUESS, SCORE = range(12)


def small_program():
    """Accuracy of: convolution, table, tiling to 1,152 elements, a matmul over all of them, argmax."""
    table = np.array([-40, -30, -20, -10, 0, 25, 50, 75, 100], dtype=np.int32)
    root = TensorTree(table).root

    def instruction(opcode, shape, inputs, attributes, low=-(2**31), high=2**31 - 1):
        return Value(Kind.INSTRUCTION, shape, low, high, opcode=opcode, inputs=inputs, attributes=attributes)

    values = (
        Value(Kind.FIELD, (6, 6, 2), -128, 127, index=0),
        Value(Kind.FIELD, (), 0, 2, index=1),
        Value(Kind.PARAMETER, (4, 3, 3, 2), -128, 127, index=0),
        Value(Kind.PARAMETER, (4,), -1000, 1000, index=1),
        Value(Kind.CONSTANT, (9,), -40, 100, constant=root),
        instruction(Opcode.CONV, (6, 6, 4), (0, 2, 3), (4, 0, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1), -4096, 4095),
        instruction(Opcode.TABLE, (6, 6, 4), (5, 4), (-4096, 10), -128, 127),
        instruction(Opcode.VIEW, (1152,), (6,), (0, 2, 8, 144, 0, 1), -128, 127),
        Value(Kind.PARAMETER, (3, 1152), -128, 127, index=2),
        instruction(Opcode.MATMUL, (3,), (7, 8), (2, 0, 0)),
        instruction(Opcode.REDUCE, (), (9,), (2, 0, 0, 1)),
        instruction(Opcode.COMPARE, (), (10, 1), (0,)),
    )
    return Program(values, {root: table})


def deep_program(steps=150):
    """A chain of shifts: a trace of more than 64 values, so that its tree is descended in two reveals."""
    shifts = [
        Value(Kind.INSTRUCTION, (), opcode=Opcode.SHIFT, inputs=(step,), attributes=(0,))
        for step in range(steps)
    ]
    return Program((Value(Kind.FIELD, (), -1000, 1000, index=0), *shifts))


def random_parameters(program, seed):
    """Elements for every parameter, inside the declared ranges."""
    chance = np.random.default_rng(seed)
    return tuple(
        chance.integers(each.low, each.high + 1, each.shape, dtype=np.int32) for each in program.parameters
    )


def random_fields(program, count, seed):
    """`count` samples inside the declared ranges."""
    chance = np.random.default_rng(seed)
    return tuple(
        chance.integers(each.low, each.high + 1, (count, *each.shape), dtype=np.int32)
        for each in program.fields
    )
