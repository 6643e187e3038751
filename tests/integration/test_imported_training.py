"""An ONNX file as the architecture of training jobs on a real chain, from new and from trained weights."""

import re
import shlex
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import ModelProto

from anh_rollup.cli import main
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import Rules
from anh_rollup.primitives import Seconds
from anh_rollup.storage.artifacts import ArtifactStore
from scripts import digits
from tests.integration.processes import eventually
from tests.unit.importing.graphs import model_of, node

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

#: A short window, and time for every move on two busy cores.
RULES = Rules(
    window=Seconds(10), clock=Seconds(60), reveal_window=Seconds(30), settlement=Seconds(600),
    force_delay=Seconds(60), force_timeout=Seconds(120),
)  # fmt: skip

PATIENCE = 300.0
ACCURACY = 0.92
HIDDEN, CLASSES = 32, 10

Weights = Sequence[NDArray[np.float32]]


def new_weights() -> Weights:
    """As a framework begins: small random numbers, and biases of zero."""
    rng = np.random.default_rng(11)
    shapes = ((HIDDEN, 64), (HIDDEN,), (CLASSES, HIDDEN), (CLASSES,))
    return [
        (rng.uniform(-1, 1, each) * each[-1] ** -0.5 * (len(each) > 1)).astype(np.float32) for each in shapes
    ]


def network_of(weights: Weights) -> ModelProto:
    """Two dense layers on an image, with batch normalization and a ReLU between them."""
    ones, zeros = np.ones(HIDDEN, np.float32), np.zeros(HIDDEN, np.float32)
    known = dict(zip("abcd", weights, strict=True)) | {"one": ones, "zero": zeros}
    nodes = [
        node("Flatten", "image", "f"),
        node("Gemm", "f a b", "g", transB=1),
        node("BatchNormalization", "g one zero zero one", "n", epsilon=0.0),
        node("Relu", "n", "r"),
        node("Gemm", "r c d", transB=1),
    ]
    return model_of(nodes, {"image": (1, 8, 8, 1)}, known)


def saved(path: Path, data: Dataset, chosen: slice) -> Path:
    """Some of the digits, with their labels, as a file; pixels lie between 0 and 1."""
    images, labels = data.fields
    np.savez(path, image=images[chosen].astype(np.float32) / 16, label=labels[chosen])
    return path


def anh(*words: object) -> str:
    """What a command prints; it has to end with 0."""
    done = CliRunner(env={"COLUMNS": "300"}).invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


class Customer:
    """Who imports files and orders trainings, with an accountant that does them."""

    def __init__(self, rollup: LocalNetwork, folder: Path) -> None:
        self._rollup, self._folder = rollup, folder
        self._view = L1View(rollup.l1(), rollup.deployment)
        self.store = ArtifactStore(rollup.store_folder("honest accountant"))

    def imported(self, weights: Weights, training: Path) -> list[str]:
        """Imports a network for a training; the command that orders it, with what only the user knows."""
        file = self._folder / "network.onnx"
        file.write_bytes(network_of(weights).SerializeToString())
        test = saved(self._folder / "test.npz", digits.load().test, slice(None))
        told = anh(
            "model", "import", file, "--store", self._rollup.user_folder, "--training-data", training,
            "--test-data", test, "--accuracy", ACCURACY,
        )  # fmt: skip
        (order,) = re.findall(r"^order it with: \S*anh (.+) --reward ETHER .+$", told, re.M)
        return [*shlex.split(order), "--reward", "0.1", *self._places()]

    def _places(self) -> list[str]:
        rollup = self._rollup
        return [
            "--key-file", str(rollup.key_file("user")), "--deployment", str(rollup.deployment_file),
            "--l1", rollup.l1_url, "--l2", rollup.l2_url,
        ]  # fmt: skip

    def trained(self, order: list[str]) -> bytes:
        """Orders a training and waits for a final claim about it; the model's root."""
        before = set(self._results())
        anh(*order)
        (result,) = eventually(lambda: set(self._results()) - before or None, PATIENCE)
        return result

    def _results(self) -> list[bytes]:
        self._view.refresh()
        return [
            each.claim.result for each in self._view.docket.claims.values() if each.state is ClaimState.FINAL
        ]

    def weights(self, order: list[str], model: bytes) -> Weights:
        """A model's parameters as real numbers, in the order of the network's."""
        program = self.store.get_program(bytes.fromhex(order[order.index("--architecture") + 1][2:]))
        pairs = zip(self.store.get_model(model).parameters, program.parameters, strict=True)
        return [np.ldexp(each, -value.scale).astype(np.float32) for each, value in pairs]

    def right(self, order: list[str], model: bytes) -> float:
        """The part of the property's labels that a model has right."""
        score, dataset, _ = order[order.index("--property") + 1].split(":")
        program = self.store.get_program(bytes.fromhex(score[2:]))
        data = self.store.get_dataset(bytes.fromhex(dataset[2:]))
        parameters = self.store.get_model(model).parameters
        return float(FastEvaluator().evaluate(program, Sources(data.fields, (), parameters)).mean())


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[LocalNetwork]:
    with ProcessGroup(tmp_path / "logs") as processes:
        network = LocalNetwork(tmp_path / "rollup", processes, rules=RULES)
        network.start_l1()
        network.start_sequencer()
        yield network


def test_an_imported_network_is_trained_and_then_tuned_in_fewer_epochs(
    rollup: LocalNetwork, tmp_path: Path
) -> None:
    images = digits.load().train
    first = saved(tmp_path / "first.npz", images, slice(0, None, 2))
    second = saved(tmp_path / "second.npz", images, slice(1, None, 2))
    customer = Customer(rollup, tmp_path)
    accountant = rollup.start_accountant("honest accountant")

    new = customer.imported(new_weights(), first)
    model = customer.trained(new)
    assert customer.right(new, model) >= ACCURACY

    known = customer.imported(customer.weights(new, model), second)
    assert known[known.index("--architecture") + 1] != new[new.index("--architecture") + 1]
    tuned = customer.trained(known)
    assert customer.right(known, tuned) >= ACCURACY
    log = accountant.log.read_text()
    epochs = [int(each) for each in re.findall(r"trained (\d+) epochs", log)]
    assert len(epochs) == 2
    assert epochs[1] < epochs[0]
