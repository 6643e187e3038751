"""A lie about a record of 64 KiB across two blobs, and what it takes to refute it on a real chain."""

import logging
from dataclasses import replace
from functools import partial
from random import Random

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.fees import TRANSACTION_GAS_CAP
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.protocol.machine.fields import Phase
from tests.scenarios import ledger_lies
from tests.scenarios.ledger_lies import LyingTrace, play_lie, row
from tests.scenarios.ledger_world import ALICE, LedgerWorld
from tests.scenarios.world import ETHER

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

LOG = logging.getLogger(__name__)

LIE = "the second of two records of 64 KiB"

#: Gas of all that the challenger sends, and the wei a gas up to which the prize of the default rules pays it.
MOST_GAS, COVERED_PRICE = 25_000_000, 20 * 10**9


def _misread(before, after, _look):
    """Something else stands for the last record of the batch, which begins in its first blob."""
    if before.machine.phase is not Phase.READ or before.machine.records_left != 1:
        return None
    return replace(after, record=b"-", machine=replace(after.machine, pending=keccak256(b"-")))


def test_a_lie_about_a_record_across_two_blobs_costs_less_than_the_prize(monkeypatch):
    monkeypatch.setitem(ledger_lies.LIES, LIE, partial(LyingTrace, _misread))
    monkeypatch.setitem(ledger_lies.DEARER, LIE, MOST_GAS)
    spent = _receipts(monkeypatch)
    world = LedgerWorld()
    try:
        world.deposit(ALICE)
        world.chain.pass_time(1)
        # No zeros, which would take two bytes of a record each.
        data = bytes(Random(LIE).choices(range(1, 256), k=65_150))
        world.post([ALICE.call(nonce, data, gas=4_000_000) for nonce in (0, 1)], blobs=True)
        outcome = play_lie(world, LIE)
        world.check_ether()
    finally:
        world.chain.close()
    LOG.info("%s; gas of each call: %s", row(outcome), spent)
    assert (outcome.liar.gain, outcome.challenger.gain) == (-ETHER, ETHER // 2)
    assert [name for name, _ in spent].count("proveBlob") == 2
    assert "proveElements" not in dict(spent)
    assert max(gas for _, gas in spent) <= TRANSACTION_GAS_CAP
    assert outcome.challenger.gas * COVERED_PRICE <= ETHER // 2


def _receipts(monkeypatch):
    """Name and gas of each call that players send, in a list that grows."""
    spent, send_all = [], LedgerDisputes.send_all

    def noted(self, calls):
        groups = []
        for call in calls:
            before = self.spending.gas
            groups += send_all(self, [call])
            spent.append((call[0], self.spending.gas - before))
        return groups

    monkeypatch.setattr(LedgerDisputes, "send_all", noted)
    return spent
