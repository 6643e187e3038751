"""The fast evaluators give the reference's bytes: on every instruction, at every edge of its floats."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.evaluation.compiled_dense import Packed
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.errors import SourcesRefusedError
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_program import TorchEvaluator
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.errors import RangeRefusedError
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Kind, Program, Value
from scripts.generate_vectors.random_cases import Case, random_case, random_tensor
from tests.doubles.evaluators import same
from tests.doubles.small_program import deep_program, random_fields, random_parameters, small_program

SEEDS = st.integers(0, 2**32 - 1)


def with_samples(case: Case, samples: int, rng: np.random.Generator) -> Sources:
    """Elements for several samples of a case's fields."""
    fields = [
        random_tensor((samples, *value.shape), (value.low, value.high), rng) for value in case.program.fields
    ]
    return Sources(fields=tuple(fields))


def with_parameters(case: Case, kept: int, samples: int, rng: np.random.Generator) -> tuple[Program, Sources]:
    """The case with all inputs from `kept` on as parameters, as weights are."""
    values = list(case.program.values)
    for place, value in enumerate(values[:-1]):
        if place >= kept:
            values[place] = Value(Kind.PARAMETER, value.shape, value.low, value.high, index=place - kept)
    fields, parameters = values[:kept], values[kept:-1]
    return Program(tuple(values)), Sources(
        fields=tuple(random_tensor((samples, *each.shape), (each.low, each.high), rng) for each in fields),
        parameters=tuple(random_tensor(each.shape, (each.low, each.high), rng) for each in parameters),
    )


