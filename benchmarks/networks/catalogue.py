"""Each network with samples: some that show ranges, and others that are held back."""

import io
import warnings
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path
from typing import Any, Final

import magika
import numpy as np
import torch
from numpy.typing import NDArray
from onnx import ModelProto
from sklearn.datasets import load_digits
from torch import Tensor, nn

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.onnx_file import decode_model
from anh_rollup.tensor.properties import Answers
from benchmarks.networks import language, vision
from benchmarks.networks.wheels import file_of

Array = NDArray[Any]
Arrays = Mapping[str, Array]

#: How many samples show the ranges (choice).
SHOWN: Final = 16


@dataclass(frozen=True, slots=True, eq=False)
class Case:
    """A network to import.

    Attributes:
        model: As a file would hold it, checked.
        samples: Draws so many samples by a seed: by the inputs' names, arrays (N, *shape of one sample).
            What is drawn by an odd seed and by an even one has nothing in common.
        shapes: Shapes of inputs that the model leaves open.
        answers: What those who use it take of it.
    """

    model: ModelProto
    samples: Callable[[int, int], Arrays]
    shapes: Mapping[str, Shape] | None = None
    answers: Answers = Answers.OUTPUT


def exported(module: nn.Module, inputs: Mapping[str, Tensor]) -> ModelProto:
    """A module by torch's older exporter, which takes a tenth of the time."""
    buffer = io.BytesIO()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.onnx.export(
            module.eval(),
            tuple(inputs.values()),
            buffer,  # type: ignore[arg-type]
            dynamo=False,
            opset_version=17,
            input_names=list(inputs),
            output_names=["scores"],
        )
    return decode_model(buffer.getvalue())


def half(rows: Any, seed: int) -> Any:
    """Every second row: samples by an odd seed and by an even one have none in common."""
    return rows[seed % 2 :: 2]


