from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import orjson
import pytest

from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.dispatch import METHODS, Limits, Methods, answer
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.world_methods import method_table
from tests.doubles.answering_world import FakeWorld, FollowerDouble, service_of
from tests.doubles.ordering import ALICE, ETHER, FakeL1, NodeDouble

Ask = Callable[..., Any]


@pytest.fixture
def l1() -> FakeL1:
    made = FakeL1()
    made.deposit(ALICE.address, ETHER)
    return made


@pytest.fixture
def node(l1: FakeL1, tmp_path: Path) -> NodeDouble:
    return NodeDouble(l1, tmp_path)


@pytest.fixture
def ask(node: NodeDouble) -> Ask:
    """The whole answer to one request, by a sequencer."""
    return asking(node, METHODS)


@pytest.fixture
def follower(l1: FakeL1, tmp_path: Path) -> FollowerDouble:
    return FollowerDouble(l1, tmp_path)


@pytest.fixture
def world(follower: FollowerDouble) -> FakeWorld:
    return FakeWorld(follower)


@pytest.fixture
def service(follower: FollowerDouble, world: FakeWorld) -> Iterator[WorldService]:
    made = service_of(follower, world)
    yield made
    made.close()


@pytest.fixture
def query(service: WorldService) -> Ask:
    """The whole answer to one request, by a node with a world."""
    return asking(service.backend, method_table(service))


def asking(backend: Backend, methods: Methods) -> Ask:
    def send(method: str, *parameters: Any) -> Any:
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)})
        answered = answer(backend, body, Limits(), methods)
        assert answered is not None
        found = orjson.loads(answered)
        assert (found.pop("jsonrpc"), found.pop("id")) == ("2.0", 1)
        return found["error"] if "error" in found else found["result"]

    return send
