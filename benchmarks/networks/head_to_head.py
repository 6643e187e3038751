"""The three networks of a published comparison of ways to settle disputes, with random weights."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

import numpy as np
import torch
from onnx import ModelProto
from torch import nn

from benchmarks.networks.catalogue import Array, exported
from benchmarks.networks.vision import Bottleneck, normalized

#: MobileNetV2, stage by stage: expansion, width after, blocks, stride of the first.
_STAGES: Final = (
    (1, 16, 1, 1),
    (6, 24, 2, 2),
    (6, 32, 3, 2),
    (6, 64, 4, 2),
    (6, 96, 3, 1),
    (6, 160, 3, 2),
    (6, 320, 1, 1),
)

#: Images by which batch normalizations get their statistics.
_SHOWN: Final = 8


@dataclass(frozen=True, slots=True)
class Published:
    """A network of the comparison.

    Attributes:
        name: As it is called there.
        parameters: How many there are.
        make: Makes it.
        shape: Of one image.
    """

    name: str
    parameters: int
    make: Callable[[], nn.Module]
    shape: tuple[int, int, int]

    def images(self, count: int, seed: int) -> Array:
        """Noise: (N, *shape), float32."""
        return np.random.default_rng(seed).normal(size=(count, *self.shape)).astype(np.float32)

    def model(self) -> ModelProto:
        """The network as a file would hold it.

        Raises:
            SystemExit: It has another number of parameters than published.
        """
        torch.manual_seed(1)
        module = self.make()
        count = sum(each.numel() for each in module.parameters())
        if count != self.parameters:
            raise SystemExit(f"{self.name} has {count} parameters instead of {self.parameters}")
        module = normalized(module, torch.from_numpy(self.images(_SHOWN, 0)))
        return exported(module, {"x": torch.zeros(1, *self.shape)})


def perceptron() -> nn.Module:
    """784-20-10 for images (N, 1, 28, 28)."""
    return nn.Sequential(nn.Flatten(), nn.Linear(784, 20), nn.ReLU(), nn.Linear(20, 10))


def lenet() -> nn.Module:
    """LeNet-5 for images (N, 1, 28, 28)."""
    return nn.Sequential(
        nn.Conv2d(1, 6, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 16, 5), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(),
        nn.Linear(400, 120), nn.ReLU(), nn.Linear(120, 84), nn.ReLU(), nn.Linear(84, 10),
    )  # fmt: skip


def mobilenet_v2() -> nn.Module:
    """MobileNetV2's layers for images (N, 3, H, W): 1,000 scores for each."""
    blocks, before = [], 32
    for expansion, after, count, stride in _STAGES:
        for each in range(count):
            block = (3, expansion * before, after, False, False, 1 if each else stride)
            blocks.append(Bottleneck(before, block))
            before = after
    stem = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    last = [nn.Conv2d(before, 1280, 1, bias=False), nn.BatchNorm2d(1280), nn.ReLU()]
    return nn.Sequential(*stem, *blocks, *last, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(1280, 1000))


#: Those of the comparison.
PUBLISHED: Final = (
    Published("MNIST network", 15_910, perceptron, (1, 28, 28)),
    Published("LeNet", 61_706, lenet, (1, 28, 28)),
    Published("MobileNet", 3_504_872, mobilenet_v2, (3, 224, 224)),
)
