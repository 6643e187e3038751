"""Tables become data sets that their networks take, and learn from."""

from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_wine

from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.properties import accuracy, cross_entropy_loss
from anh_rollup.training.hints import decode_hints
from anh_rollup.training.trainer import train
from scripts import lend, retrain_dao, tables
from scripts.tables import FEATURE_BOUND, FEATURE_SCALE, Table, perceptron, put_training, records, wines


@pytest.mark.parametrize(
    ("table", "rows", "features", "classes"), [(records(), 569, 30, 2), (wines(), 178, 13, 3)]
)
def test_every_row_is_used_once(table: Table, rows: int, features: int, classes: int) -> None:
    assert (table.features, table.classes) == (features, classes)
    assert table.train.count + table.test.count == rows
    assert table.train.field_shapes == table.test.field_shapes == ((features,), ())
    for part in (table.train, table.test):
        assert set(part.fields[1].tolist()) == set(range(classes))


def test_measurements_are_standardized_by_the_rows_that_train() -> None:
    measured = wines().train.fields[0] / 2**FEATURE_SCALE
    np.testing.assert_allclose(measured.mean(axis=0), 0, atol=1e-3)
    np.testing.assert_allclose(measured.std(axis=0), 1, atol=1e-3)


def test_measurements_saturate() -> None:
    elements = tables.quantized(np.array([0.0, 0.5, -2.0, 1e9, -1e9]))
    assert elements.dtype == np.int32
    assert elements.tolist() == [0, 512, -2048, FEATURE_BOUND, -FEATURE_BOUND]


def test_a_table_is_split_alike_every_time() -> None:
    assert tables.table_of(load_wine()).test.root == wines().test.root


def test_what_accountants_need_is_in_the_store(tmp_path: Path) -> None:
    store, table = ArtifactStore(tmp_path), wines()
    network = perceptron(table.features, 4, table.classes)
    assert put_training(store, network, table) == network.root
    hints = store.get_recipe(network.root)
    assert hints is not None
    assert store.get_dataset(decode_hints(hints).data_root).root == table.train.root
    assert store.get_program(network.root).root == network.root


def test_the_pools_threshold_can_be_reached() -> None:
    assert reaches(records(), lend.HIDDEN, "accuracy", lend.LEAST_RIGHT)


@pytest.mark.parametrize("loss", retrain_dao.LOSSES)
def test_the_daos_thresholds_can_be_reached(loss: float) -> None:
    assert reaches(wines(), retrain_dao.HIDDEN, "loss", retrain_dao.threshold_of(loss))


def test_a_later_proposal_asks_for_more() -> None:
    thresholds = [retrain_dao.threshold_of(loss) for loss in retrain_dao.LOSSES]
    assert thresholds == sorted(set(thresholds))


def reaches(table: Table, hidden: int, kind: str, threshold: int) -> bool:
    """Whether a training by the hints comes to a score, as the reference evaluates it."""
    network = perceptron(table.features, hidden, table.classes)
    judged = (
        accuracy(network) if kind == "accuracy" else cross_entropy_loss(network, scale=retrain_dao.LOSS_SCALE)
    )
    hints = tables.hints(table.train.root)
    last: list[int] = []

    def judge(parameters: object) -> bool:
        sources = Sources(table.test.fields, (), tuple(parameters))  # type: ignore[call-overload]
        last.append(int(ReferenceEvaluator().evaluate(judged, sources).sum()))
        return last[-1] >= threshold

    train(network, table.train, hints, judge, seed=1)
    return last[-1] >= threshold
