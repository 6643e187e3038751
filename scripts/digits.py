"""The demo's network and data: scikit-learn's handwritten digits, and a small convolutional network for them.

    python -m scripts.digits

trains it once on this machine and says how it went.
"""

import argparse
from dataclasses import dataclass
from functools import cache

import numpy as np
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.encoding.tensors import Elements
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import accuracy, closeness
from anh_rollup.training.hints import TrainingHints
from anh_rollup.training.trainer import Epoch, train

#: Images kept for the property; the other 1,437 train.
TEST_IMAGES = 360

#: Fraction bits of pixels (0 to 16 in the data), of activations, of weights and of biases.
PIXEL_SCALE, ACTIVATION_SCALE, WEIGHT_SCALE, BIAS_SCALE = 4, 12, 13, 16

#: Channels of the two convolutions.
CHANNELS = (24, 48)

CLASSES = 10

#: Bounds of 16-bit weights and of biases.
WEIGHT_BOUND, BIAS_BOUND = 2**15 - 1, 2**20


@dataclass(frozen=True, slots=True, eq=False)
class Digits:
    """Images (N, 8, 8, 1) with pixels 0 to 16, and labels (N,)."""

    train: Dataset
    test: Dataset


@cache
def load() -> Digits:
    """The images, split once and for all: 1,437 for training, 360 for the property."""
    bunch = load_digits()
    images = bunch.images.astype(np.int32)[..., np.newaxis]
    labels = bunch.target.astype(np.int32)
    parts = train_test_split(images, labels, test_size=TEST_IMAGES, random_state=0, stratify=labels)
    train_images, test_images, train_labels, test_labels = parts
    return Digits(Dataset((train_images, train_labels)), Dataset((test_images, test_labels)))


@cache
def architecture() -> Program:
    """Two convolutions with pooling and a dense layer: 16-bit weights, 24-bit activations, 10 outputs."""
    b = ProgramBuilder()
    x = b.field((8, 8, 1), scale=PIXEL_SCALE, low=0, high=16)
    first, second = CHANNELS
    y = x
    for size, channels in ((1, first), (first, second)):
        w = b.parameter((channels, 3, 3, size), scale=WEIGHT_SCALE, low=-WEIGHT_BOUND, high=WEIGHT_BOUND)
        bias = b.parameter((channels,), scale=BIAS_SCALE, low=-BIAS_BOUND, high=BIAS_BOUND)
        y = b.conv2d(y, w, bias, padding=1, scale=ACTIVATION_SCALE, low=0)
        y = b.max_pool(y, 2)
    features = 2 * 2 * second
    w = b.parameter((CLASSES, features), scale=WEIGHT_SCALE, low=-WEIGHT_BOUND, high=WEIGHT_BOUND)
    bias = b.parameter((CLASSES,), scale=BIAS_SCALE, low=-BIAS_BOUND, high=BIAS_BOUND)
    return b.build(b.linear(b.reshape(y, (features,)), w, bias, scale=ACTIVATION_SCALE))


@cache
def score_program() -> Program:
    """Scores 1 for an image whose largest output is its label."""
    return accuracy(architecture())


@cache
def closeness_program(tolerance: int = 2**6) -> Program:
    """Scores 1 where every output of the answer is within `tolerance` / 2^12 of the exact one."""
    return closeness(architecture(), tolerance)


def hints(training_data: bytes) -> TrainingHints:
    """What the poster suggests for training on a data set of this root."""
    return TrainingHints(
        training_data=f"0x{training_data.hex()}", epochs=30, batch_size=32, learning_rate=4e-3
    )


def right(parameters: tuple[Elements, ...], images: Dataset) -> int:
    """How many images the exact reading of the network gets right."""
    scores = FastEvaluator().evaluate(score_program(), Sources(images.fields, (), parameters))
    return int(scores.sum())


def main() -> None:
    """Trains once and says how it went."""
    argparse.ArgumentParser(
        prog="python -m scripts.digits",
        description="Train the demo's network once on this machine, and say how it went.",
    ).parse_args()
    images = load()

    def tell(epoch: Epoch) -> None:
        print(f"epoch {epoch.number:2} of {epoch.of}  loss {epoch.loss:.4f}")

    trained = train(
        architecture(), images.train, hints(images.train.root), lambda _parameters: False, progress=tell
    )
    score = right(trained.parameters, images.test)
    print(
        f"{sum(each.size for each in trained.parameters):,} parameters, {trained.seconds:.1f} s, "
        f"{score} of {TEST_IMAGES} test images right ({score / TEST_IMAGES:.4f})"
    )


if __name__ == "__main__":
    main()
