"""Networks that people use: trained, published, and of the usual shapes with random weights."""

import numpy as np
import pytest
import torch
from onnx import ModelProto
from sklearn.datasets import load_digits
from torch import Tensor, nn

from anh_rollup.importing.comparison import Comparison, compare
from anh_rollup.importing.network import import_network
from anh_rollup.importing.torch_module import ExportRefusedError, export_module
from benchmarks.networks.catalogue import EVERYWHERE, SHOWN, exported, gpt2
from benchmarks.networks.vision import VisionTransformer


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


def imported(model: ModelProto, shown: np.ndarray, held: np.ndarray, name: str = "x") -> Comparison:
    return compare(model, import_network(model, samples={name: shown}), {name: held})


def check(found: Comparison, most: float = 1e-4) -> None:
    assert found.largest_error < most
    assert (found.agreement, found.saturated) == (1.0, 0)


def trained(module: nn.Module, images: Tensor, classes: Tensor) -> nn.Module:
    torch.manual_seed(5)
    optimizer = torch.optim.Adam(module.parameters(), 5e-3)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(module(images), classes).backward()
        optimizer.step()
    return module.eval()


DIGITS = load_digits()
IMAGES = (DIGITS.images / 16).astype(np.float32)[:, None]


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize(
    "module",
    [
        nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 10)),
        pytest.param(
            nn.Sequential(
                nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2),
                nn.Conv2d(8, 16, 3), nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
            ),
            marks=pytest.mark.slow,
        ),
    ],
    ids=["perceptron", "convolutional"],
)  # fmt: skip
def test_networks_trained_on_digits_decide_the_same(module: nn.Module) -> None:
    network = trained(module, torch.from_numpy(IMAGES[:600]), torch.from_numpy(DIGITS.target[:600]))
    check(imported(exported(network, {"x": torch.zeros(1, 1, 8, 8)}), IMAGES[:400], IMAGES[600:1600]), 1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_small_vision_transformer(rng: np.random.Generator) -> None:
    torch.manual_seed(3)
    images = rng.normal(size=(12, 3, 32, 32)).astype(np.float32)
    model = exported(VisionTransformer(32, 8, 48, 4, 2), {"x": torch.zeros(1, 3, 32, 32)})
    check(imported(model, images[:8], images[8:]), 1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_module_through_torch_export(rng: np.random.Generator) -> None:
    torch.manual_seed(2)
    model = export_module(VisionTransformer(64, 16, 96, 3, 2), [torch.zeros(1, 3, 64, 64)], ["x"])
    images = rng.normal(size=(8, 3, 64, 64)).astype(np.float32)
    check(imported(model, images[:4], images[4:]), 1e-5)


class Undecided(nn.Module):
    """What torch.export refuses: a branch on the elements of a tensor."""

    def forward(self, x: Tensor) -> Tensor:
        return x if x.sum() > 0 else -x


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_module_that_torch_cannot_export_is_refused() -> None:
    with pytest.raises(ExportRefusedError):
        export_module(Undecided(), [torch.zeros(1, 3)], ["x"])


#: Float32 is so far from the real values itself: the variances of magika are differences of large numbers.
ROUNDED = {"magika": 5e-3}


@pytest.mark.slow
@pytest.mark.parametrize(
    "name",
    ["magika", "minilm", "ddddocr-reader", "ddddocr-detector", "lstm", "resnet18", "mobilenet-v3", "vit"],
)
def test_published_networks(name: str) -> None:
    case = EVERYWHERE[name]()
    network = import_network(case.model, shapes=case.shapes, samples=case.samples(SHOWN, 1))
    found = compare(case.model, network, case.samples(4, 2))
    check(found, ROUNDED.get(name, 1e-4))
    assert found.largest_format_error < 1e-4


@pytest.mark.slow
def test_outliers_in_a_residual_stream_cost_no_precision() -> None:
    case = gpt2(length=24, everywhere=True, vocabulary=500, width=96, heads=3, layers=4)
    network = import_network(case.model, samples=case.samples(SHOWN, 1))
    check(compare(case.model, network, case.samples(8, 2)))
