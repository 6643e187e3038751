"""A pool that replaces as geth's does: what an earlier life left in it holds nobody up."""

from collections.abc import Callable
from typing import Any

import pytest
import rlp

from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.l1.errors import L1RejectedError, StaleViewError, TransactionPendingError
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import GWEI, Wei
from tests.integration.conftest import Chain
from tests.integration.test_l1_sender import STRANGER, Background, pooled, transfer, wait_for

pytestmark = pytest.mark.anvil


@pytest.fixture
def chain(start_anvil: Callable[..., Chain], monkeypatch: pytest.MonkeyPatch) -> Chain:
    """A chain that mines when it is told to, and whose pool has geth's rules for replacements.

    A tenth more of both fees, the double of all three with blobs (txpool.pricebump, blobpool.pricebump), and
    no transaction of the other kind beside one that waits.
    """
    made = start_anvil("--no-mining")
    send = made.client.send_raw

    def strict(signed: bytes) -> bytes:
        decoded = rlp.decode(signed[1:])
        body = decoded[0] if isinstance(decoded[0], list) else decoded
        tip, most = (int.from_bytes(each, "big") for each in body[2:4])
        for old in pooled(made):
            if (old["type"] == "0x3") is not (signed[0] == 3):
                raise L1RejectedError("eth_sendRawTransaction", -32000, "address already reserved")
            percent = 200 if signed[0] == 3 else 110
            least = [int(old[name], 16) * percent for name in ("maxPriorityFeePerGas", "maxFeePerGas")]
            known = int(old["nonce"], 16) == int.from_bytes(body[1], "big")
            if known and (tip * 100 < least[0] or most * 100 < least[1]):
                raise L1RejectedError("eth_sendRawTransaction", -32000, "replacement transaction underpriced")
        return send(signed)

    monkeypatch.setattr(made.client, "send_raw", strict)
    return made


def outlive(chain: Chain, old: dict[str, Any]) -> dict[str, Any]:
    """A new life sends beside what waits; what has taken its place in the end."""
    send = Background(chain.sender(bump_after=0.5), transfer(8))
    wait_for(lambda: len(pooled(chain)) == 1 and pooled(chain)[0]["hash"] != old["hash"])
    (new,) = pooled(chain)
    chain.mine()
    with pytest.raises(StaleViewError):
        send.wait()
    assert chain.client.balance(STRANGER) == 0
    return dict(new)


def test_an_underpriced_replacement_offers_more_until_it_is_taken(chain: Chain) -> None:
    tip = Wei(30 * GWEI)
    with pytest.raises(TransactionPendingError):
        chain.sender(patience=0.5, tip=tip).send(transfer(7))
    (old,) = pooled(chain)
    assert int(old["maxPriorityFeePerGas"], 16) == tip
    new = outlive(chain, old)
    assert (new["type"], new["nonce"], new["value"]) == ("0x2", old["nonce"], "0x0")
    assert int(new["maxPriorityFeePerGas"], 16) * 10 >= tip * 11


def test_a_stuck_transaction_with_blobs_gives_way_to_one_with_blobs(chain: Chain) -> None:
    blob = TransactionRequest(STRANGER, value=Wei(7), blobs=(bytes(BLOB_SIZE),))
    with pytest.raises(TransactionPendingError):
        chain.sender(patience=0.5).send(blob)
    (old,) = pooled(chain)
    new = outlive(chain, old)
    assert (new["type"], new["nonce"], new["value"]) == ("0x3", old["nonce"], "0x0")
    assert int(new["maxFeePerBlobGas"], 16) >= 2 * int(old["maxFeePerBlobGas"], 16)
