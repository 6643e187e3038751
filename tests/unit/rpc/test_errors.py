"""How errors are recognised in the bytes of answers."""

import pytest

from anh_rollup.rpc.dispatch import Limits, answer
from anh_rollup.rpc.errors import ERROR_START, Code, DataError, NotServedError, RpcError, failure
from anh_rollup.rpc.forwarding import REFUSED
from tests.doubles.ordering import NodeDouble

ERRORS = [
    RpcError(Code.SERVER, "nonce too low", remedy="x"),
    DataError(Code.REVERT, "execution reverted", b"\1"),
    NotServedError("eth_call", "Ask a follower."),
]


@pytest.mark.parametrize("error", ERRORS)
def test_each_kind_of_error_begins_alike(error: RpcError) -> None:
    answered = failure(1, error)
    assert answered.count(ERROR_START + b"%d," % error.code) == 1
    assert (REFUSED in answered) is (error.code == Code.NOT_SERVED)


def test_an_error_begins_as_it_is_counted_and_no_text_of_a_client_does(node: NodeDouble) -> None:
    bodies = {
        b'{"jsonrpc":"2.0","id":1,"method":"eth_getBalance","params":[]}': 1,
        b'[{"jsonrpc":"2.0","id":1,"method":"no"},{"jsonrpc":"2.0","id":2,"method":"eth_chainId"},5]': 2,
        b'{"jsonrpc":"2.0","id":"\\"error\\":{\\"code\\":","method":"eth_chainId"}': 0,
        b"{": 1,
    }
    found = [(answer(node, body, Limits()) or b"").count(ERROR_START) for body in bodies]
    assert found == list(bodies.values())
