"""What is published, as clients read it."""

import pytest

from anh_rollup.world.answers import PlacedPublication
from anh_rollup.world.errors import TimeLimitError
from anh_rollup.world.position import Position
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE
from tests.unit.rpc.conftest import Ask
from tests.unit.rpc.stories import name_of, sealed, text

ROOT = b"\1" * 32


@pytest.mark.parametrize("kind", ["program", "model", "part"])
def test_a_publication_is_told_with_its_place(
    query: Ask, follower: FollowerDouble, world: FakeWorld, kind: str
) -> None:
    raw = ALICE.call(0, b"\1")
    sealed(follower, raw)
    assert query("anh_getPublication", text(ROOT)) is None
    world.published[ROOT] = PlacedPublication(Position(1, 0), kind, 70_000)
    assert query("anh_getPublication", text(ROOT)) == {
        "kind": kind,
        "size": hex(70_000),
        "blockNumber": "0x1",
        "index": "0x0",
        "transactionHash": name_of(raw),
    }


def test_what_is_no_root_is_refused(query: Ask) -> None:
    for given in ("0x12", 5, None):
        assert query("anh_getPublication", given)["code"] == -32602
    assert query("anh_getPublication")["code"] == -32602


def test_it_takes_no_longer_than_other_questions(query: Ask, world: FakeWorld) -> None:
    world.failure = TimeLimitError(10.0)
    assert query("anh_getPublication", text(ROOT))["code"] == -32000
