"""docs/bad-input.md names every decoder that is fuzzed, with the error that it raises."""

import re
from pathlib import Path

import pytest

from tests.unit.fuzz.decoders import DECODERS, NeverError
from tests.unit.fuzz.words import PARSERS

ROWS = [
    line
    for line in (Path(__file__).parents[3] / "docs/bad-input.md").read_text().splitlines()
    if line[:1] == "|"
]
NAMES = re.compile(r"`([a-z0-9_]+(?:\.[a-z0-9_]+)+)`")


def row_of(name: str) -> str:
    found = [row for row in ROWS if name in NAMES.findall(row.split("|")[1])]
    assert len(found) == 1
    return found[0]


@pytest.mark.parametrize("name", DECODERS)
def test_the_page_names_a_decoder_with_its_error(name: str) -> None:
    refusal = DECODERS[name].refusal
    expected = "none" if refusal is NeverError else f"`{refusal.__name__}`"
    if name == "cli.model.read_model":
        expected = "`ModelFileError`, `EncodingError`"
    assert expected in row_of(name).split("|")[4]


@pytest.mark.parametrize("name", PARSERS)
def test_the_page_names_a_parser_with_its_errors(name: str) -> None:
    shown = row_of(name).split("|")[3]
    assert [each.__name__ for each in PARSERS[name].refusals if f"`{each.__name__}`" not in shown] == []


def test_the_page_names_no_decoder_that_is_not_fuzzed() -> None:
    named = {name for row in ROWS for name in NAMES.findall(row.split("|")[1])} - {"l1.wire"}
    assert named == {*DECODERS, *PARSERS}
