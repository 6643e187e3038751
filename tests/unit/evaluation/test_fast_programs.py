"""The fast evaluators on whole random programs: what lives how long, and how many samples run at once."""

from dataclasses import replace
from math import prod

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation.exact_sums import LINEAR
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_program import TorchEvaluator
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import RangeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from scripts.generate_vectors.random_cases import random_case, random_range, random_shape, random_tensor
from tests.doubles.evaluators import same
from tests.doubles.small_program import random_fields, random_parameters, small_program


def random_program(rng: np.random.Generator, instructions: int) -> Program:
    """Random instructions, each of which reads views of any values before it.

    Some sums of products are there twice, with the same parameter's elements by inputs of different ranges.
    """
    kinds = (Kind.FIELD, Kind.FIELD, Kind.PARAMETER)
    values = [
        Value(kind, random_shape(rng, 1, 3), *random_range(rng, 32), index=kinds[:place].count(kind))
        for place, kind in enumerate(kinds)
    ]
    for _ in range(instructions):
        case = random_case(Opcode(int(rng.choice(list(Opcode)))), rng)
        output, (wanted, *others) = case.program.output, case.program.fields
        is_twice = output.opcode in LINEAR and bool(rng.integers(2))
        seen = len(values)
        for each in others:
            source = kinds.index(Kind.PARAMETER) if is_twice else int(rng.integers(seen))
            values.append(view(values, source, each, rng))
        firsts = [wanted]
        if is_twice:
            firsts.insert(int(rng.integers(2)), narrowed(wanted, int(rng.integers(1, 32))))
        for first in firsts:
            inputs = (len(values), *range(seen, seen + len(others)))
            values.append(view(values, int(rng.integers(seen)), first, rng))
            values.append(
                Value(
                    Kind.INSTRUCTION, output.shape, output.low, output.high,
                    opcode=output.opcode, inputs=inputs, attributes=output.attributes,
                )
            )  # fmt: skip
    return Program(tuple(values))


def narrowed(value: Value, bits: int) -> Value:
    """A value whose elements have so many bits less."""
    return replace(value, low=value.low >> bits, high=value.high >> bits)


def view(values: list[Value], source: int, wanted: Value, rng: np.random.Generator) -> Value:
    """Elements of an earlier value in the shape and range that an instruction wants."""
    shape: Shape = wanted.shape
    spare = prod(values[source].shape) - 1
    strides = []
    for size in shape:
        most = spare // (size - 1) if size > 1 else 0
        strides.append(int(rng.integers(0, min(most, 7) + 1)))
        spare -= (size - 1) * strides[-1]
    attributes = (int(rng.integers(0, spare + 1)), len(shape), *shape, *strides)
    return Value(
        Kind.INSTRUCTION, shape, wanted.low, wanted.high,
        opcode=Opcode.VIEW, inputs=(source,), attributes=attributes,
    )  # fmt: skip


def random_sources(program: Program, samples: int, rng: np.random.Generator) -> Sources:
    """Extreme and ordinary elements."""
    return Sources(
        tuple(random_tensor((samples, *each.shape), (each.low, each.high), rng) for each in program.fields),
        (),
        tuple(random_tensor(each.shape, (each.low, each.high), rng) for each in program.parameters),
    )


@given(
    seed=st.integers(0, 2**32 - 1),
    instructions=st.integers(1, 12),
    samples=st.integers(1, 9),
    memory=st.sampled_from([1, 5_000, 50_000, 1 << 25]),
)
def test_random_programs_give_the_reference_bytes(
    seed: int, instructions: int, samples: int, memory: int
) -> None:
    rng = np.random.default_rng(seed)
    program = random_program(rng, instructions)
    same(
        program,
        random_sources(program, samples, rng),
        FastEvaluator(memory=memory),
        TorchEvaluator(memory=memory),
    )


def test_no_samples_give_no_outputs() -> None:
    program = small_program()
    sources = Sources(random_fields(program, 0, 1), (), random_parameters(program, 2))
    for evaluator in (FastEvaluator(), TorchEvaluator(), ReferenceEvaluator()):
        outputs = evaluator.evaluate(program, sources)
        assert (outputs.shape, outputs.dtype) == ((0,), np.dtype(np.int32))


@pytest.mark.parametrize("kind", [Kind.FIELD, Kind.PARAMETER])
def test_a_source_can_be_the_output(kind: Kind) -> None:
    other = Kind.PARAMETER if kind is Kind.FIELD else Kind.FIELD
    program = Program((Value(other, (2,), index=0), Value(kind, (3,), index=0)))
    same(program, Sources(random_fields(program, 4, 1), (), random_parameters(program, 2)))


@pytest.mark.parametrize("opcode", [Opcode.ABS, Opcode.SHIFT, Opcode.MIN, Opcode.MUL, Opcode.SUB, Opcode.DIV])
def test_the_least_int32_is_no_special_case(opcode: Opcode) -> None:
    attributes = {Opcode.SHIFT: (0,), Opcode.MUL: (0,), Opcode.SUB: (0, 0, 0), Opcode.DIV: (0,)}
    count = 1 if opcode in (Opcode.ABS, Opcode.SHIFT) else 2
    values = [Value(Kind.FIELD, (3,), index=each) for each in range(count)]
    values.append(
        Value(
            Kind.INSTRUCTION, (3,), opcode=opcode,
            inputs=tuple(range(count)), attributes=attributes.get(opcode, ()),
        )
    )  # fmt: skip
    ends = np.array([[INT32_LEAST, INT32_LEAST, INT32_MOST], [INT32_LEAST, INT32_MOST, -1]], dtype=np.int32)
    program = Program(tuple(values))
    same(program, Sources(fields=(ends, ends[:, ::-1].copy())[:count]))


