"""What `anh model import` makes of data with labels: all that a training job about a network needs."""

from math import ceil
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.cli.follow_up import command
from anh_rollup.cli.model_import import Labelled
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.errors import AnhError
from anh_rollup.importing.network import Network, split_samples
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


def shown_samples(file: Path) -> Arrays:
    """Some inputs of an .npz file with labels, from all over it: it may be sorted by them."""
    arrays = read_arrays(file)
    return {
        name: each[:: -(-len(each) // MOST_SHOWN) or 1]
        for name, each in arrays.items()
        if each.ndim and name != LABEL
    }


def training_order(store_url: str, network: Network, model: bytes, learnt: Labelled) -> str:
    """The command that orders a network's training, for a shell; what it names is in the store.

    Args:
        store_url: The store, which has the program and the model.
        network: The network.
        model: The model's root: trainings start from it.
        learnt: What it has to learn.

    Raises:
        LabelsRefusedError: There are no labels, or others than the output's classes.
        InputRefusedError: Samples are not those that the network takes.
        ShapeRefusedError: The output has no axis of classes.
    """
    score, store = accuracy(network.program), ArtifactStore(store_url)
    training, test = (_dataset(network, file) for file in (learnt.training, learnt.test))
    hints = TrainingHints(
        training_data=f"0x{store.put_dataset(training).hex()}",
        target_field=len(network.program.fields),
        initial_model=f"0x{model.hex()}",
    )
    store.put_recipe(network.program.root, encode_hints(hints))
    # Beyond six digits the product is what float64 made of the share.
    least = ceil(round(learnt.accuracy * test.fields[-1].size, 6))
    wanted = f"0x{store.put_program(score).hex()}:0x{store.put_dataset(test).hex()}:{least}"
    words = ("--architecture", f"0x{network.program.root.hex()}", "--property", wanted, "--store", store_url)
    order = command("job", "submit", "--kind", "training", *words)
    return f"{order} --reward ETHER --key-file FILE --deployment FILE --l1 URL --l2 URL"


def _dataset(network: Network, file: Path) -> Dataset:
    """The samples of a file as a data set, with their labels as the last field."""
    arrays = read_arrays(file)
    count = len(split_samples(network.record, arrays))
    labels = _labels(file, arrays, (count, *network.program.output.shape[:-1]), network.program)
    return Dataset((*network.quantized(arrays), labels))


def _labels(file: Path, arrays: Arrays, shape: tuple[int, ...], program: Program) -> NDArray[np.int32]:
    labels, classes = arrays.get(LABEL), program.output.shape[-1]
    if labels is None:
        raise LabelsRefusedError(file, f"there is no array `{LABEL}`")
    if labels.dtype.kind not in "iu" or labels.shape != shape:
        raise LabelsRefusedError(
            file, f"{labels.dtype} of shape {labels.shape}, expected integers of {shape}"
        )
    if labels.min() < 0 or labels.max() >= classes:
        raise LabelsRefusedError(file, f"{labels.min()} to {labels.max()} for {classes} classes")
    return labels.astype(np.int32)
