"""The evaluator for graphics processors gives the reference's bytes; without one, on the processor."""

import logging

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.encoding.tensors import Shape
from anh_rollup.evaluation import device_operations, device_products, device_program, fast_backend
from anh_rollup.evaluation.device_products import device_product, slice_count, sliced_product, slices_of
from anh_rollup.evaluation.device_program import DeviceEvaluator
from anh_rollup.evaluation.fast_backend import FastEvaluator, fastest_evaluator
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.opcodes import Opcode
from anh_rollup.tensor.program import Program
from scripts.generate_vectors.random_cases import random_case
from tests.doubles.evaluators import same_trace
from tests.doubles.small_program import random_fields, random_parameters, small_program
from tests.unit.evaluation.test_fast_backend import with_parameters
from tests.unit.evaluation.test_fast_programs import PLAIN, convolved, random_program, random_sources

SEEDS = st.integers(0, 2**32 - 1)

#: On each device: float64 alone, and slices wherever there can be some.
WAYS = [
    pytest.param(device, worth, marks=[] if device == "cpu" else pytest.mark.skipif(
        not torch.cuda.is_available(), reason="torch sees no graphics processor"
    ))
    for device in ("cpu", "cuda")
    for worth in (0, 1_000)
]  # fmt: skip


def same(program: Program, sources: Sources, evaluator: DeviceEvaluator) -> None:
    """Asserts that an evaluator gives the reference's bytes, twice, and in between those of a trace."""
    expected = ReferenceEvaluator().evaluate(program, sources)
    trace = ReferenceEvaluator().trace(program, sources, sources.count - 1)
    loaded = evaluator.load(program, sources.parameters)
    found = loaded.evaluate(sources.fields, sources.answers)
    assert (found.dtype, found.shape) == (expected.dtype, expected.shape)
    assert found.tobytes() == expected.tobytes()
    same_trace(loaded.trace(sources.count - 1, sources.fields, sources.answers), trace)
    assert loaded.evaluate(sources.fields, sources.answers).tobytes() == expected.tobytes()


@pytest.mark.parametrize(("device", "worth"), WAYS)
@pytest.mark.parametrize("opcode", Opcode)
@given(seed=SEEDS)
def test_every_instruction_gives_the_reference_bytes(
    device: str, worth: int, opcode: Opcode, seed: int
) -> None:
    rng = np.random.default_rng(seed)
    case = random_case(opcode, rng)
    evaluator = DeviceEvaluator(device, worth=worth)
    kept, samples = int(rng.integers(0, len(case.program.fields) + 1)), int(rng.integers(1, 5))
    same(*with_parameters(case, kept, samples, rng), evaluator)


@pytest.mark.parametrize(("device", "worth"), WAYS)
@given(seed=SEEDS, instructions=st.integers(1, 12), samples=st.integers(1, 9))
def test_random_programs_give_the_reference_bytes(
    device: str, worth: int, seed: int, instructions: int, samples: int
) -> None:
    rng = np.random.default_rng(seed)
    program = random_program(rng, instructions)
    same(program, random_sources(program, samples, rng), DeviceEvaluator(device, 50_000, worth))


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
            monkeypatch.setattr(device_operations, "MOST_UNFOLDED", most)
            same(program, sources, DeviceEvaluator(device, worth=worth))


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
    terms = 2 * device_products.MOST_SLICED + 5
    left = torch.full((3, terms), -x, device=device)
    right = torch.full((2, terms), -w, device=device)
    right[1] = w - 1
    sums = device_product(left, right, (x, w), worth)
    assert sums.tolist() == [[terms * x * w, -terms * x * (w - 1)]] * 3


@given(seed=SEEDS, most=st.integers(8, 40))
def test_long_sums_are_split_between_the_slices_products(seed: int, most: int) -> None:
    rng = np.random.default_rng(seed)
    x, w = (rng.integers(-(2**20), 2**20, (rows, 90)) for rows in (5, 7))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(device_products, "MOST_SLICED", most - most % 8)
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

    monkeypatch.setattr(device_products, "sliced_product", counting)
    device_product(torch.ones(2, 3), torch.ones(4, 3), (2**24, 2**24), worth)
    assert bool(counted) is slices


def test_what_the_device_has_no_room_for_is_evaluated_on_the_processor(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def full(*_given: object) -> torch.Tensor:
        raise torch.OutOfMemoryError("no room")

    caplog.set_level(logging.INFO)
    monkeypatch.setattr(device_program, "apply", full)
    program = small_program()
    same(
        program, Sources(random_fields(program, 3, 1), (), random_parameters(program, 2)),
        DeviceEvaluator("cpu"),
    )  # fmt: skip
    assert caplog.messages == ["no room on cpu: evaluating on the processor"] * 3


@pytest.mark.parametrize(
    ("capability", "expected"),
    [
        ((9, 0), DeviceEvaluator("cuda", worth=device_program.SLICES_WORTH)),
        ((7, 0), DeviceEvaluator("cuda", worth=0)),
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
    monkeypatch.setattr(fast_backend.sys, "platform", "linux")
    monkeypatch.setattr(torch.cuda, "is_available", lambda: pytest.fail("torch was asked"))
    assert fastest_evaluator() == FastEvaluator()
