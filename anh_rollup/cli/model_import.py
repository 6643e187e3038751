"""`anh model import`: an ONNX network becomes a program and a model in an artifact store."""

import re
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, Final

import click

from anh_rollup.cli.options import UsageError, store_option
from anh_rollup.encoding.tensors import Shape
from anh_rollup.importing.setting import Setting

_SHAPE: Final = re.compile(r"(?P<name>.{1,200})=(?P<sizes>[1-9]\d{0,8}(?:x[1-9]\d{0,8}){0,7})")


class ShapeOptionError(UsageError):
    """A word that should be the shape of an input.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no shape of an input", remedy="Write --input-shape name=1x3x224x224."
        )
        self.word = word


def parse_shapes(words: Sequence[str]) -> dict[str, Shape]:
    """Shapes by the inputs' names.

    Raises:
        ShapeOptionError: A word is none.
    """
    shapes: dict[str, Shape] = {}
    for word in words:
        match = _SHAPE.fullmatch(word)
        if match is None:
            raise ShapeOptionError(word)
        shapes[match["name"]] = tuple(int(each) for each in match["sizes"].split("x"))
    return shapes


@click.command(name="import")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@store_option()
@click.option(
    "--samples",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Inputs in an .npz file: by input name arrays whose first axis is the sample.",
)
@click.option(
    "--input-shape",
    "shapes",
    multiple=True,
    metavar="NAME=1x3x224x224",
    help="Shape of an input. Repeatable.",
)
@click.option(
    "--setting",
    type=click.Choice([each.value for each in Setting]),
    default=Setting.PRECISE.value,
    show_default=True,
    help="How many bits weights and tables get.",
)
@click.option("--output", metavar="NAME", help="Which output of the network; the first by default.")
@click.option("--layers", is_flag=True, help="Show the range and number format of every value.")
def import_command(  # noqa: PLR0913 - one argument for each option
    file: Path,
    store_url: str,
    samples: Path | None,
    shapes: tuple[str, ...],
    setting: str,
    output: str | None,
    layers: bool,
) -> None:
    """Make a tensor program and a model of an ONNX network. FILE is the network.

    Both go into the store; their roots and a report are printed. With samples, ranges are those that occur,
    and the last quarter of the samples is compared with onnxruntime.

    \b
    Example:
      anh model import resnet.onnx --samples images.npz --store ./artifacts
    """
    wanted = parse_shapes(shapes)
    work: Any = import_module("anh_rollup.cli.network_import")
    work.import_into(store_url, file, samples, wanted, Setting(setting), output, layers=layers)
