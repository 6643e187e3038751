"""Where a network comes from: an ONNX file, or a function that makes a torch module."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from onnx import ModelProto

from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.network import Arrays
from anh_rollup.importing.onnx_file import read_model
from anh_rollup.importing.torch_module import examples_of, export_module, made_module

#: A function that makes a torch module.
_FUNCTION: Final = re.compile(r"[A-Za-z_][\w.]*:[A-Za-z_]\w*")


def read_network(word: str, shapes: Mapping[str, Shape], samples: Arrays) -> ModelProto:
    """The checked model that a word names: a file, or `package.module:function` where there is no such file.

    Args:
        word: The word.
        shapes: Shapes of a torch module's inputs, with the dimension for samples.
        samples: By the inputs' names, arrays (N, *shape of one sample), which show shapes and types, too.

    Raises:
        ImportingError: It cannot be read, made or exported.
    """
    if not _FUNCTION.fullmatch(word) or Path(word).exists():
        return read_model(Path(word))
    module = made_module(word)
    examples = examples_of(module, shapes, samples)
    return export_module(module, list(examples.values()), list(examples))
