"""Publishing an artifact: what is there is not sent again, and nobody sends what it cannot pay."""

import pytest
from eth_account import Account

from anh_rollup.client import publishing
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import PRICE_MARGIN, NotSeenError
from anh_rollup.client.publishing import MOST_WAITING, PublishingFundsError, publish, unpublished
from anh_rollup.encoding.transactions import SignedTransaction, decode_signed
from anh_rollup.primitives import L2_CHAIN_ID, ChainId
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.publications import PublishedKind, decode_publication, ordered_publication
from anh_rollup.protocol.publishing import PublishingStep, publishing_steps
from anh_rollup.world.strict import is_strict

ROOT = b"\1" * 32
PRICE = 7
ACCOUNT = Account.from_key("0x" + "11" * 32)
CONTENT = b"".join(number.to_bytes(4, "big") for number in range(1, 200_000))
STEPS = publishing_steps(PublishedKind.MODEL, ROOT, CONTENT)


class Follower(L2Client):
    """Orders what it is sent, at once or never, and knows what that publishes."""

    def __init__(self, *known: bytes, cleared: int = 10**18, orders: bool = True) -> None:
        self.known, self.money, self.orders = set(known), cleared, orders
        self.sent: list[SignedTransaction] = []
        self.waiting = self.most_waiting = 0

    def chain_id(self) -> ChainId:
        return L2_CHAIN_ID

    def gas_price(self) -> int:
        return PRICE

    def cleared(self, address: str) -> int:
        return self.money

    def nonce(self, address: str) -> int:
        return 5 + len(self.sent)

    def is_published(self, digest: bytes) -> bool:
        return digest in self.known

    def send_raw(self, signed: bytes) -> str:
        transaction = decode_signed(signed, L2_CHAIN_ID)
        self.sent.append(transaction)
        self.waiting += 1
        self.most_waiting = max(self.waiting, self.most_waiting)
        found = ordered_publication(transaction)
        assert found is not None
        part, assembly = found[0].part, found[0].assembly
        self.known |= {ROOT} if assembly is not None else set() if part is None else {part.hash}
        return transaction.hash.hex()

    def position(self, transaction: str) -> dict[str, str] | None:
        self.waiting -= self.orders
        return {} if self.orders else None


def told(steps: list[PublishingStep], follower: Follower) -> list[int]:
    progress: list[int] = []
    publish(follower, ACCOUNT, steps, progress.append)
    return progress


def test_every_step_is_sent_in_order_in_strict_transactions() -> None:
    follower = Follower()
    missing = unpublished(follower.is_published, STEPS)
    assert missing == STEPS
    assert told(missing, follower)[-1] == len(STEPS) > MOST_WAITING
    assert [each.data for each in follower.sent] == [each.calldata for each in STEPS]
    assert [each.nonce for each in follower.sent] == list(range(5, 5 + len(STEPS)))
    for each, step in zip(follower.sent, STEPS, strict=True):
        assert (each.to, each.value, each.gas_limit, each.max_fee) == (DNN, 0, step.gas, PRICE * PRICE_MARGIN)
        assert is_strict(each.access_list)
    assert decode_publication(follower.sent[-1].data).assembly is not None
    assert follower.most_waiting == MOST_WAITING


def test_what_is_published_is_not_sent_again() -> None:
    follower = Follower(STEPS[0].hash, STEPS[2].hash)
    assert unpublished(follower.is_published, STEPS) == [STEPS[1], *STEPS[3:]]
    assert unpublished(Follower(ROOT).is_published, STEPS) == []


def test_who_cannot_pay_sends_nothing() -> None:
    needed = sum(each.gas for each in STEPS) * PRICE * PRICE_MARGIN
    follower = Follower(cleared=needed - 1)
    with pytest.raises(PublishingFundsError) as raised:
        told(STEPS, follower)
    assert (raised.value.needed, raised.value.held, follower.sent) == (needed, needed - 1, [])


def test_what_is_not_ordered_in_time_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    patient = publishing.wait_for
    monkeypatch.setattr(publishing, "wait_for", lambda what, look: patient(what, look, 0.0, 0.0))
    with pytest.raises(NotSeenError, match="the place of a publication"):
        told(STEPS[:1], Follower(orders=False))
