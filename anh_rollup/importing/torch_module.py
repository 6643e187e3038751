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

#: What of an export's own messages is passed on, by logger: they tell of code that is not the user's.
_LEVELS: Final = {"torch.onnx": logging.ERROR, "onnxscript": logging.WARNING, "onnx_ir": logging.WARNING}

#: Characters that are shown of what somebody else's code says (choice).
MOST_TEXT: Final = 300


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

    def __init__(
        self,
        word: str,
        reason: str,
        *,
        remedy: str = "Name package.module:function; it takes no argument and gives a torch.nn.Module.",
    ) -> None:
        super().__init__(f"{word[:MOST_NAME]!r}: {reason}", remedy=remedy)
        self.word = word
        self.reason = reason


class ModuleRaisedError(ModuleRefusedError):
    """Code of the user's that raises where it should make a torch module.

    Attributes:
        raised: The exception.
    """

    def __init__(self, word: str, work: str, raised: BaseException) -> None:
        text = "".join(each if each.isprintable() else ascii(each)[1:-1] for each in str(raised)[:MOST_TEXT])
        super().__init__(
            word,
            f"{work} raises {type(raised).__name__}" + (f": {text}" if text else ""),
            remedy="Mend it, and try it in Python first: "
            "the function takes no argument and gives a torch.nn.Module.",
        )
        self.raised = raised


def made_module(word: str) -> torch.nn.Module:
    """The module that a function of the user's makes; this runs his code.

    Args:
        word: `package.module:function`, of the current folder or of what is installed.

    Raises:
        ModuleRefusedError: There is no such function, it gives something else, or it raises.
    """
    name, _, function = word.partition(":")
    with _current_folder():
        make = _function(word, name, function)
        try:
            module = make()
        except Exception as error:
            raise ModuleRaisedError(word, "the function", error) from error
    if not isinstance(module, torch.nn.Module):
        raise ModuleRefusedError(word, f"it gives a {type(module).__name__}")
    return module


def _function(word: str, name: str, function: str) -> Callable[[], object]:
    """A function of a module, which is imported for it."""
    try:
        module = import_module(name)
    except Exception as error:
        if isinstance(error, ModuleNotFoundError) and f"{name}.".startswith(f"{error.name}."):
            raise ModuleRefusedError(
                word,
                f"{error}; modules are looked for in the current folder, too",
                remedy="Name package.module:function, and run this where the package's folder is.",
            ) from error
        raise ModuleRaisedError(word, "importing its module", error) from error
    try:
        make: Callable[[], object] = getattr(module, function)
    except AttributeError as error:
        raise ModuleRefusedError(word, str(error)) from error
    return make


@contextmanager
def _current_folder() -> Iterator[None]:
    """With the modules of the current folder."""
    folder = str(Path.cwd())
    sys.path.insert(0, folder)
    try:
        yield
    finally:
        if folder in sys.path:
            sys.path.remove(folder)


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
    """Without what torch, and what it exports with, say about their own code."""
    loggers = {logging.getLogger(name): level for name, level in _LEVELS.items()}
    before = {logger: logger.level for logger in loggers}
    try:
        for logger, level in loggers.items():
            logger.setLevel(level)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for logger, level in before.items():
            logger.setLevel(level)