def _images(side: int, count: int, seed: int) -> Arrays:
    """Images of noise that has several scales, (N, 3, side, side)."""
    rng = np.random.default_rng(seed)
    found = rng.normal(size=(count, 3, side, side))
    for scale in (4, 16):
        coarse = rng.normal(size=(count, 3, -(-side // scale), -(-side // scale)))
        found += np.kron(coarse, np.ones((scale, scale)))[..., :side, :side]
    return {"x": (found / 3**0.5).astype(np.float32)}


def _vision(make: Callable[[], nn.Module], side: int, *, normalizes: bool) -> Case:
    torch.manual_seed(1)
    module = make()
    if normalizes:
        module = vision.normalized(module, torch.from_numpy(_images(side, 8, 0)["x"]))
    model = exported(module, {"x": torch.zeros(1, 3, side, side)})
    return Case(model, lambda count, seed: _images(side, count, seed))


def resnet18(side: int = 224) -> Case:
    """ResNet-18 with random weights."""
    return _vision(vision.resnet18, side, normalizes=True)


def mobilenet_v3(side: int = 224) -> Case:
    """MobileNetV3-Large with random weights."""
    return _vision(vision.mobilenet_v3, side, normalizes=True)


def vit(side: int = 224) -> Case:
    """ViT-Tiny with patches of 16 x 16 and random weights."""
    return _vision(lambda: vision.VisionTransformer(side, 16, 192, 3, 12), side, normalizes=False)


def _words(vocabulary: int, length: int, count: int, seed: int) -> Arrays:
    """Sequences of tokens, as frequent as words are: each half as likely as the one of half its rank."""
    rng = np.random.default_rng(seed)
    return {"ids": np.exp(rng.uniform(0, np.log(vocabulary), (count, length))).astype(np.int64) % vocabulary}


def gpt2(length: int = language.TOKENS, *, everywhere: bool = False, **size: int) -> Case:
    """GPT-2 small with weights as GPT-2 initializes them, and outliers in its residual stream."""
    torch.manual_seed(1)
    module = language.with_outliers(language.Gpt2(everywhere=everywhere, **size))
    vocabulary = module.words.num_embeddings
    model = exported(module, {"ids": torch.zeros(1, length, dtype=torch.int64)})
    return Case(model, lambda count, seed: _words(vocabulary, length, count, seed))


def lstm(length: int = language.TOKENS, *, everywhere: bool = False, **size: int) -> Case:
    """A language model of two LSTM layers with random weights."""
    torch.manual_seed(1)
    module = language.LstmModel(everywhere=everywhere, **size)
    vocabulary = module.words.num_embeddings
    model = exported(module, {"ids": torch.zeros(1, length, dtype=torch.int64)})
    return Case(model, lambda count, seed: _words(vocabulary, length, count, seed))


def minilm() -> Case:
    """The encoder of all-MiniLM-L6-v2 over the text of its own page, some rows cut short."""
    length = language.TOKENS
    ids = torch.zeros(1, length, dtype=torch.int64)
    model = exported(language.minilm(), {"ids": ids, "kept": torch.ones_like(ids)})
    rows = language.word_pieces()

    def samples(count: int, seed: int) -> Arrays:
        rng = np.random.default_rng(seed)
        chosen = half(rows, seed)[rng.integers(0, len(rows) // 2, count)]
        kept = np.arange(length) < rng.integers(length // 4, 2 * length, (count, 1))
        return {"ids": np.where(kept, chosen, 0), "kept": kept.astype(np.int64)}

    return Case(model, samples)


def magika_standard() -> Case:
    """Magika's standard model over files of Python's own library, whole or cut short."""
    model = files(magika).joinpath("models/standard_v3_3/model.onnx")
    sources = sorted(Path(io.__file__).parent.glob("*.py"))
    contents = [source.read_bytes() for source in sources]

    def samples(count: int, seed: int) -> Arrays:
        rng = np.random.default_rng(seed)
        own = half(contents, seed)
        chosen = [own[at] for at in rng.integers(0, len(own), count)]
        lengths = np.exp(rng.uniform(np.log(16), np.log(60_000), count)).astype(int)
        cut = [each[:length] for each, length in zip(chosen, lengths, strict=True)]
        return {"bytes": np.stack([tokens(each) for each in cut])}

    return Case(decode_model(model.read_bytes()), samples)


def tokens(content: bytes) -> Array:
    """What magika reads: 1,024 bytes from each end of a file; 256 where there are none."""
    ends = (content[:1024], content[-1024:])
    first, last = (np.frombuffer(each, np.uint8).astype(np.int32) for each in ends)
    margin = [np.full(1024 - len(each), 256, np.int32) for each in (first, last)]
    return np.concatenate([first, margin[0], margin[1], last])


def _digits(count: int, across: int, seed: int) -> Array:
    """Rows of handwritten digits, each 64 pixels wide and high: (N, 64, 64 * across), black on white."""
    rng, images = np.random.default_rng(seed), half(load_digits().images, seed)
    chosen = images[rng.integers(0, len(images), (count, across))]
    rows = np.kron(chosen, np.ones((8, 8))).transpose(0, 2, 1, 3).reshape(count, 64, 64 * across)
    return 1.0 - rows / 16 + rng.normal(0, 0.02, rows.shape)


def ocr(name: str = "common", *, everywhere: bool = False) -> Case:
    """One of ddddocr's two readers of text: rows of three digits, 64 pixels high.

    The package reads a character, or none, where its score is the largest; `everywhere` it gives all scores.
    """
    model = decode_model(file_of("ddddocr", f"ddddocr/{name}.onnx"))

    def samples(count: int, seed: int) -> Arrays:
        return {"input1": _digits(count, 3, seed)[:, None].astype(np.float32)}

    answers = Answers.OUTPUT if everywhere else Answers.DECISIONS
    return Case(model, samples, {"input1": (1, 1, 64, 192)}, answers)


def detector() -> Case:
    """The detector of ddddocr: digits somewhere in noise."""
    model = decode_model(file_of("ddddocr", "ddddocr/common_det.onnx"))

    def samples(count: int, seed: int) -> Arrays:
        rng = np.random.default_rng(seed)
        scenes = 114 + 60 * _images(416, count, seed)["x"]
        for scene, row in zip(scenes, _digits(count, 3, seed), strict=True):
            top, left = rng.integers(0, (352, 224))
            scene[:, top : top + 64, left : left + 192] = 255 * row
        return {"images": np.clip(scenes, 0, 255).astype(np.float32)}

    return Case(model, samples)


#: How each network is made, by name.
CASES: Final[dict[str, Callable[[], Case]]] = {
    "magika": magika_standard,
    "ddddocr-reader": ocr,
    "ddddocr-old-reader": lambda: ocr("common_old"),
    "ddddocr-detector": detector,
    "minilm": minilm,
    "resnet18": resnet18,
    "mobilenet-v3": mobilenet_v3,
    "vit": vit,
    "lstm": lstm,
    "gpt2": gpt2,
}

#: The same, where language models score each place of a sequence, many decisions of one evaluation, and
#: readers give the scores of all characters at each place.
EVERYWHERE: Final[dict[str, Callable[[], Case]]] = CASES | {
    "ddddocr-reader": lambda: ocr(everywhere=True),
    "ddddocr-old-reader": lambda: ocr("common_old", everywhere=True),
    "lstm": lambda: lstm(everywhere=True),
    "gpt2": lambda: gpt2(everywhere=True),
}
