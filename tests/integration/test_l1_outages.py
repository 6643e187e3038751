"""L1 away while the L2 is used: transactions are taken and signed on, and all is posted afterwards."""

import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from anh_rollup.encoding.hashing import keccak256
from tests.integration.conftest import Chain, Proxy, free_port
from tests.integration.load import Load, require_kept
from tests.integration.processes import BOB, FollowerProcess, Rollup, eventually

pytestmark = pytest.mark.anvil

#: Seconds within which a transaction has a signed place although L1 is away: a block's, on a busy machine.
SOON = 10.0

#: Transfers that are acknowledged in an outage.
MEANWHILE = 60


@pytest.fixture
def rollup(anvil: Chain, proxy: Proxy, tmp_path: Path) -> Iterator[Rollup]:
    """A sequencer that reaches its L1 through the proxy."""
    made = Rollup.deployed(anvil, tmp_path)
    made.chain = replace(anvil, url=proxy.url)
    made.start("--calldata", "--post-interval", "0.2")
    made.deposit(2)
    yield made
    made.kill()


def seconds_to_a_place(rollup: Rollup, load: Load) -> float:
    """How long a transfer waits for a signed place that is acknowledged from now on."""
    load.grow(1)
    began, name = time.monotonic(), "0x" + keccak256(load.acknowledged[-1]).hex()
    eventually(lambda: (rollup.anh("anh_getPosition", name) or {}).get("signature"))
    return time.monotonic() - began


@pytest.mark.parametrize("fault", ["close", "500", "hang"])
def test_an_l1_that_is_away_costs_no_transaction(rollup: Rollup, proxy: Proxy, fault: str) -> None:
    with Load(rollup, 2, rollup.port) as load:
        load.grow(5)
        proxy.always = fault
        load.grow(MEANWHILE)
        waits = [seconds_to_a_place(rollup, load) for _ in range(3)]
        spent = rollup.chain.client.nonce(rollup.sequencer)
        load.grow(1)
        proxy.always = ""
        began = time.monotonic()
    last = keccak256(load.acknowledged[-1])
    eventually(lambda: rollup.in_batch(last), 90)
    sys.stdout.write(f"{fault}: places after {waits}, caught up after {time.monotonic() - began:.1f} s\n")
    assert rollup.chain.client.nonce(rollup.sequencer) > spent
    require_kept(load)
    assert load.lost == 0
    assert max(waits) < SOON


def test_a_follower_shows_signed_blocks_while_l1_hangs(rollup: Rollup, proxy: Proxy) -> None:
    follower = FollowerProcess(rollup, "follower", free_port())
    try:
        follower.start()
        proxy.always = "hang"
        time.sleep(1)  # every loop asks L1 meanwhile, and waits
        waits = []
        for number in range(3):
            began = time.monotonic()
            follower.l2.eth.send_raw_transaction(rollup.signed(2, number))
            eventually(lambda paid=number + 1: follower.l2.eth.get_balance(BOB) == paid)  # type: ignore[misc]
            waits.append(time.monotonic() - began)
        assert max(waits) < SOON
    finally:
        proxy.always = ""
        follower.kill()
