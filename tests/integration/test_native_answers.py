"""An imported network on a real chain: asked, answered by onnxruntime, lied about, and final."""

import re
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from click.testing import CliRunner
from numpy.typing import NDArray
from onnx import ModelProto

from anh_rollup.cli import main
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.deployment import Rules
from anh_rollup.primitives import Seconds
from anh_rollup.storage.artifacts import ArtifactStore
from tests.integration.processes import eventually
from tests.unit.importing.graphs import model_of, node

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

#: A short window, and time for every move on two busy cores.
RULES = Rules(
    window=Seconds(10), clock=Seconds(60), reveal_window=Seconds(30), settlement=Seconds(600),
    force_delay=Seconds(60), force_timeout=Seconds(120),
)  # fmt: skip

PATIENCE = 120.0
SAMPLES, TOLERANCE = 6, 0.001
SIDE, CLASSES = 8, 5


def network_of(seed: int) -> ModelProto:
    """A convolution, its norm over the image, and a dense layer."""
    rng = np.random.default_rng(seed)
    weights = {
        "k": rng.normal(size=(6, 3, 3, 3)).astype(np.float32) / 5,
        "w": rng.normal(size=(6, CLASSES)).astype(np.float32),
    }
    nodes = [
        node("Conv", "x k", "c", pads=[1, 1, 1, 1]),
        node("Relu", "c", "r"),
        node("GlobalAveragePool", "r", "p"),
        node("Flatten", "p", "f"),
        node("MatMul", "f w", "m"),
        node("Tanh", "m"),
    ]
    return model_of(nodes, {"x": (1, 3, SIDE, SIDE)}, weights)


def images(count: int, seed: int) -> NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, 3, SIDE, SIDE)).astype(np.float32)


def anh(*words: object) -> str:
    """What a command prints; it has to end with 0."""
    done = CliRunner(env={"COLUMNS": "300"}).invoke(main, [str(word) for word in words])
    assert done.exit_code == 0, done.output
    return done.output


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[LocalNetwork]:
    with ProcessGroup(tmp_path / "logs") as processes:
        network = LocalNetwork(tmp_path / "rollup", processes, rules=RULES)
        network.start_l1()
        network.start_sequencer()
        yield network


def imported(folder: Path, store: Path) -> dict[str, str]:
    """Imports the network into a store; what `anh model import` prints, by its first word."""
    (folder / "network.onnx").write_bytes(network_of(1).SerializeToString())
    np.savez(folder / "samples.npz", x=images(16, 2))
    np.savez(folder / "questions.npz", x=images(SAMPLES, 3))
    told = anh(
        "model", "import", folder / "network.onnx", "--samples", folder / "samples.npz", "--store", store,
        "--questions", folder / "questions.npz", "--tolerance", TOLERANCE,
    )  # fmt: skip
    return dict(re.findall(r"^(program|model|property) +(\S+)$", told, re.M))


def ordered(rollup: LocalNetwork, made: dict[str, str]) -> None:
    """Orders the answers to the questions."""
    anh(
        "job", "submit", "--kind", "inference", "--l1", rollup.l1_url, "--l2", rollup.l2_url,
        "--deployment", rollup.deployment_file, "--key-file", rollup.key_file("user"),
        "--store", rollup.user_folder, "--architecture", made["program"], "--model", made["model"],
        "--property", made["property"], "--reward", "0.1",
    )  # fmt: skip


def native(fields: NDArray[np.int32], scale: int) -> NDArray[np.float64]:
    """What onnxruntime makes of the samples of a data set."""
    session = onnxruntime.InferenceSession(
        network_of(1).SerializeToString(), providers=["CPUExecutionProvider"]
    )
    real = np.ldexp(fields.astype(np.float64), -scale).astype(np.float32)
    return np.concatenate([session.run(None, {"x": each[None]})[0] for each in real]).astype(np.float64)


def test_onnxruntimes_answers_become_final_and_false_ones_are_refuted(
    rollup: LocalNetwork, tmp_path: Path
) -> None:
    made = imported(tmp_path, rollup.user_folder)
    roots = [bytes.fromhex(made[each][2:]) for each in ("program", "model")]
    for name in ("honest accountant", "dishonest accountant"):
        assert imported(tmp_path, rollup.store_folder(name)) == made
    # Its network has other weights: what it answers is false, and it says that it is not.
    wrong = rollup.store_folder("dishonest accountant") / "network" / keccak256(b"".join(roots)).hex()
    assert wrong.is_file()
    wrong.write_bytes(network_of(9).SerializeToString())
    view = L1View(rollup.l1(), rollup.deployment)

    def in_state(name: str, state: ClaimState) -> list[bytes]:
        view.refresh()
        account = str(rollup.accounts[name].address)
        claims = view.docket.claims.values()
        return [each.claim.result for each in claims if (each.claim.claimant, each.state) == (account, state)]

    ordered(rollup, made)
    rollup.start_challenger()
    rollup.start_accountant("dishonest accountant", "--unchecked-answers")
    (false,) = eventually(lambda: in_state("dishonest accountant", ClaimState.REFUTED) or None, PATIENCE)
    rollup.start_accountant("honest accountant", "--unchecked-answers")
    (result,) = eventually(lambda: in_state("honest accountant", ClaimState.FINAL) or None, PATIENCE)

    store = ArtifactStore(rollup.store_folder("honest accountant"))
    (answers,) = store.get_dataset(result).fields
    program = store.get_program(roots[0])
    (asked,) = store.get_dataset(bytes.fromhex(made["property"].split(":")[1][2:])).fields
    expected = native(asked, program.fields[0].scale)
    assert np.array_equal(answers, np.rint(np.ldexp(expected, program.output.scale)))
    others = ArtifactStore(rollup.store_folder("dishonest accountant")).get_dataset(false).fields[0]
    assert np.abs(np.ldexp((others - answers).astype(np.float64), -program.output.scale)).max() > TOLERANCE
