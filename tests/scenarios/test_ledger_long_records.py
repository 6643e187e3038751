"""Lies about records of 64 KiB across two blobs, and about 511 numbers from all over a table, on anvil."""

import logging
from functools import partial
from random import Random

import pytest

from anh_rollup.encoding.blobs import BLOB_CAPACITY
from anh_rollup.encoding.short_numbers import MOST_REFERENCES
from anh_rollup.l1.fees import TRANSACTION_GAS_CAP
from anh_rollup.protocol.machine.fields import Phase
from tests.scenarios import ledger_lies
from tests.scenarios.ledger_lies import MOST_GAS, LyingTrace, drafted_as, misread, other_part, play_lie, row
from tests.scenarios.ledger_world import ALICE, LedgerWorld
from tests.scenarios.world import ETHER

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

LOG = logging.getLogger(__name__)

#: What it takes where a proof has a record of 64 KiB as calldata: 40 gas a byte (EIP-7623), and the rest.
MOST_WHOLE_GAS = 4_000_000

RANDOM = Random("long records")

#: As many numbers as records can name, of 20 bytes each: more than a blob of them.
TABLE = [RANDOM.randrange(1 << 159, 1 << 160) for _ in range(MOST_REFERENCES)]


def _other_number(before, after, _look):
    """Other numbers stand for some of a record's, after half of them."""
    drafted = before.drafted
    if before.machine.phase is not Phase.UNPACK or not 250 < drafted.draft.count < 500:
        return None
    return drafted_as(after, drafted.with_numbers([7] * 5))


#: Each lie, and the most gas of the honest side.
LIES = {
    "a part of 64 KiB": (other_part(32_000), MOST_GAS),
    "64 KiB": (misread(65_000), MOST_WHOLE_GAS),
    "some of 511 numbers": (_other_number, MOST_GAS),
    "a call with 511 numbers": (misread(11_000), MOST_GAS),
}


@pytest.mark.parametrize(
    ("about", "names"),
    [("64 KiB", list(LIES)[:2]), ("511 numbers", list(LIES)[2:])],
    ids=["64 KiB", "511 numbers"],
)
def test_lies_about_long_records_cost_less_than_the_prize(about, names, monkeypatch):
    world = LedgerWorld()
    try:
        world.deposit(ALICE)
        world.chain.pass_time(1)
        _POSTS[about](world)
        for name in names:
            lie, most_gas = LIES[name]
            monkeypatch.setitem(ledger_lies.LIES, name, partial(LyingTrace, lie))
            outcome = play_lie(world, name, most_gas)
            LOG.warning(row(outcome))
            assert (outcome.liar.gain, outcome.challenger.gain) == (-ETHER, ETHER // 2)
            assert outcome.challenger.gas < TRANSACTION_GAS_CAP
        world.check_ether()
    finally:
        world.chain.close()


def _post_long(world):
    """Two records of 64 KiB, the second across two blobs; without zeros, which take two bytes each."""
    data = bytes(RANDOM.choices(range(1, 256), k=65_150))
    world.post([ALICE.call(nonce, data, gas=4_000_000) for nonce in (0, 1)], blobs=True)


def _post_call(world):
    """A call whose arguments stand all over a table that takes more than a blob."""
    assert 20 * len(TABLE) > BLOB_CAPACITY
    words = [number.to_bytes(32, "big") for number in TABLE[:: len(TABLE) // 511][:511]]
    world.post([ALICE.call(0, b"call" + b"".join(words), gas=2_000_000)], blobs=True, table=TABLE)


_POSTS = {"64 KiB": _post_long, "511 numbers": _post_call}
