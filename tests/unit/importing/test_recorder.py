"""A record grows node by node: what is shared, what needs no node, what is left out, and its bounds."""

import numpy as np
import pytest

from anh_rollup.importing import recorder as module
from anh_rollup.importing.errors import OperatorRefusedError
from anh_rollup.importing.record import Field, Operation
from anh_rollup.importing.recorder import Recorder
from anh_rollup.importing.views import View


def recorder() -> Recorder:
    """With one input (2, 3) at place 0."""
    made = Recorder()
    made.source = "the node"
    made.field(Field("x", (1, 2, 3), is_whole=False))
    return made


def test_the_same_constant_is_one_node() -> None:
    made, ones = recorder(), np.ones((2, 2), np.float32)
    first = made.constant(ones)
    assert (made.constant(ones.copy()), made.count) == (first, 2)
    others = [made.constant(each) for each in (ones.reshape(4), ones.astype(np.int32), ones * 2)]
    assert len({first, *others}) == 4
    assert [made.node(each).is_whole for each in (first, *others)] == [False, False, True, False]


def test_views_of_views_become_one_and_what_moves_nothing_none() -> None:
    made = recorder()
    turned = made.transpose(0, (1, 0))
    assert made.shape(turned) == (3, 2)
    assert made.transpose(turned, (1, 0)) == 0
    row = made.view(turned, (2,), View(2, (2,), (1,)))
    assert (made.node(row).inputs, made.node(row).attributes) == ((0,), (1, 1, 2, 3))
    assert made.reshape(0, (2, 3)) == 0


def test_a_view_of_a_constant_is_a_constant() -> None:
    made = recorder()
    known = made.constant(np.arange(6.0).reshape(2, 3))
    taken = made.node(made.transpose(known, (1, 0)))
    assert (taken.operation, taken.elements.tolist()) == (Operation.CONSTANT, [[0, 3], [1, 4], [2, 5]])


def test_what_the_output_does_not_need_is_left_out_but_for_inputs() -> None:
    made = recorder()
    made.field(Field("idle", (1, 4), is_whole=True))
    made.add(Operation.ABS, (2, 3), (0,))
    root = made.add(Operation.SQRT, (2, 3), (0,))
    record = made.finish(root, "y")
    assert [(each.operation, each.inputs) for each in record.nodes] == [
        (Operation.FIELD, ()), (Operation.FIELD, ()), (Operation.SQRT, (0,)),
    ]  # fmt: skip
    assert ([each.name for each in record.fields], record.output_name) == (["x", "idle"], "y")


def test_an_output_that_is_an_input_is_an_instruction() -> None:
    (_, output) = recorder().finish(0, "y").nodes
    assert (output.operation, output.inputs, output.shape) == (Operation.VIEW, (0,), (2, 3))


def test_rounds_of_a_loop_are_tied_place_by_place() -> None:
    made, ties = recorder(), []
    for _ in range(2):
        with made.round(7):
            made.constant(np.array(float(made.count)))
            places = [made.add(Operation.ABS, (2, 3), (0,)), made.add(Operation.ABS, (2, 3), (0,))]
            ties.append([made.node(each).tie for each in places])
    assert ties == [[(7, 0), (7, 1)]] * 2
    assert made.node(made.add(Operation.ABS, (2, 3), (0,))).tie is None


def test_the_inputs_behind_a_value_are_named() -> None:
    made = recorder()
    other = made.field(Field("other", (1, 2, 3), is_whole=False))
    both = made.add(Operation.ADD, (2, 3), (0, other))
    alone = made.add(Operation.ABS, (2, 3), (other,))
    assert (made.fields_behind(both), made.fields_behind(alone)) == (("x", "other"), ("other",))


@pytest.mark.parametrize(
    ("name", "most", "reason"),
    [
        ("MOST_ELEMENTS", 5, "a value of 6 elements, 5 are the most"),
        ("MOST_TOGETHER", 11, "more than 4096 values, or 11 elements of them"),
        ("MOST_VALUES", 1, "more than 1 values, or 8589934592 elements of them"),
    ],
)
def test_values_are_bounded(name: str, most: int, reason: str, monkeypatch: pytest.MonkeyPatch) -> None:
    made = recorder()
    monkeypatch.setattr(module, name, most)
    if name == "MOST_TOGETHER":
        reason = reason.replace("4096", str(module.MOST_VALUES))
    with pytest.raises(OperatorRefusedError) as refused:
        made.add(Operation.ABS, (2, 3), (0,))
    assert (refused.value.node, refused.value.reason) == ("the node", reason)


def test_constants_are_bounded_together(monkeypatch: pytest.MonkeyPatch) -> None:
    made = recorder()
    monkeypatch.setattr(module, "MOST_CONSTANT", 5)
    made.constant(np.zeros(3))
    made.constant(np.zeros(3))
    with pytest.raises(OperatorRefusedError, match="constants of more than 5 elements together"):
        made.constant(np.ones(3))
