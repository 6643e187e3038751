"""Real tables as data sets, and small networks that tell their rows apart.

scikit-learn ships two that fit: 569 medical records (30 measurements, two classes), and 178 wines
(13 measurements, three cultivars).
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from sklearn.datasets import load_breast_cancer, load_wine
from sklearn.model_selection import train_test_split

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.builder import Node, ProgramBuilder
from anh_rollup.tensor.program import Program
from anh_rollup.training.hints import TrainingHints, encode_hints

#: Fraction bits of standardized measurements, of activations, of weights and of biases.
FEATURE_SCALE, ACTIVATION_SCALE, WEIGHT_SCALE, BIAS_SCALE = 10, 12, 13, 16

#: Standard deviations from the mean at which a measurement saturates.
MOST_DEVIATIONS: Final = 8

#: Largest element of a field.
FEATURE_BOUND: Final = MOST_DEVIATIONS << FEATURE_SCALE

#: Bounds of 16-bit weights and of biases.
WEIGHT_BOUND, BIAS_BOUND = 2**15 - 1, 2**20

#: A quarter of the rows is kept for the property.
TEST_PART: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table, split once and for all.

    Attributes:
        train: Rows to train on: standardized measurements (N, K), classes (N,).
        test: Rows for the property.
        classes: How many classes there are.
    """

    train: Dataset
    test: Dataset
    classes: int

    @property
    def features(self) -> int:
        """K, the number of measurements of a row."""
        return int(self.train.fields[0].shape[1])


@cache
def records() -> Table:
    """569 records of 30 measurements; class 1 is the harmless one."""
    return table_of(load_breast_cancer())


@cache
def wines() -> Table:
    """178 wines of 13 measurements; the class is the cultivar."""
    return table_of(load_wine())


def table_of(bunch: Any) -> Table:
    """A table of scikit-learn's, standardized by the rows that train and quantized."""
    labels = bunch.target.astype(np.int32)
    parts = train_test_split(bunch.data, labels, test_size=TEST_PART, random_state=0, stratify=labels)
    train_rows, test_rows, train_labels, test_labels = parts
    mean, deviation = train_rows.mean(axis=0), train_rows.std(axis=0)
    return Table(
        train=Dataset((quantized((train_rows - mean) / deviation), train_labels)),
        test=Dataset((quantized((test_rows - mean) / deviation), test_labels)),
        classes=int(labels.max()) + 1,
    )


def quantized(deviations: npt.NDArray[np.float64]) -> Elements:
    """Standardized measurements as fixed-point elements with `FEATURE_SCALE` fraction bits, saturated."""
    elements: Elements = (
        np.rint(deviations * 2**FEATURE_SCALE).clip(-FEATURE_BOUND, FEATURE_BOUND).astype(np.int32)
    )
    return elements


def perceptron(features: int, hidden: int, classes: int) -> Program:
    """Two dense layers with a rectifier in between: 16-bit weights, 24-bit activations."""
    b = ProgramBuilder()
    x = b.field((features,), scale=FEATURE_SCALE, low=-FEATURE_BOUND, high=FEATURE_BOUND)
    return b.build(_dense(b, b.relu(_dense(b, x, hidden)), classes))


def _dense(b: ProgramBuilder, x: Node, outputs: int) -> Node:
    w = b.parameter((outputs, x.shape[0]), scale=WEIGHT_SCALE, low=-WEIGHT_BOUND, high=WEIGHT_BOUND)
    bias = b.parameter((outputs,), scale=BIAS_SCALE, low=-BIAS_BOUND, high=BIAS_BOUND)
    return b.linear(x, w, bias, scale=ACTIVATION_SCALE)


def hints(training_data: bytes) -> TrainingHints:
    """What the poster suggests for training on a data set of this root."""
    return TrainingHints(
        training_data=f"0x{training_data.hex()}", epochs=80, batch_size=16, learning_rate=2e-3
    )


def put_training(store: ArtifactStore, architecture: Program, table: Table) -> bytes:
    """Keeps what accountants need to train on a table: program, rows and hints; the program's root."""
    root = store.put_program(architecture)
    store.put_recipe(root, encode_hints(hints(store.put_dataset(table.train))))
    return root
