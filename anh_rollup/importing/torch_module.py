"""A torch module as an ONNX model, through torch.export."""

import inspect
import logging
import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import torch
from numpy.typing import NDArray
from onnx import ModelProto

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.errors import ImportingError, InputRefusedError
from anh_rollup.importing.onnx_file import MOST_NAME, decode_model

#: The operators that torch writes best (ONNX 1.13), of those that can be imported.
OPSET: Final = 18


class ExportRefusedError(ImportingError):
    """A torch module that torch itself cannot write as ONNX.

    Attributes:
        reason: torch's words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"torch cannot export the module: {reason}",
            remedy="Install onnxscript, and remove what depends on the values of tensors from `forward`.",
        )
        self.reason = reason


class ModuleRefusedError(ImportingError):
    """A word that should name a function which makes a torch module.

    Attributes:
        word: The word.
        reason: What is wrong, as a phrase.
    """

    def __init__(self, word: str, reason: str) -> None:
        super().__init__(
            f"{word[:MOST_NAME]!r}: {reason}",
            remedy="Name package.module:function; it takes no argument and gives a torch.nn.Module.",
        )
        self.word = word
        self.reason = reason


def made_module(word: str) -> torch.nn.Module:
    """The module that a function of the user's makes; this runs his code.

    Args:
        word: `package.module:function`, of the current folder or of what is installed.

    Raises:
        ModuleRefusedError: There is no such function, or it gives something else.
    """
    name, _, function = word.partition(":")
    sys.path.insert(0, str(Path.cwd()))
    try:
        make: Callable[[], object] = getattr(import_module(name), function)
    except (ImportError, AttributeError) as error:
        raise ModuleRefusedError(word, str(error)) from error
    finally:
        del sys.path[0]
    module = make()
    if not isinstance(module, torch.nn.Module):
        raise ModuleRefusedError(word, f"it gives a {type(module).__name__}")
    return module


def examples_of(
    module: torch.nn.Module, shapes: Mapping[str, Shape], samples: Mapping[str, NDArray[Any]]
) -> dict[str, torch.Tensor]:
    """An input of zeros for each argument of `forward` that has no default, by its name.

    Args:
        module: The network.
        shapes: Shapes with the dimension for samples.
        samples: By name, arrays (N, *shape of one sample), which show shapes and types, too.

    Raises:
        InputRefusedError: Nothing tells the shape of one.
    """
    examples = {}
    for name, each in inspect.signature(module.forward).parameters.items():
        shown = samples.get(name)
        shape = shapes.get(name) or (None if shown is None else (1, *shown.shape[1:]))
        if shape is not None:
            whole = shown is not None and shown.dtype.kind in "iu"
            examples[name] = torch.zeros(shape, dtype=torch.int64 if whole else torch.float32)
        elif each.default is inspect.Parameter.empty:
            others = ", ".join([*samples, *shapes])[:200] or "nothing"
            raise InputRefusedError(
                name[:MOST_NAME],
                f"neither samples nor a shape; there are some of {others}",
                remedy="Name arrays of the .npz file, or shapes with --input-shape, as `forward` does.",
            )
    return examples


def export_module(
    module: torch.nn.Module, examples: Sequence[torch.Tensor], names: Sequence[str]
) -> ModelProto:
    """The checked ONNX model of a module in evaluation mode.

    Args:
        module: The network.
        examples: One input for each argument of `forward`, with a leading dimension of 1.
        names: What the inputs are called; samples go by these names.

    Raises:
        ExportRefusedError: torch does not export it.
        OnnxFileError: What it exports cannot be read.
    """
    was_training = module.training
    try:
        with _quiet():
            exported = torch.onnx.export(
                module.eval(),
                tuple(examples),
                dynamo=True,
                opset_version=OPSET,
                input_names=list(names),
                verbose=False,
            )
    except (torch.onnx.errors.OnnxExporterError, ModuleNotFoundError) as error:
        raise ExportRefusedError(str(error)) from error
    finally:
        module.train(was_training)
    if exported is None:
        raise ExportRefusedError("it gave nothing")
    return decode_model(exported.model_proto.SerializeToString())


@contextmanager
def _quiet() -> Iterator[None]:
    """Without what torch says about its own code."""
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        logger.setLevel(level)
