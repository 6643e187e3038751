"""Networks that people use: trained, published, and of the usual shapes with random weights."""

import io
from importlib.resources import files

import magika
import numpy as np
import pytest
import torch
from onnx import ModelProto
from sklearn.datasets import load_digits
from torch import Tensor, nn

from anh_rollup.importing.comparison import Comparison, compare
from anh_rollup.importing.network import import_network
from anh_rollup.importing.onnx_file import decode_model
from anh_rollup.importing.torch_module import ExportRefusedError, export_module


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(11)


class Residual(nn.Module):
    """Two convolutions and a way around them."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.way = nn.Sequential(
            nn.Conv2d(before, after, 3, stride, 1, bias=False), nn.BatchNorm2d(after), nn.ReLU(),
            nn.Conv2d(after, after, 3, 1, 1, bias=False), nn.BatchNorm2d(after),
        )  # fmt: skip
        short = nn.Sequential(nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after))
        self.short = nn.Identity() if (before, stride) == (after, 1) else short

    def forward(self, x: Tensor) -> Tensor:
        return torch.relu(self.way(x) + self.short(x))


class VisionTransformer(nn.Module):
    """Patches of an image, a class token, positions, and encoder layers."""

    def __init__(self, size: int, patch: int, width: int, heads: int, layers: int) -> None:
        super().__init__()
        self.patches = nn.Conv2d(3, width, patch, patch)
        self.token = nn.Parameter(torch.randn(1, 1, width))
        self.positions = nn.Parameter(0.1 * torch.randn(1, (size // patch) ** 2 + 1, width))
        self.layers = nn.Sequential(
            *(
                nn.TransformerEncoderLayer(
                    width, heads, 4 * width, 0.0, "gelu", batch_first=True, norm_first=True
                )
                for _ in range(layers)
            )
        )
        self.head = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 100))

    def forward(self, x: Tensor) -> Tensor:
        words = self.patches(x).flatten(2).transpose(1, 2)
        words = torch.cat([self.token.expand(words.shape[0], -1, -1), words], 1) + self.positions
        return self.head(self.layers(words)[:, 0])


def resnet18() -> nn.Module:
    widths = [
        (64, 64, 1),
        (64, 64, 1),
        (64, 128, 2),
        (128, 128, 1),
        (128, 256, 2),
        (256, 256, 1),
        (256, 512, 2),
        (512, 512, 1),
    ]
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(
        *stem,
        *(Residual(*each) for each in widths),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(512, 1000),
    )


def exported(module: nn.Module, *shape: int) -> ModelProto:
    """By torch's older exporter, which takes a tenth of the time."""
    buffer = io.BytesIO()
    torch.onnx.export(
        module.eval(),
        (torch.zeros(1, *shape),),
        buffer,
        dynamo=False,
        opset_version=17,
        input_names=["x"],  # type: ignore[arg-type]
    )
    return decode_model(buffer.getvalue())


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
        nn.Sequential(
            nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3),
            nn.GELU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(16, 10),
        ),
    ],
    ids=["perceptron", "convolutional"],
)  # fmt: skip
def test_networks_trained_on_digits_decide_the_same(module: nn.Module) -> None:
    network = trained(module, torch.from_numpy(IMAGES[:600]), torch.from_numpy(DIGITS.target[:600]))
    check(imported(exported(network, 1, 8, 8), IMAGES[:400], IMAGES[600:1600]), 1e-5)


@pytest.mark.filterwarnings("ignore")
def test_a_small_vision_transformer(rng: np.random.Generator) -> None:
    torch.manual_seed(3)
    images = rng.normal(size=(12, 3, 32, 32)).astype(np.float32)
    model = exported(VisionTransformer(32, 8, 48, 4, 2), 3, 32, 32)
    check(imported(model, images[:8], images[8:]), 1e-5)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_resnet_18(rng: np.random.Generator) -> None:
    torch.manual_seed(1)
    images = rng.normal(size=(6, 3, 224, 224)).astype(np.float32)
    check(imported(exported(resnet18(), 3, 224, 224), images[:4], images[4:]), 1e-5)


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


@pytest.mark.slow
def test_magika() -> None:
    path = files(magika).joinpath("models/standard_v3_3/model.onnx")
    model = decode_model(path.read_bytes())
    sources = sorted(
        each.name for each in files("anh_rollup.importing").iterdir() if each.name.endswith(".py")
    )
    whole = [files("anh_rollup.importing").joinpath(name).read_bytes() for name in sources]
    texts = [each[:length] for each in whole for length in (40, 150, 700, 1_500, len(each))]
    words = np.stack([tokens(each) for each in texts])
    held = np.arange(len(words)) % 7 == 3
    found = imported(model, words[~held], words[held], "bytes")
    # The variances of this network are differences of large numbers, which float32 rounds.
    check(found, 2e-3)
    assert found.largest_format_error < 1e-4


def tokens(content: bytes) -> np.ndarray:
    """1,024 bytes from the beginning and as many from the end; 256 where there are none."""
    ends = (content[:1024], content[-1024:])
    first, last = (np.frombuffer(each, np.uint8).astype(np.int32) for each in ends)
    margin = [np.full(1024 - len(each), 256, np.int32) for each in (first, last)]
    return np.concatenate([first, margin[0], margin[1], last])
