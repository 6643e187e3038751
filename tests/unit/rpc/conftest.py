from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest

from anh_rollup.rpc.dispatch import Limits, answer
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
    """The whole answer to one request."""

    def send(method: str, *parameters: Any) -> Any:
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)})
        answered = answer(node, body, Limits())
        assert answered is not None
        found = orjson.loads(answered)
        assert (found.pop("jsonrpc"), found.pop("id")) == ("2.0", 1)
        return found["error"] if "error" in found else found["result"]

    return send
