"""Reading events from a real chain that forgets blocks, lags and refuses long ranges."""

import pytest

from anh_rollup.l1.client import L1Client
from anh_rollup.l1.events import EventReader, Page, ReorgDetectedError
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.l1.types import Cursor, TransactionRequest
from tests.integration.conftest import Chain, Proxy

pytestmark = pytest.mark.anvil

#: CALLDATASIZE PUSH0 PUSH0 CALLDATACOPY CALLDATASIZE PUSH0 LOG0: logs its calldata.
LOGGER = bytes.fromhex("365f5f37365fa000")


class Ledger:
    """A chain with a contract that logs what it is sent."""

    def __init__(self, chain: Chain) -> None:
        self.chain = chain
        self.sender = chain.sender()
        code = bytes([0x60, len(LOGGER), 0x80, 0x60, 9, 0x5F, 0x39, 0x5F, 0xF3]) + LOGGER
        head = chain.client.head()
        self.start = Cursor(head.number, head.hash)
        address = self.sender.send(TransactionRequest(None, code)).contract
        assert address is not None
        self.address = address

    def write(self, *words: str) -> None:
        for word in words:
            self.sender.send(TransactionRequest(self.address, word.encode()))

    def reader(self, client: L1Client | None = None, span: int = 2_000) -> EventReader:
        return EventReader(client or self.chain.client, [self.address], self.start, span=span)


def words(page: Page) -> list[str]:
    return [log.data.decode() for log in page.logs]


@pytest.fixture
def ledger(anvil: Chain) -> Ledger:
    return Ledger(anvil)


def test_events_come_in_order_and_once(ledger: Ledger) -> None:
    reader = ledger.reader()
    ledger.write("a", "b")
    first = reader.read(ledger.start)
    assert words(first) == ["a", "b"]
    assert words(reader.read(first.cursor)) == []
    ledger.write("c")
    assert words(reader.read(first.cursor)) == ["c"]


def test_long_ranges_are_split(ledger: Ledger) -> None:
    ledger.write(*"abcdefg")
    reader = ledger.reader(span=3)
    page = reader.read(ledger.start)
    assert (words(page), page.cursor.number, page.head) == (["a", "b"], 3, 8)
    assert words(reader.read_all(ledger.start)) == list("abcdefg")


@pytest.mark.parametrize("depth", [1, 2, 5, 20])
def test_a_reorg_is_seen_and_reading_goes_on_from_the_common_block(ledger: Ledger, depth: int) -> None:
    reader = ledger.reader()
    ledger.write(*[str(number) for number in range(25)])
    page = reader.read(ledger.start)
    ledger.chain.request("anvil_reorg", depth, [])
    ledger.write("new")
    with pytest.raises(ReorgDetectedError) as caught:
        reader.read(page.cursor)
    standing = ledger.chain.client.block(caught.value.to.number)
    assert standing is not None
    assert standing.hash == caught.value.to.hash
    assert caught.value.lost == page.cursor
    kept = [log.data.decode() for log in page.logs if log.block <= caught.value.to.number]
    assert kept + words(reader.read_all(caught.value.to)) == words(ledger.reader().read_all(ledger.start))


def test_a_reader_that_restarts_sees_a_reorg_too(ledger: Ledger) -> None:
    ledger.write("a", "b", "c")
    cursor = ledger.reader().read_all(ledger.start).cursor
    ledger.chain.request("anvil_reorg", 2, [])
    with pytest.raises(ReorgDetectedError) as caught:
        ledger.reader().read(cursor)
    assert words(ledger.reader().read_all(caught.value.to))[-1:] in ([], ["a"])


def test_a_rollback_without_new_blocks_is_a_reorg(ledger: Ledger) -> None:
    reader = ledger.reader(span=1)
    ledger.write("a", "b", "c")
    page = reader.read_all(ledger.start)
    ledger.chain.request("anvil_rollback", 2)
    ledger.chain.mine(4)
    with pytest.raises(ReorgDetectedError) as caught:
        reader.read(page.cursor)
    assert caught.value.to.number == page.cursor.number - 2


def test_faults_of_the_connection_lose_no_event(ledger: Ledger, proxy: Proxy) -> None:
    ledger.write(*"abcdef")
    client = L1Client(Transport(proxy.url, Patience(timeout=5.0, attempts=4, backoff=0.01)))
    reader = ledger.reader(client, span=2)
    proxy.faults.extend(["429", "half", "", "close", "", "503", "", "", "half"])
    assert words(reader.read_all(ledger.start)) == list("abcdef")
