"""A torch module as an ONNX model, through torch.export."""

import logging
from collections.abc import Sequence
from typing import Final

import torch
from onnx import ModelProto

from anh_rollup.importing.errors import ImportingError
from anh_rollup.importing.onnx_file import decode_model

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
    logger = logging.getLogger("torch.onnx")
    level = logger.level
    try:
        logger.setLevel(logging.ERROR)
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
        logger.setLevel(level)
        module.train(was_training)
    if exported is None:
        raise ExportRefusedError("it gave nothing")
    return decode_model(exported.model_proto.SerializeToString())
