"""docs/json-rpc.md has an example of every method, and each is what the server answers."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from anh_rollup import __version__
from anh_rollup.rpc import filters
from anh_rollup.rpc.dispatch import METHODS
from anh_rollup.rpc.not_served import FOLLOWERS_ONLY
from tests.doubles.ordering import ALICE, BOB, FakeL1, NodeDouble, decoded
from tests.unit.rpc.story import NEXT as FOLLOWING
from tests.unit.rpc.story import FollowerStory

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "json-rpc.md").read_text()
EXAMPLE = re.compile(r"^> (\w+) (\[.*\])\n((?:.+\n)+?)(?=\n|```)", re.M)
SEQUENCERS, _, FOLLOWERS = TEXT.partition("### Answers of a follower")
EXAMPLES = EXAMPLE.findall(SEQUENCERS)
FOLLOWER_EXAMPLES = EXAMPLE.findall(FOLLOWERS)
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


@pytest.fixture
def follower_story(l1: FakeL1, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FollowerStory]:
    """Alice has deployed a contract and called it, and a transfer of hers waits."""
    told = FollowerStory(l1, tmp_path)
    monkeypatch.setattr(filters, "token_hex", told.identifier)
    told.tell()
    yield told
    told.close()


def given(parameters: str, following: bytes) -> list[Any]:
    """The parameters of an example, with a signed transaction in place of the one that is cut."""
    return list(json.loads(parameters.replace('"0x02f8..."', f'"0x{following.hex()}"')))


def read(answer: str) -> Any:
    return json.loads(" ".join(answer.split("\n")))


def test_every_method_has_an_example_and_one_shows_a_refusal() -> None:
    assert [name for name, _, _ in EXAMPLES] == [*METHODS, "eth_getBalance"]
    assert {name for name, _, _ in FOLLOWER_EXAMPLES} == set(FOLLOWERS_ONLY)


@pytest.mark.parametrize(("method", "parameters", "answer"), EXAMPLES, ids=[each[0] for each in EXAMPLES])
def test_an_example_is_what_the_server_answers(
    story: NodeDouble, ask: Callable[..., Any], method: str, parameters: str, answer: str
) -> None:
    assert shown(ask(method, *given(parameters, NEXT))) == read(answer)


@pytest.mark.parametrize(
    ("method", "parameters", "answer"), FOLLOWER_EXAMPLES, ids=[each[0] for each in FOLLOWER_EXAMPLES]
)
def test_a_followers_example_is_what_it_answers(
    follower_story: FollowerStory, method: str, parameters: str, answer: str
) -> None:
    assert shown(follower_story.ask(method, *given(parameters, FOLLOWING))) == read(answer)


def test_the_examples_speak_of_the_story() -> None:
    assert "0x" + decoded(TRANSFER).hash.hex() in TEXT
    assert "0x" + decoded(ORDER).hash.hex() in TEXT


def test_every_standard_method_says_what_its_parameters_are() -> None:
    _, _, below = TEXT.partition("## Standard methods")
    table, _, _ = below.partition("### WebSocket")
    rows = [row.strip("| ").split("|") for row in table.splitlines() if row.startswith("| `")]
    assert [row for row in rows if len(row) != 3] == []
    silent = {row[0].strip(" `") for row in rows if not row[1].strip()}
    both = [*EXAMPLES, *FOLLOWER_EXAMPLES]
    bare = {name for name, parameters, _ in both if parameters == "[]"}
    assert silent == {name for name in bare if not name.startswith("anh_")}
