"""The evaluator on torch gives the reference's bytes, on the processor and on a graphics processor."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation import fast_backend, torch_convolution, torch_products, torch_program
from anh_rollup.evaluation.fast_backend import FastEvaluator, fastest_evaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_products import exact_product, slice_count, sliced_product, slices_of
from anh_rollup.evaluation.torch_program import TorchEvaluator, TorchProgram
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from scripts.generate_vectors.random_cases import random_case
from tests.doubles.evaluators import same
from tests.doubles.small_program import random_fields, random_parameters, small_program
from tests.unit.evaluation.test_fast_backend import product, with_parameters
from tests.unit.evaluation.test_fast_programs import PLAIN, convolved, random_program, random_sources

SEEDS = st.integers(0, 2**32 - 1)

CUDA = pytest.mark.skipif(not torch.cuda.is_available(), reason="torch sees no graphics processor")
#: Slices wherever there can be some, and none; the latter on the processor is among the fast evaluators.
WAYS = [
    ("cpu", 1_000),
    pytest.param("cuda", 0, marks=CUDA),
    pytest.param("cuda", 1_000, marks=CUDA),
]


@pytest.mark.parametrize(("device", "worth"), WAYS)
@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_every_instruction_gives_the_reference_bytes(
    device: str, worth: int, opcode: Opcode, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    evaluator = TorchEvaluator(device, worth=worth)
    kept, samples = int(rng.integers(0, len(case.program.fields) + 1)), int(rng.integers(1, 5))
    same(*with_parameters(case, kept, samples, rng), evaluator)


@pytest.mark.parametrize(("device", "worth"), WAYS)
@given(seed=SEEDS, instructions=st.integers(1, 12), samples=st.integers(1, 9))
def test_random_programs_give_the_reference_bytes(
    device: str, worth: int, seed: int, instructions: int, samples: int
) -> None:
    rng = np.random.default_rng(seed)
    program = random_program(rng, instructions)
    same(program, random_sources(program, samples, rng), TorchEvaluator(device, 50_000, worth))


@pytest.mark.parametrize(("device", "worth"), WAYS)
@pytest.mark.parametrize("bits", [8, 16, 31])
@pytest.mark.parametrize(
    ("x", "kernel", "geometry"),
    [
        ((40, 48), (3, 9, 48), PLAIN),
        ((9, 30, 6), (4, 5, 9, 3), (2, 1, 1, 7, 2, 0, 1, 3, 2)),
        ((7, 8, 6), (6, 3, 3, 1), (1, 1, 1, 1, 1, 1, 1, 1, 6)),
        ((1, 1, 1), (2, 1, 1, 1), (65535, 65535, 65535, 65535, 65535, 65535, 1, 1, 1)),
    ],
)
def test_convolutions_unfolded_in_pieces_give_the_reference_bytes(
    device: str, worth: int, bits: int, x: Shape, kernel: Shape, geometry: tuple[int, ...],
    monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    for own_kernel in (False, True):
        program, sources = convolved(x, kernel, geometry, own_kernel=own_kernel, bits=bits)
        for most in (1, 5_000, 1 << 20):
            monkeypatch.setitem(torch_convolution.UNFOLDED, device, most)
            same(program, sources, TorchEvaluator(device, worth=worth))


@given(numbers=st.lists(st.integers(-(2**31), 2**31 - 1), min_size=1, max_size=20))
def test_slices_make_up_the_number(numbers: list[int]) -> None:
    most = max(map(abs, numbers))
    slices = slices_of(torch.tensor(numbers), most)
    assert len(slices) == slice_count(most)
    assert sum(each.to(torch.int64) << (8 * place) for place, each in enumerate(slices)).tolist() == numbers


@pytest.mark.parametrize(
    ("most", "count"), [(0, 1), (127, 1), (128, 2), (32_639, 2), (32_640, 3), (2**23, 4), (2**31, 5)]
)
def test_numbers_have_as_many_slices_as_they_need(most: int, count: int) -> None:
    assert slice_count(most) == count


@pytest.mark.parametrize(("device", "worth"), WAYS)
@pytest.mark.parametrize(("x", "w"), [(128, 128), (2**31, 2**13), (2**23, 2**21)])
def test_no_sum_overflows(device: str, worth: int, x: int, w: int) -> None:
    terms = 2 * torch_products.MOST_SLICED + 5
    left = torch.full((3, terms), -x, dtype=torch.float64, device=device)
    right = torch.full((2, terms), -w, dtype=torch.float64, device=device)
    right[1] = w - 1
    sums = exact_product(left, right, (x, w), terms * x * w, worth)
    assert sums.tolist() == [[terms * x * w, -terms * x * (w - 1)]] * 3


@given(seed=SEEDS, most=st.integers(8, 40))
def test_long_sums_are_split_between_the_slices_products(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = (rng.integers(-(2**20), 2**20, (rows, 90)) for rows in (5, 7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(torch_products, "MOST_SLICED", most - most % 8)
        found = sliced_product(torch.from_numpy(x), torch.from_numpy(w), (2**20, 2**20))
    assert found.tolist() == (x @ w.T).tolist()


@pytest.mark.parametrize(("worth", "slices"), [(0, False), (15, False), (16, True)])
def test_slices_are_taken_where_they_are_faster(
    worth: int, slices: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    counted: list[int] = []
    real = sliced_product

    def counting(*given: torch.Tensor) -> torch.Tensor:
        counted.append(1)
        return real(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(torch_products, "sliced_product", counting)
    exact_product(torch.ones(2, 3), torch.ones(4, 3), (2**24, 2**24), 2**50, worth)
    assert bool(counted) is slices


def test_what_the_device_has_no_room_for_is_evaluated_on_the_processor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_given: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(torch_program, "apply", full)
    program = small_program()
    same(
        program, Sources(random_fields(program, 3, 1), (), random_parameters(program, 2)),
        TorchEvaluator("cpu"),
    )  # fmt: skip
    assert caplog.messages == ["no room on cpu: evaluating on the processor"] * 6


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((9, 0), TorchEvaluator("cuda", torch_program.DEVICE_MEMORY, torch_program.SLICES_WORTH)),
        ((7, 0), TorchEvaluator("cuda", torch_program.DEVICE_MEMORY, 0)),
        (None, FastEvaluator()),
    ],
)
def test_a_graphics_processor_is_chosen_where_torch_sees_one(
    capability: tuple[int, int] | None, expected: object, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: capability is not None)
    monkeypatch.setattr(torch.cuda, "get_device_capability", lambda: capability)
    monkeypatch.setattr(fast_backend, "DRIVERS", (__file__,))
    assert fastest_evaluator() == expected


def test_torch_is_not_even_asked_where_there_is_no_driver(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fast_backend, "DRIVERS", ("/nowhere",))
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("torch was asked"))
    assert fastest_evaluator() == FastEvaluator()


def test_a_setting_that_allows_shorter_floats_changes_no_byte(request: pytest.FixtureRequest) -> None:
    kept = torch.get_float32_matmul_precision()
    request.addfinalizer(lambda: torch.set_float32_matmul_precision(kept))
    torch.set_float32_matmul_precision("medium")
    same(*product(64, 4095, 31, 3), TorchEvaluator())


@pytest.mark.parametrize(("most", "wanted"), [(2**24, torch.float32), (2**24 + 1, torch.float64)])
def test_sums_are_as_short_as_the_weights_at_hand_allow(most: int, wanted: torch.dtype) -> None:
    b = ProgramBuilder()
    x, w = b.field((2,), low=-1, high=1), b.parameter((3, 2), low=-(2**30), high=2**30)
    program = b.build(b.linear(x, w, low=-(2**31), high=2**31 - 1))
    weights = np.array([[1, 2], [most - 5, -5], [0, 0]], dtype=np.int32)
    loaded = TorchEvaluator().load(program, (weights,))
    assert loaded.types[len(program.values) - 1] == [wanted, wanted]
    same(program, Sources((np.array([[1, -1]], dtype=np.int32),), (), (weights,)), TorchEvaluator())


@pytest.mark.parametrize("is_read_otherwise", [False, True])
def test_tables_stay_int32_where_elements_are_only_gathered(is_read_otherwise: bool) -> None:
    b = ProgramBuilder()
    x, table = b.field((6,), low=-2, high=11), b.parameter((10, 3), low=INT32_LEAST, high=INT32_MOST)
    taken = b.emit(Opcode.GATHER, [table, x], (0,))
    whole = b.emit(Opcode.REDUCE, [table], (1, 0, 0, 1))
    program = b.build(b.emit(Opcode.MAX, [taken, whole], ()) if is_read_otherwise else taken)
    sources = Sources(random_fields(program, 4, 1), (), random_parameters(program, 2))
    read = {
        wanted
        for each in TorchEvaluator().load(program, sources.parameters).types.values()
        for wanted in each
    }
    assert (torch.float64 in read) is is_read_otherwise
    same(program, sources, TorchEvaluator())


def test_where_no_kernels_may_be_compiled_torch_gives_the_reference_bytes() -> None:
    program = small_program()
    sources = Sources(random_fields(program, 5, 1), (), random_parameters(program, 2))
    fallback = FastEvaluator(memory=3_000, processor=None)
    loaded = fallback.load(program, sources.parameters)
    assert isinstance(loaded, TorchProgram)
    assert loaded.evaluator == TorchEvaluator("cpu", 3_000)
    same(program, sources, fallback)
