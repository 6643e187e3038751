"""Exact evaluation against torch float32, same threads, same run: `python -m benchmarks.exact_evaluation`.

Activations have 24 bits and weights 16. Networks of four equal layers, so that what is converted once, at
both ends, counts as it does in a network. Both sides have loaded the weights before; beside it stands what a
program takes that is loaded for one evaluation. One thread each, and its processor time; ours and the peer
take turns, so that what else runs on the machine hardly counts.
"""

from collections.abc import Callable
from dataclasses import dataclass
from itertools import chain
from statistics import median

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from anh_rollup.evaluation import depthwise_kernel
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.kernels.machine_code import this_processor
from anh_rollup.tensor.builder import ProgramBuilder
from anh_rollup.tensor.program import Program
from benchmarks.model_process import use_processors
from benchmarks.report import PAIRS, Figure, compared, seconds, show
from scripts import digits

LAYERS = 4
SCALE = 12
ACTIVATION = (-(2**23), 2**23 - 1)

#: Samples and width of matrix products; samples, side and channels of convolutions.
PRODUCTS = ((256, 256), (512, 512), (1024, 1024), (2048, 1024), (4096, 256))
CONVOLUTIONS = ((8, 56, 64), (8, 28, 128), (16, 14, 256), (128, 8, 32))
DEPTHWISE = ((8, 56, 64), (16, 14, 256))
PRODUCT_TARGET, CONVOLUTION_TARGET = 2.5, 4.0

PRODUCT_PAIRS = 61

#: Compiling takes so many tries, and may take so many milliseconds (choice: a fifth of torch's own import).
COMPILATIONS, COMPILATION_TARGET = 11, 500


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """A program with random weights and samples, and the same as float32 tensors."""

    program: Program
    sources: Sources
    image: Tensor
    weights: tuple[tuple[Tensor, Tensor], ...]


def network(samples: int, shape: tuple[int, ...], kernel: tuple[int, ...], groups: int = 1) -> Network:
    """Four layers of the same width with ReLU: dense without a kernel, convolutions with one."""
    b, rng, width = ProgramBuilder(), np.random.default_rng(0), shape[-1]
    y = b.field(shape, scale=SCALE, low=ACTIVATION[0], high=ACTIVATION[1])
    for _ in range(LAYERS):
        w = b.parameter((width, *kernel, width // groups), scale=15)
        bias = b.parameter((width,), scale=16)
        y = b.conv2d(y, w, bias, padding=1, groups=groups, low=0) if kernel else b.linear(y, w, bias, low=0)
    program = b.build(y)
    spread = int(2**15 * (6 / (width // groups * int(np.prod(kernel)))) ** 0.5)
    parameters = tuple(
        rng.integers(-min(spread, 2**15), min(spread, 2**15), each.shape, dtype=np.int32)
        for each in program.parameters
    )
    field = rng.integers(-(2**14), 2**14, (samples, *shape), dtype=np.int32)
    real = [torch.from_numpy(each * 2.0**-15).float() for each in parameters]
    pairs = tuple(zip(real[::2], real[1::2], strict=True))
    return Network(
        program, Sources((field,), (), parameters), torch.from_numpy(field * 2.0**-SCALE).float(), pairs
    )


def dense_peer(given: Network) -> Callable[[], Tensor]:
    """The same in torch float32."""

    def work() -> Tensor:
        y = given.image
        for weight, bias in given.weights:
            y = functional.linear(y, weight, bias).relu_()
        return y

    return work


def convolution_peer(given: Network, groups: int = 1) -> Callable[[], Tensor]:
    """The same in torch float32, channels last."""
    image = given.image.permute(0, 3, 1, 2)
    last = torch.channels_last
    kernels = [(w.permute(0, 3, 1, 2).contiguous(memory_format=last), bias) for w, bias in given.weights]

    def work() -> Tensor:
        y = image
        for kernel, bias in kernels:
            y = functional.conv2d(y, kernel, bias, padding=1, groups=groups).relu_()
        return y

    return work


def digits_figures() -> list[Figure]:
    """The demo's network on its 1,437 training images."""
    architecture, images = digits.architecture(), digits.load().train.fields[:1]
    rng = np.random.default_rng(0)
    parameters = tuple(
        rng.integers(-(2**11), 2**11, each.shape, dtype=np.int32) for each in architecture.parameters
    )
    sources = Sources(images, (), parameters)
    real = [torch.from_numpy(each * 2.0**-13).float() for each in parameters]
    last = torch.channels_last
    kernels = [each.permute(0, 3, 1, 2).contiguous(memory_format=last) for each in (real[0], real[2])]
    # Two flattened layouts differ by an order of features, which costs the same.
    image = torch.from_numpy(images[0] / 16).float().permute(0, 3, 1, 2)

    def peer() -> Tensor:
        y = image
        for kernel, bias in zip(kernels, (real[1], real[3]), strict=True):
            y = functional.max_pool2d(functional.conv2d(y, kernel, bias, padding=1).relu_(), 2)
        return functional.linear(y.flatten(1), real[4], real[5])

    return figures_of("demo network, 1,437 images", architecture, sources, peer, CONVOLUTION_TARGET)


def figures_of(
    name: str,
    program: Program,
    sources: Sources,
    peer: Callable[[], Tensor],
    target: float,
    pairs: int = PAIRS,
) -> list[Figure]:
    """The exact network against its peer, loaded before and loaded each time."""
    loaded = FastEvaluator().load(program, sources.parameters)

    def ours() -> object:
        return loaded.evaluate(sources.fields)

    def once() -> object:
        return FastEvaluator().evaluate(program, sources)

    return [
        compared(name, ours, peer, target, pairs),
        compared(f"{name}, loaded each time", once, peer, None, pairs),
    ]


def product(samples: int, width: int) -> list[Figure]:
    """Matrix products (samples, width) by (width, width)."""
    given = network(samples, (width,), ())
    name = f"{LAYERS} matrix products {samples} x {width} x {width}"
    return figures_of(name, given.program, given.sources, dense_peer(given), PRODUCT_TARGET, PRODUCT_PAIRS)


def convolution(samples: int, side: int, channels: int, *, depthwise: bool = False) -> list[Figure]:
    """Convolutions 3 x 3 of (samples, side, side, channels)."""
    groups = channels if depthwise else 1
    given = network(samples, (side, side, channels), (3, 3), groups)
    kind = "depthwise convolutions" if depthwise else "convolutions"
    name = f"{LAYERS} {kind} 3 x 3, {samples} x {side} x {side} x {channels}"
    peer = convolution_peer(given, groups)
    return figures_of(name, given.program, given.sources, peer, CONVOLUTION_TARGET)


def compilation() -> Figure:
    """What the first depthwise convolution of a process waits for."""
    here = this_processor()
    if here is None:
        raise SystemExit("this system runs no code from memory")
    times = [seconds(lambda: depthwise_kernel.compiled_for(here)) for _ in range(COMPILATIONS)]
    name = f"compiling depthwise convolutions, once a process, median of {COMPILATIONS}"
    return Figure(name, "milliseconds", round(1_000 * median(times), 1), COMPILATION_TARGET)


def main() -> None:
    """Measures and prints all figures."""
    use_processors(1)
    torch.set_num_threads(1)
    with torch.inference_mode():
        figures = [
            *(product(*each) for each in PRODUCTS),
            *(convolution(*each) for each in CONVOLUTIONS),
            *(convolution(*each, depthwise=True) for each in DEPTHWISE),
            digits_figures(),
        ]
    show([*chain.from_iterable(figures), compilation()])


if __name__ == "__main__":
    main()
