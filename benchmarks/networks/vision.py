"""Published architectures that look at images, with random weights."""

from itertools import pairwise
from typing import Final

import torch
from torch import Tensor, nn


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
        """The block's features, (N, after, ...)."""
        return torch.relu(self.way(x) + self.short(x))


def resnet18(classes: int = 1000) -> nn.Module:
    """ResNet-18 for images (N, 3, H, W)."""
    widths = [64, 64, 64, 128, 128, 256, 256, 512, 512]
    blocks = [Residual(before, after, 1 if before == after else 2) for before, after in pairwise(widths)]
    stem = [nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1)]
    return nn.Sequential(*stem, *blocks, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, classes))


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
        """100 scores for each image (N, 3, size, size)."""
        words = self.patches(x).flatten(2).transpose(1, 2)
        words = torch.cat([self.token.expand(words.shape[0], -1, -1), words], 1) + self.positions
        scores: Tensor = self.head(self.layers(words)[:, 0])
        return scores


#: MobileNetV3-Large, block by block: kernel, expanded width, width after, squeeze, hard swish, stride.
_LARGE: Final = (
    (3, 16, 16, False, False, 1),
    (3, 64, 24, False, False, 2),
    (3, 72, 24, False, False, 1),
    (5, 72, 40, True, False, 2),
    (5, 120, 40, True, False, 1),
    (5, 120, 40, True, False, 1),
    (3, 240, 80, False, True, 2),
    (3, 200, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 184, 80, False, True, 1),
    (3, 480, 112, True, True, 1),
    (3, 672, 112, True, True, 1),
    (5, 672, 160, True, True, 2),
    (5, 960, 160, True, True, 1),
    (5, 960, 160, True, True, 1),
)


def _convolved(before: int, after: int, kernel: int, stride: int = 1, groups: int = 1) -> list[nn.Module]:
    convolution = nn.Conv2d(before, after, kernel, stride, kernel // 2, groups=groups, bias=False)
    return [convolution, nn.BatchNorm2d(after, eps=1e-3)]


class Squeeze(nn.Module):
    """Channels weighed by what they hold on average."""

    def __init__(self, width: int) -> None:
        super().__init__()
        narrow = max(8, (width // 4 + 4) // 8 * 8)
        self.weigh = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(width, narrow, 1), nn.ReLU(),
            nn.Conv2d(narrow, width, 1), nn.Hardsigmoid(),
        )  # fmt: skip

    def forward(self, x: Tensor) -> Tensor:
        """The channels, weighed."""
        weighed: Tensor = x * self.weigh(x)
        return weighed


class Bottleneck(nn.Module):
    """Wider, a convolution of each channel, narrower, and a way around them where that fits."""

    def __init__(self, before: int, block: tuple[int, int, int, bool, bool, int]) -> None:
        super().__init__()
        kernel, wide, after, squeezes, swishes, stride = block
        bent = nn.Hardswish if swishes else nn.ReLU
        parts = [] if wide == before else [*_convolved(before, wide, 1), bent()]
        parts += [*_convolved(wide, wide, kernel, stride, wide), bent()]
        parts += [Squeeze(wide)] if squeezes else []
        self.way = nn.Sequential(*parts, *_convolved(wide, after, 1))
        self.has_short = stride == 1 and before == after

    def forward(self, x: Tensor) -> Tensor:
        """The block's features, (N, after, ...)."""
        y: Tensor = self.way(x)
        return x + y if self.has_short else y


def mobilenet_v3() -> nn.Module:
    """MobileNetV3-Large for images (N, 3, H, W): 1,000 scores for each."""
    befores = [16, *(block[2] for block in _LARGE)]
    blocks = [Bottleneck(before, block) for before, block in zip(befores, _LARGE, strict=False)]
    return nn.Sequential(
        *_convolved(3, 16, 3, 2), nn.Hardswish(), *blocks, *_convolved(160, 960, 1), nn.Hardswish(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(960, 1280), nn.Hardswish(), nn.Linear(1280, 1000),
    )  # fmt: skip


def normalized(module: nn.Module, images: Tensor) -> nn.Module:
    """The module with the statistics of images in its batch normalizations, as trained networks have them."""
    for each in module.modules():
        if isinstance(each, nn.BatchNorm2d):
            each.momentum = None
    with torch.no_grad():
        module.train()(images)
    return module.eval()