@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_every_instruction_gives_the_reference_bytes(opcode: Opcode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    same(case.program, with_samples(case, int(rng.integers(1, 5)), rng))


@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_inputs_that_are_the_same_for_every_sample_change_no_byte(opcode: Opcode, seed: int) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    kept = int(rng.integers(0, len(case.program.fields)))
    same(*with_parameters(case, kept, int(rng.integers(1, 5)), rng))


def product(
    terms: int, x: int, w: int, shift: int, bias: int | None = None, *, low: int = 1
) -> tuple[Program, Sources]:
    """A matrix product whose sums are as large as its ranges allow, of both signs and odd."""
    sign = -1 if low < 0 else 0
    values = [
        Value(Kind.FIELD, (3, terms), sign * x, x, index=0),
        Value(Kind.PARAMETER, (4, terms), -w, w, index=0),
    ]
    if bias is not None:
        values.append(Value(Kind.PARAMETER, (4,), -bias, bias, index=1))
    ids = tuple(range(len(values)))
    attributes = (shift, 0, int(bias is not None))
    values.append(Value(Kind.INSTRUCTION, (3, 4), opcode=Opcode.MATMUL, inputs=ids, attributes=attributes))
    fields = np.full((2, 3, terms), x, dtype=np.int32)
    fields[:, 1] = np.maximum(x - 1, 0)
    if low < 0:
        fields[:, 2] = -x
    weights = np.full((4, terms), w, dtype=np.int32)
    weights[1] *= -1
    weights[2, ::2] *= -1
    weights[3] = np.maximum(w - 1, 0)
    parameters = [weights] if bias is None else [weights, np.array([bias, -bias, 1, -1], dtype=np.int32)]
    return Program(tuple(values)), Sources(fields=(fields,), parameters=tuple(parameters))


@given(
    terms=st.integers(1, 70),
    x=st.integers(0, 31).flatmap(lambda bits: st.integers(0, 2**bits - 1)),
    w=st.integers(0, 31).flatmap(lambda bits: st.integers(0, 2**bits - 1)),
    shift=st.integers(0, 50),
    bias=st.none() | st.integers(1, 2**20),
)
@example(terms=1, x=2**24 - 1, w=1, shift=0, bias=None)
@example(terms=2, x=2**24 - 1, w=1, shift=1, bias=1)
@example(terms=1, x=2**24 + 1, w=1, shift=0, bias=None)
@example(terms=64, x=2**31 - 1, w=2**16 - 1, shift=30, bias=None)
@example(terms=64, x=2**31 - 1, w=2**16 + 1, shift=30, bias=3)
@example(terms=1, x=2**31 - 1, w=2**31 - 1, shift=1, bias=None)
@example(terms=2, x=3, w=2**31 - 1, shift=50, bias=2**10)
def test_products_at_the_edges_of_the_floats_are_exact(
    terms: int, x: int, w: int, shift: int, bias: int | None
) -> None:
    for low in (-1, 1):
        try:
            program, sources = product(terms, x, w, shift, bias, low=low)
        except RangeRefusedError:
            continue
        same(program, sources)


@pytest.mark.parametrize("terms", [4096, 262_144])
def test_long_sums_of_the_largest_numbers_are_exact(terms: int) -> None:
    small = (2**63 - 2**40) // (terms * (2**31 - 1))
    for x, w in ((2**31 - 1, min(small, 2**31 - 1)), (min(small, 2**31 - 1), 2**31 - 1)):
        same(*product(terms, x, w, 33, low=-1))


@given(
    numerators=st.lists(st.integers(-(2**21), 2**21 - 1), min_size=4, max_size=4), power=st.integers(0, 31)
)
def test_quotients_just_below_an_integer_are_not_rounded_up(numerators: list[int], power: int) -> None:
    a = np.array([numerators], dtype=np.int32)
    b = np.array([[3, -7, 2**31 - 1, 2**20 + 1]], dtype=np.int32)
    values = (
        Value(Kind.FIELD, (4,), -(2**21), 2**21 - 1, index=0),
        Value(Kind.FIELD, (4,), index=1),
        Value(Kind.INSTRUCTION, (4,), opcode=Opcode.DIV, inputs=(0, 1), attributes=(power,)),
    )
    same(Program(values), Sources(fields=(a, b)))


@given(root=st.integers(1, 2**16), off=st.integers(-2, 2), power=st.integers(0, 31))
def test_roots_next_to_squares_are_exact(root: int, off: int, power: int) -> None:
    values = (
        Value(Kind.FIELD, (2,), index=0),
        Value(Kind.INSTRUCTION, (2,), opcode=Opcode.SQRT, inputs=(0,), attributes=(power,)),
    )
    near = min(root * root + off, INT32_MOST)
    same(Program(values), Sources(fields=(np.array([[near, INT32_LEAST]], dtype=np.int32),)))


@pytest.mark.parametrize("memory", [1, 3000, 1 << 30])
def test_the_number_of_samples_at_once_never_changes_a_byte(memory: int) -> None:
    program = small_program()
    sources = Sources(random_fields(program, 7, 1), (), random_parameters(program, 2))
    same(program, sources, FastEvaluator(memory=memory), TorchEvaluator(memory=memory))


def test_a_whole_network_and_a_long_chain_give_the_reference_bytes() -> None:
    program = small_program()
    same(program, Sources(random_fields(program, 5, 3), (), random_parameters(program, 4)))
    chain = deep_program()
    same(chain, Sources(random_fields(chain, 5, 3)))


def convolution(
    size: int, channels: int, outputs: int, groups: int, kernel: int, samples: int = 3
) -> tuple[Program, Sources]:
    """A convolution large enough to be worked on in several parts."""
    values = (
        Value(Kind.FIELD, (size, size, channels), -(2**23), 2**23 - 1, index=0),
        Value(Kind.PARAMETER, (outputs, kernel, kernel, channels // groups), -(2**15), 2**15, index=0),
        Value(
            Kind.INSTRUCTION,
            (size, size, outputs),
            opcode=Opcode.CONV,
            inputs=(0, 1),
            attributes=(12, 0, 0, 1, 1, *(kernel // 2,) * 4, 1, 1, groups),
        ),
    )
    program = Program(values)
    return program, Sources(random_fields(program, samples, 5), (), random_parameters(program, 6))


@pytest.mark.parametrize(
    ("size", "channels", "outputs", "groups", "kernel"),
    [
        (48, 16, 8, 1, 3),
        (40, 8, 96, 1, 5),
        (64, 32, 32, 32, 3),
        (33, 8, 16, 8, 3),
        (33, 12, 8, 4, 3),
        (31, 7, 9, 1, 1),
    ],
)
def test_large_convolutions_in_parts_give_the_reference_bytes(
    size: int, channels: int, outputs: int, groups: int, kernel: int
) -> None:
    same(*convolution(size, channels, outputs, groups, kernel))


@pytest.mark.parametrize("groups", [1, 2, 16])
def test_parts_of_several_samples_of_which_the_last_has_fewer_give_the_reference_bytes(groups: int) -> None:
    same(*convolution(16, 16, 16, groups, 3, samples=23))


def test_it_leaves_its_inputs_as_they_are() -> None:
    program = small_program()
    fields, parameters = random_fields(program, 4, 8), random_parameters(program, 9)
    copies = [each.copy() for each in (*fields, *parameters)]
    FastEvaluator().evaluate(program, Sources(fields, (), parameters))
    for before, after in zip(copies, (*fields, *parameters), strict=True):
        assert before.tobytes() == after.tobytes()


def test_it_takes_read_only_and_strided_inputs() -> None:
    program = small_program()
    fields = tuple(np.repeat(each, 2, axis=0)[::2] for each in random_fields(program, 4, 8))
    for each in fields:
        each.setflags(write=False)
    same(program, Sources(fields, (), random_parameters(program, 9)))


def test_elements_outside_the_declared_range_are_refused() -> None:
    program = small_program()
    fields = random_fields(program, 2, 1)
    fields[0][1, 0, 0] = (128, -128)
    with pytest.raises(SourcesRefusedError) as refused:
        FastEvaluator().evaluate(program, Sources(fields, (), random_parameters(program, 2)))
    assert str(refused.value) == "field 0: elements in [-128, 128], declared [-128, 127]"


@pytest.mark.parametrize("sample", [-1, 2])
def test_a_trace_of_a_sample_that_is_not_there_is_refused(sample: int) -> None:
    program = small_program()
    sources = Sources(random_fields(program, 2, 1), (), random_parameters(program, 2))
    with pytest.raises(SourcesRefusedError) as refused:
        FastEvaluator().trace(program, sources, sample)
    assert str(refused.value) == f"sample {sample}: 2 samples are given"


def test_weights_are_prepared_once_however_many_instructions_multiply_by_them() -> None:
    b = ProgramBuilder()
    x, w = b.field((4,), low=-9, high=9), b.parameter((4, 4), low=-9, high=9)
    turned = b.transpose(w, (1, 0))
    y = b.linear(x, w, low=-999, high=999) + b.linear(x, turned, low=-999, high=999)
    program = b.build(y + b.linear(x, w, low=-99, high=99) + b.sum(w))
    rng = np.random.default_rng(3)
    parameters = (rng.integers(-9, 10, (4, 4), dtype=np.int32),)
    fields = (rng.integers(-9, 10, (5, 4), dtype=np.int32),)
    sources = Sources(fields, (), parameters)
    loaded = FastEvaluator().load(program, parameters)
    assert isinstance(loaded, CompiledProgram)
    loaded.evaluate(fields)
    assert [type(each) for each in loaded.weights.values()] == [Packed, Packed]
    same(program, sources)


@pytest.mark.parametrize("counts", [(3, 1, 3, 2, 1, 3), (1, 1, 4, 1)])
def test_work_that_was_noted_gives_the_same_for_other_samples(counts: tuple[int, ...]) -> None:
    program = small_program()
    parameters = random_parameters(program, 0)
    loaded = FastEvaluator().load(program, parameters)
    for seed, count in enumerate(counts):
        fields = random_fields(program, count, seed)
        expected = ReferenceEvaluator().evaluate(program, Sources(fields, (), parameters))
        assert loaded.evaluate(fields).tobytes() == expected.tobytes()


def test_threads_that_share_a_loaded_program_get_their_own_samples_outputs() -> None:
    program = small_program()
    parameters = random_parameters(program, 0)
    loaded = FastEvaluator().load(program, parameters)
    given = [random_fields(program, 2, seed) for seed in range(24)]
    expected = [
        ReferenceEvaluator().evaluate(program, Sources(each, (), parameters)).tobytes() for each in given
    ]
    with ThreadPoolExecutor(4) as threads:
        assert [each.tobytes() for each in threads.map(loaded.evaluate, given)] == expected


def test_networks_that_kernels_carry_are_evaluated_without_torch() -> None:
    code = """
import sys
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from tests.doubles.small_program import random_fields, random_parameters, small_program
program = small_program()
sources = Sources(random_fields(program, 3, 1), (), random_parameters(program, 2))
FastEvaluator().evaluate(program, sources)
FastEvaluator().trace(program, sources, 0)
assert "torch" not in sys.modules
"""
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_loaded_program_takes_sample_after_sample_and_refuses_what_does_not_fit() -> None:
    program = small_program()
    parameters = random_parameters(program, 0)
    with pytest.raises(SourcesRefusedError, match="parameters: 0 given"):
        FastEvaluator().load(program, ())

    loaded = FastEvaluator().load(program, parameters)
    fields = random_fields(program, 3, 1)
    whole = loaded.evaluate(fields)
    singles = [loaded.evaluate([each[place : place + 1] for each in fields]) for place in range(3)]
    assert np.concatenate(singles).tobytes() == whole.tobytes()
    with pytest.raises(SourcesRefusedError, match="fields: 0 given"):
        loaded.evaluate(())
    with pytest.raises(SourcesRefusedError, match="3 samples are given"):
        loaded.trace(3, fields)
