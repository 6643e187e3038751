"""A flood of transactions on a real sequencer: L1 gets what is paid for, and honest users are served."""

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from web3 import HTTPProvider

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.ledger import Charged
from tests.doubles.ordering import Wallet
from tests.integration.conftest import ANVIL, running
from tests.integration.processes import Rollup, eventually

pytestmark = pytest.mark.anvil

HONEST, FUNDED = 2, 3
TRANSFERS = 20
FLOOD = 60


@pytest.fixture
def rollup(tmp_path: Path) -> Iterator[Rollup]:
    with running(ANVIL) as chain:
        made = Rollup.deployed(chain, tmp_path)
        made.start("--post-interval", "0.3")
        yield made
        made.kill()


def hostile(rollup: Rollup) -> list[list[bytes]]:
    """Each kind of what costs its sender nothing; the last is of an account with money."""
    poor = [Wallet(b"poor %d" % number) for number in range(FLOOD)]
    sound = [each.sign(chainId=L2_CHAIN_ID) for each in poor]
    prices = [{"maxFeePerGas": (20 + number) * 10**9, "maxPriorityFeePerGas": 0} for number in range(FLOOD)]
    return [
        sound,
        [each[:-8] + bytes(8) for each in sound],
        [each.sign(nonce=5) for each in poor],
        [bytes([2]) + bytes(131_072)] * 10,
        [rollup.signed(FUNDED, 10**6 + number) for number in range(FLOOD)],
        [rollup.signed(FUNDED, 4, value=number) for number in range(FLOOD)],
        [rollup.signed(FUNDED, 7, **each) for each in prices],
    ]


def flood(rollup: Rollup, raws: Sequence[bytes], accepted: list[bytes]) -> None:
    provider = HTTPProvider(f"http://127.0.0.1:{rollup.port}", request_kwargs={"timeout": 20})
    for raw in raws:
        answer: Any = provider.make_request("eth_sendRawTransaction", ["0x" + raw.hex()])  # type: ignore[arg-type]
        if "result" in answer:
            accepted.append(raw)


def test_attackers_get_no_byte_onto_l1_and_honest_users_all_of_theirs(rollup: Rollup) -> None:
    rollup.deposit(HONEST)
    rollup.deposit(FUNDED)
    accepted: list[bytes] = []
    kinds = hostile(rollup)
    threads = [threading.Thread(target=flood, args=(rollup, each, accepted)) for each in kinds]
    for thread in threads:
        thread.start()
    sent = [rollup.signed(HONEST, nonce) for nonce in range(TRANSFERS)]
    for raw in sent:
        assert rollup.anh("eth_sendRawTransaction", "0x" + raw.hex()) == "0x" + keccak256(raw).hex()
    for thread in threads:
        thread.join()
    eventually(lambda: rollup.in_batch(keccak256(sent[-1])))

    # Of the last two kinds one each waits for lower nonces, without a place in the order.
    assert set(accepted) <= {*kinds[-2], *kinds[-1]}
    waiting = [rollup.anh("anh_getPosition", "0x" + keccak256(raw).hex()) for raw in accepted]
    assert [each for each in waiting if each is not None] == [{"waiting": "nonce"}] * 2
    order = rollup.followed().order
    pairs = [pair for block in order.blocks for pair in block.transactions]
    assert [each.hash for _, each in pairs if each is not None] == [keccak256(raw) for raw in sent]
    assert all(isinstance(each, Charged) for outcomes in order.outcomes for each in outcomes)