def convolved(
    x: Shape, kernel: Shape, geometry: tuple[int, ...], *, own_kernel: bool = False, bits: int = 16
) -> tuple[Program, Sources]:
    """A convolution with the attributes from the strides on; `own_kernel` gives each sample its kernel."""
    kind = Kind.FIELD if own_kernel else Kind.PARAMETER
    sources = (
        Value(Kind.FIELD, x, -(2 ** (bits - 1)), 2 ** (bits - 1) - 1, index=0),
        Value(kind, kernel, -(2**15), 2**15 - 1, index=int(own_kernel)),
    )
    stride_h, stride_w, top, left, bottom, right, dilation_h, dilation_w, _groups = geometry
    height, width = (1, *x)[-3:-1]
    kernel_h, kernel_w = (1, *kernel[1:-1])[-2:]
    rows = (height + top + bottom - dilation_h * (kernel_h - 1) - 1) // stride_h + 1
    columns = (width + left + right - dilation_w * (kernel_w - 1) - 1) // stride_w + 1
    output = Value(
        Kind.INSTRUCTION, (rows, columns, kernel[0])[3 - len(x) :],
        opcode=Opcode.CONV, inputs=(0, 1), attributes=(9, 0, 0, *geometry),
    )  # fmt: skip
    program = Program((*sources, output))
    return program, Sources(random_fields(program, 2, 1), (), random_parameters(program, 2))


PLAIN = (1, 1, 0, 0, 0, 0, 1, 1, 1)


@pytest.mark.parametrize("own_kernel", [False, True])
@pytest.mark.parametrize("bits", [8, 16, 31])
def test_rows_that_no_cache_holds_are_worked_on_in_pieces(own_kernel: bool, bits: int) -> None:
    same(*convolved((400, 48), (3, 96, 48), PLAIN, own_kernel=own_kernel, bits=bits))
    same(
        *convolved((9, 300, 6), (4, 5, 96, 3), (2, 1, 1, 7, 2, 0, 1, 3, 2), own_kernel=own_kernel, bits=bits)
    )


def test_long_kernels_of_single_channels_are_worked_on_in_pieces() -> None:
    same(*convolved((1200, 64), (128, 60, 1), (*PLAIN[:-1], 64)))


@pytest.mark.parametrize(
    ("x", "kernel", "geometry"),
    [
        ((1, 1, 1), (2, 1, 1, 1), (65535, 65535, 65535, 65535, 65535, 65535, 1, 1, 1)),
        ((2, 3, 2), (2, 2, 2, 2), (1, 1, 65535, 65535, 0, 0, 65535, 65535, 1)),
    ],
)
@pytest.mark.parametrize("own_kernel", [False, True])
def test_margins_that_no_tap_reads_take_no_memory(
    x: Shape, kernel: Shape, geometry: tuple[int, ...], own_kernel: bool
) -> None:
    # Written down, either image would take more than 30 GiB.
    same(*convolved(x, kernel, geometry, own_kernel=own_kernel))


def test_a_program_beyond_every_float_is_refused_before_it_runs() -> None:
    values = (
        Value(Kind.FIELD, (4,), index=0),
        Value(Kind.FIELD, (2, 4), index=1),
        Value(Kind.INSTRUCTION, (2,), opcode=Opcode.MATMUL, inputs=(0, 1), attributes=(0, 0, 0)),
    )
    with pytest.raises(RangeRefusedError):
        Program(values)


@pytest.mark.parametrize("bound", [2**24, 2**24 + 1, -(2**24) - 1, INT32_LEAST + 1, INT32_MOST])
def test_small_sums_are_clamped_to_bounds_that_float32_does_not_hold(bound: int) -> None:
    b = ProgramBuilder()
    x, w = b.field((3,), low=0, high=1), b.parameter((2, 3), low=0, high=1)
    program = b.build(b.emit(Opcode.MATMUL, [x, w], (0, 0, 0), low=bound, high=bound))
    ones = [np.ones((3, 3), np.int32), np.ones((2, 3), np.int32)]
    same(program, Sources((ones[0],), (), (ones[1],)))


@pytest.mark.parametrize("kind", ["field", "parameter"])
@pytest.mark.parametrize("strides", [(1, 8, 4), (1, 4, 12), (6, 2, 1), (2, 8, 1), (0, 1, 3)])
def test_margins_are_zeros_however_the_image_lies_in_memory(kind: str, strides: tuple[int, ...]) -> None:
    b = ProgramBuilder()
    x, w = b.field((24,), low=0, high=2**30), getattr(b, kind)((2, 1, 2, 2), low=0, high=2**30)
    image = b.emit(Opcode.VIEW, [x], (0, 3, 4, 3, 2, *strides), shape=(4, 3, 2), low=0, high=2**30)
    # Margins above and below, strides and dilations of 1, one group.
    attributes = (20, 0, 0, 1, 1, 1, 0, 1, 0, 1, 1, 1)
    program = b.build(b.emit(Opcode.CONV, [image, w], attributes, low=INT32_LEAST, high=INT32_MOST))
    rng = np.random.default_rng(1)
    images = rng.integers(0, 2**30, (3, 24)).astype(np.int32)
    kernels = rng.integers(0, 2**30, (3, 2, 1, 2, 2)).astype(np.int32)
    if kind == "field":
        same(program, Sources((images, kernels), (), ()))
    else:
        same(program, Sources((images,), (), (kernels[0],)))
