"""What `anh model import` makes of data with labels: all that a training job about a network needs."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.cli.follow_up import order
from anh_rollup.cli.model_import import Labelled
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.errors import AnhError
from anh_rollup.importing.network import Network, check_samples, classes_of
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.npz import read_arrays
from anh_rollup.tensor.program import Program
from anh_rollup.tensor.properties import accuracy
from anh_rollup.training.hints import TrainingHints, encode_hints

#: Name of the array that holds the labels.
LABEL: Final = "label"

#: Training samples that ranges come from where no others are given (choice: seconds for a small network).
MOST_SHOWN: Final = 256

Arrays = dict[str, NDArray[Any]]


class LabelsRefusedError(AnhError):
    """Labels that are no classes of a network's output.

    Attributes:
        path: Their file.
        reason: What is wrong, as a phrase.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the labels in {path}: {reason}",
            remedy=f"Put an array `{LABEL}` beside the inputs: the class of each sample, counted from 0.",
        )
        self.path = path
        self.reason = reason


@dataclass(frozen=True, slots=True, eq=False)
class LabelledArrays:
    """What files with labels hold.

    Attributes:
        learnt: The files.
        training: The training data by name, the labels among them.
        test: The test data likewise.
    """

    learnt: Labelled
    training: Arrays
    test: Arrays

    @classmethod
    def read(cls, learnt: Labelled) -> "LabelledArrays":
        """Reads both files.

        Raises:
            ArtifactError: One cannot be read, or is no .npz file of arrays.
            LabelsRefusedError: There are no labels, other than whole numbers, or not one a sample.
        """
        return cls(learnt, _read(learnt.training), _read(learnt.test))

    @property
    def samples(self) -> Arrays:
        """The training data without labels."""
        return {name: each for name, each in self.training.items() if each.ndim and name != LABEL}

    def given(self) -> tuple[tuple[Path, Arrays], tuple[Path, Arrays]]:
        """Both files with what they hold."""
        return (self.learnt.training, self.training), (self.learnt.test, self.test)

    def artifacts(self, network: Network) -> "TrainingArtifacts":
        """What a training job about the network needs; the last fields of data sets are the labels.

        Raises:
            LabelsRefusedError: Labels are not the output's classes.
            InputRefusedError: Samples are not those that the network takes, or its output has no classes.
        """
        classes_of(network)
        return TrainingArtifacts(
            accuracy(network.program),
            _dataset(network, self.learnt.training, self.training),
            _dataset(network, self.learnt.test, self.test),
        )


@dataclass(frozen=True, slots=True, eq=False)
class TrainingArtifacts:
    """What a training job needs beside a network.

    Attributes:
        score: The program that says which answers are right.
        training: What to train on.
        test: What to be right about.
    """

    score: Program
    training: Dataset
    test: Dataset


def spread(samples: Arrays) -> Arrays:
    """At most `MOST_SHOWN` samples, from all over them: they may be sorted by their labels."""
    return {name: each[:: -(-len(each) // MOST_SHOWN) or 1] for name, each in samples.items()}


def training_order(
    store_url: str, network: Network, model: bytes, made: TrainingArtifacts, share: float
) -> str:
    """The command that orders a network's training, for a shell; what it names is in the store.

    Args:
        store_url: The store, which has the program and the model.
        network: The network.
        model: The model's root: trainings start from it.
        made: What goes into the store, too.
        share: The part of the test data's labels that has to be right.
    """
    store = ArtifactStore(store_url)
    hints = TrainingHints(
        training_data=f"0x{store.put_dataset(made.training).hex()}",
        target_field=len(network.program.fields),
        initial_model=f"0x{model.hex()}",
    )
    store.put_recipe(network.program.root, encode_hints(hints))
    # Beyond six digits the product is what float64 made of the share.
    least = ceil(round(share * made.test.fields[-1].size, 6))
    wanted = f"0x{store.put_program(made.score).hex()}:0x{store.put_dataset(made.test).hex()}:{least}"
    words = ("--architecture", f"0x{network.program.root.hex()}", "--property", wanted, "--store", store_url)
    return order("training", *words)


def _read(file: Path) -> Arrays:
    """The arrays of a file, with labels as far as they can be checked without the network."""
    arrays = read_arrays(file)
    labels = arrays.get(LABEL)
    if labels is None:
        raise LabelsRefusedError(file, f"there is no array `{LABEL}`")
    if labels.dtype.kind not in "iu":
        raise LabelsRefusedError(file, f"they are {labels.dtype}, expected whole numbers")
    counts = {len(each) for name, each in arrays.items() if each.ndim and name != LABEL}
    if not labels.ndim or (counts and len(labels) not in counts):
        raise LabelsRefusedError(file, f"shape {labels.shape} for {sorted(counts)} samples")
    return arrays


def _dataset(network: Network, file: Path, arrays: Arrays) -> Dataset:
    count = check_samples(network.record, arrays)
    shape = (count, *network.program.output.shape[:-1])
    labels, classes = arrays[LABEL], network.program.output.shape[-1]
    if labels.shape != shape:
        raise LabelsRefusedError(file, f"shape {labels.shape}, expected {shape}")
    if labels.min() < 0 or labels.max() >= classes:
        raise LabelsRefusedError(file, f"{labels.min()} to {labels.max()} for {classes} classes")
    return Dataset((*network.quantized(arrays), labels.astype(np.int32)))
