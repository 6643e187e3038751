"""docs/json-rpc.md has an example of every method, and each is what the server answers."""

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from anh_rollup import __version__
from anh_rollup.rpc.dispatch import METHODS
from tests.doubles.ordering import ALICE, BOB, FakeL1, NodeDouble, decoded

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "json-rpc.md").read_text()
EXAMPLE = re.compile(r"^> (\w+) (\[.*\])\n((?:.+\n)+?)(?=\n|```)", re.M)
EXAMPLES = EXAMPLE.findall(TEXT)
LONGEST = 74
"""Characters of what is shown whole: a hash, its quotes excluded, and some."""

TRANSFER = ALICE.transfer(0, BOB.address, 5)
ORDER = ALICE.order(1, 7)
NEXT = ALICE.transfer(2, BOB.address, 6)


def shown(value: Any) -> Any:
    """An answer as the page shows it: long data and the version cut."""
    if isinstance(value, dict):
        return {name: shown(each) for name, each in value.items()}
    if isinstance(value, list):
        return [shown(each) for each in value]
    if isinstance(value, str):
        cut = value.replace(__version__, "...")
        return cut if len(cut) <= LONGEST or " " in cut else cut[:10] + "..."
    return value


@pytest.fixture
def story(l1: FakeL1, node: NodeDouble) -> NodeDouble:
    """A transfer and an order in a block that is on L1."""
    node.chain.follow()
    node.submit([TRANSFER, ORDER])
    block = node.chain.seal()
    assert block is not None
    l1.post([block])
    node.chain.follow()
    return node


def given(parameters: str) -> list[Any]:
    """The parameters of an example; `NEXT` stands for a signed transaction."""
    return list(json.loads(parameters.replace('"0x02f8..."', f'"0x{NEXT.hex()}"')))


def test_every_method_has_an_example_and_one_shows_a_refusal() -> None:
    assert [name for name, _, _ in EXAMPLES] == [*METHODS, "eth_getBalance"]


@pytest.mark.parametrize(("method", "parameters", "answer"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_an_example_is_what_the_server_answers(
    story: NodeDouble, ask: Callable[..., Any], method: str, parameters: str, answer: str
) -> None:
    found = ask(method, *given(parameters))
    assert shown(found) == json.loads(" ".join(answer.split("\n")))


def test_the_examples_speak_of_the_story() -> None:
    assert "0x" + decoded(TRANSFER).hash.hex() in TEXT
    assert "0x" + decoded(ORDER).hash.hex() in TEXT


def test_every_standard_method_says_what_its_parameters_are() -> None:
    _, _, below = TEXT.partition("## Standard methods")
    table, _, _ = below.partition("### Blocks")
    rows = [row.strip("| ").split("|") for row in table.splitlines() if row.startswith("| `")]
    assert [row for row in rows if len(row) != 3] == []
    silent = {row[0].strip(" `") for row in rows if not row[1].strip()}
    bare = {name for name, parameters, _ in EXAMPLES if parameters == "[]"}
    assert silent == {name for name in bare if not name.startswith("anh_")}
