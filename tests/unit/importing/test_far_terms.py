"""Reductions whose terms lie far from each other: whoever disputes an element has to show them all on L1."""

import numpy as np
import pytest

from anh_rollup.evaluation.disputability import check_disputable
from anh_rollup.importing.network import import_network
from anh_rollup.tensor.opcodes import Opcode
from tests.unit.importing.graphs import exact, model_of, node, reference


@pytest.mark.parametrize("operator", ["ReduceMax", "ReduceSum", "ReduceMean"])
@pytest.mark.parametrize(("rows", "turned"), [(49, False), (508, True)])
def test_an_axis_of_many_terms_is_turned_to_be_the_last(operator: str, rows: int, *, turned: bool) -> None:
    axes = {"axes": np.array([1])} if operator == "ReduceSum" else {}
    named = {} if axes else {"axes": [1]}
    model = model_of(
        [node(operator, "x axes" if axes else "x", keepdims=0, **named)], {"x": (1, rows, 64)}, axes, opset=17
    )
    samples = {"x": np.random.default_rng(4).normal(size=(3, rows, 64)).astype(np.float32)}
    network = import_network(model, samples=samples)

    check_disputable(network.program)
    assert (Opcode.VIEW in [each.opcode for each in network.program.values]) == turned
    wanted = np.stack([reference(model, {"x": each[None]})[0] for each in samples["x"]])
    assert np.abs(exact(network, samples).reshape(wanted.shape) - wanted).max() < 1e-4
