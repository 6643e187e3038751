"""What the torch backend prepares once, keeps and forgets."""

import numpy as np
import pytest
import torch

from anh_rollup.encoding.checks import INT32_LEAST, INT32_MOST
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.evaluation.torch_backend import TorchEvaluator
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.opcodes import Opcode
from tests.doubles.evaluators import same
from tests.doubles.small_program import random_fields, random_parameters
from tests.unit.evaluation.test_fast_backend import product


def test_a_setting_that_allows_shorter_floats_changes_no_byte(request: pytest.FixtureRequest) -> None:
    kept = torch.get_float32_matmul_precision()
    request.addfinalizer(lambda: torch.set_float32_matmul_precision(kept))
    torch.set_float32_matmul_precision("medium")
    program, sources = product(64, 4095, 31, 3)
    same(program, sources, TorchEvaluator())


def test_a_loaded_program_keeps_prepared_weights_and_not_what_they_were_prepared_from() -> None:
    b = ProgramBuilder()
    x = b.field((4,), low=-9, high=9)
    w, both = b.parameter((3, 4), low=-9, high=9), b.parameter((4, 3), low=-9, high=9)
    turned = b.transpose(both, (1, 0))
    y = b.linear(x, w, low=-999, high=999) + b.linear(x, turned, low=-999, high=999)
    program = b.build(y + b.sum(both))
    rng = np.random.default_rng(3)
    parameters = tuple(rng.integers(-9, 10, each.shape, dtype=np.int32) for each in program.parameters)
    fields = (rng.integers(-9, 10, (5, 4), dtype=np.int32),)

    loaded = TorchEvaluator().load(program, parameters)
    for _ in range(2):
        expected = ReferenceEvaluator().evaluate(program, Sources(fields, (), parameters))
        assert loaded.evaluate(fields).tobytes() == expected.tobytes()
        # Neither the weights, nor what was turned to become weights, nor the parameter under a kept sum.
        assert loaded.spent == {each for each in loaded.lasting if each not in loaded.fixed}
        assert len(loaded.spent) == 3
        assert [folded is not None for folded in loaded.folded.values()] == [True, True]


@pytest.mark.parametrize("is_read_otherwise", [False, True])
def test_tables_stay_int32_where_elements_are_only_gathered(is_read_otherwise: bool) -> None:
    b = ProgramBuilder()
    x, table = b.field((6,), low=-2, high=11), b.parameter((10, 3), low=INT32_LEAST, high=INT32_MOST)
    taken = b.emit(Opcode.GATHER, [table, x], (0,))
    whole = b.emit(Opcode.REDUCE, [table], (1, 0, 0, 1))
    program = b.build(b.emit(Opcode.MAX, [taken, whole], ()) if is_read_otherwise else taken)
    sources = Sources(random_fields(program, 4, 1), (), random_parameters(program, 2))
    same(program, sources)
    loaded = TorchEvaluator().load(program, sources.parameters)
    loaded.evaluate(sources.fields)
    kept = [each.dtype for each in loaded.fixed.values() if each.shape == (1, 10, 3)]
    assert kept == [torch.float64 if is_read_otherwise else torch.int32]
