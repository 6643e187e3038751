"""The examples of docs/importing.md run, and its numbers of settings are the code's."""

import re
from pathlib import Path
from typing import Any

import magika
import pytest

from anh_rollup.cli.model_import import report_command
from anh_rollup.cli.training_import import MOST_SHOWN
from anh_rollup.importing.headroom import MOST_FACTORS
from anh_rollup.importing.ranges import HEADROOM
from anh_rollup.importing.setting import TRAINING_HEADROOM
from anh_rollup.importing.weights import LEAST_REACH

PAGE = Path(__file__).parents[3] / "docs" / "importing.md"


def test_the_python_example_runs() -> None:
    (code,) = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.S)
    names: dict[str, Any] = {}
    exec(compile(code, PAGE.name, "exec"), names)
    assert names["field"].shape == (8, 3, 6, 6)
    assert names["network"].program.output.shape == (4, 4, 4)


def test_magikas_model_lies_where_the_guide_says() -> None:
    (name,) = re.findall(r'import "\$package/(\S+)" ', PAGE.read_text())
    (folder,) = magika.__path__
    assert Path(folder, name).is_file()


def test_the_page_has_the_options_that_the_guide_lists() -> None:
    (listed,) = re.findall(r"`anh model report`, with (.*?) as above, writes", PAGE.read_text())
    options = [each for each in report_command.params if each.name not in ("file", "page")]
    assert sorted(re.findall("`(.*?)`", listed)) == sorted(each.opts[0] for each in options)


PRODUCTS = TRAINING_HEADROOM**MOST_FACTORS


@pytest.mark.parametrize(
    ("sentence", "numbers"),
    [
        (
            "may become # times as large as they are now, squares and other products of such values # times",
            (TRAINING_HEADROOM, PRODUCTS),
        ),
        (
            "and a weight at least #, where `precise` gives what is seen a factor of #",
            (LEAST_REACH, HEADROOM),
        ),
        ("as `precise`, for weights # times as large and at least #;", (TRAINING_HEADROOM, LEAST_REACH)),
        (
            "With the setting `trainable` ranges are # times as wide again, # times for products of values",
            (TRAINING_HEADROOM, PRODUCTS),
        ),
        ("Ranges are those of the samples with a headroom of a factor # to both sides of zero", (HEADROOM,)),
        ("ranges come from at most # of the training data", (MOST_SHOWN,)),
    ],
)
def test_the_numbers_of_a_sentence_are_those_of_the_code(sentence: str, numbers: tuple[float, ...]) -> None:
    text = " ".join(PAGE.read_text().split())
    pattern = re.escape(sentence).replace(r"\#", r"([\d,]+)")
    (found,) = re.finditer(pattern, text)
    assert [float(each.replace(",", "")) for each in found.groups()] == list(numbers)
