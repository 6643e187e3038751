from tests.doubles.ordering import ALICE, BOB, FakeL1, NodeDouble
from tests.unit.rpc.conftest import Ask

RAW = ALICE.transfer(0, BOB.address, 5)


def test_prices_are_the_next_blocks(ask: Ask) -> None:
    assert ask("eth_baseFee") == ask("eth_gasPrice")
    assert ask("eth_blobBaseFee") == "0x1"


def test_raw_transactions_are_found_by_their_place(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    l1.force(b"\xff\xff")
    l1.mine(2)
    node.chain.follow()
    node.submit([RAW])
    node.chain.seal()
    digest = "0x" + node.chain.head.header.hash.hex()
    for method, name in (
        ("eth_getRawTransactionByBlockNumberAndIndex", "latest"),
        ("eth_getRawTransactionByBlockHashAndIndex", digest),
    ):
        assert [ask(method, name, index) for index in ("0x0", "0x1", "0x2")] == [None, "0x" + RAW.hex(), None]
    assert ask("eth_getRawTransactionByBlockHashAndIndex", "0x" + "11" * 32, "0x0") is None
    assert ask("eth_getRawTransactionByBlockNumberAndIndex", "0x9", "0x0") is None


def test_there_are_no_uncles(ask: Ask) -> None:
    assert ask("eth_getUncleByBlockNumberAndIndex", "latest", "0x0") is None
    assert ask("eth_getUncleByBlockHashAndIndex", "0x" + "11" * 32, "0x0") is None


def test_a_batch_is_found_by_its_number(ask: Ask, node: NodeDouble, l1: FakeL1) -> None:
    for nonce in range(2):
        node.submit([ALICE.sign(nonce=nonce)])
        node.chain.seal()
    l1.post(node.chain.blocks_after(0))
    node.chain.follow()
    posted = l1.batches[0]
    assert ask("anh_getBatch", "0x1") == {
        "number": "0x1",
        "previous": "0x" + posted.header.previous.hex(),
        "transactionsRoot": "0x" + posted.header.transactions_root.hex(),
        "count": "0x2",
        "data": "0x" + posted.header.data.hex(),
        "forcedEnd": "0x0",
        "commitment": "0x" + posted.commitment.hex(),
        "firstBlock": "0x1",
        "blocks": "0x2",
        "l1Block": hex(posted.l1_block),
        "l1Transaction": "0x" + "07" * 32,
    }
    for number in ("0x0", "0x2", "0x" + "f" * 64):
        assert ask("anh_getBatch", number) is None
    assert ask("anh_getBatch", 1)["code"] == -32602
