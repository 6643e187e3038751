"""A sequencer that signs two blocks of one height: a follower notices, and anybody takes its stake."""

import re
import shlex
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from coincurve import PrivateKey

from anh_rollup.cli import main
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.deployment import bind
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.soft_confirmation import confirmation_digest
from tests.integration.conftest import Chain, free_port
from tests.integration.processes import ETHER, FollowerProcess, Rollup, eventually

pytestmark = pytest.mark.anvil

REPORTER = 4


@pytest.fixture
def rollup(anvil: Chain, tmp_path: Path) -> Iterator[Rollup]:
    """A deployment with an ether at stake, and the reporter's key file."""
    made = Rollup.deployed(anvil, tmp_path)
    (tmp_path / "reporter").write_text(bytes(anvil.accounts[REPORTER].key).hex())
    anvil.sender(1).send(made.inbox.request("stake", value=ETHER))
    yield made
    made.kill()


@pytest.fixture
def follower(rollup: Rollup) -> Iterator[FollowerProcess]:
    made = FollowerProcess(rollup, "follower", free_port())
    yield made
    made.kill()


def signed(rollup: Rollup, height: int, word: bytes, key: bytes | None = None) -> str:
    """A block's hash and its signature, by the sequencer if no other key is given."""
    block = keccak256(word)
    digest = confirmation_digest(L2_CHAIN_ID, rollup.inbox.address, height, block)  # type: ignore[arg-type]
    by = PrivateKey(key or bytes(rollup.chain.accounts[1].key)).sign_recoverable(digest, hasher=None)
    return f"0x{block.hex()}:0x{(by[:64] + bytes([27 + by[64]])).hex()}"


def run(rollup: Rollup, words: list[str]) -> Result:
    """The command, with where the rollup is."""
    place = ["--l1", rollup.chain.url, "--deployment", str(rollup.folder / "deployment.json")]
    return CliRunner().invoke(main, [*words, *place, "--key-file", str(rollup.folder / "reporter")])


def slash(rollup: Rollup, *blocks: str) -> Result:
    words = [word for block in blocks for word in ("--block", block)]
    return run(rollup, ["slash", "--height", "1", *words])


def test_a_sequencer_that_lost_its_journal_and_signs_a_height_again_loses_its_stake(
    rollup: Rollup, follower: FollowerProcess
) -> None:
    bonds = bind(rollup.deployment, rollup.chain.client).bonds
    reporter = rollup.chain.accounts[REPORTER].address
    rollup.start("--post-interval", "600")
    rollup.deposit(2)
    follower.start()
    rollup.l2.eth.send_raw_transaction(rollup.signed(2, 0))
    eventually(lambda: follower.head()[0] == 2)
    rollup.kill()
    shutil.rmtree(rollup.folder / "data")
    rollup.start("--post-interval", "0.2", "--calldata")
    rollup.l2.eth.send_raw_transaction(rollup.signed(2, 0, value=2))
    said = re.compile(r"next: take its stake with `anh (slash [^`]*)`")
    found = eventually(lambda: said.search(follower.log.read_text()))
    before = rollup.chain.client.balance(rollup.deployment.addresses["bonds"])
    shown = run(rollup, shlex.split(found[1]))
    prize = ETHER * rollup.deployment.rules.prize_share_bps // 10_000
    assert (shown.exit_code, shown.output) == (
        0,
        f"1.0000 ETH of stake are taken: 0.5000 ETH are credited to {reporter}, the rest is burnt\n",
    )
    assert (rollup.inbox.staked(), bonds.credit_of(reporter)) == (0, prize)
    assert rollup.chain.client.balance(bonds.address) == before - (ETHER - prize)
    again = run(rollup, shlex.split(found[1]))
    assert (again.exit_code, again.output.splitlines()[0]) == (1, "Error: the sequencer has nothing at stake")


def test_what_shows_nothing_is_told_before_anything_is_sent(rollup: Rollup) -> None:
    one, other = signed(rollup, 1, b"one"), signed(rollup, 1, b"other")
    foreign = signed(rollup, 1, b"other", bytes(rollup.chain.accounts[3].key))
    elsewhere = signed(rollup, 2, b"other")
    for words, reason in (
        ((one, one), "they are over one block"),
        ((one, foreign), f"that of block {foreign[:66]} is not {rollup.sequencer}'s"),
        ((elsewhere, one), f"that of block {elsewhere[:66]} is not {rollup.sequencer}'s"),
    ):
        shown = slash(rollup, *words)
        assert shown.exit_code == 1
        assert shown.output.splitlines()[0] == f"Error: the signatures show nothing: {reason}"
    assert rollup.chain.client.nonce(rollup.chain.accounts[REPORTER].address) == 0
    assert slash(rollup, one, other).exit_code == 0
    assert rollup.inbox.staked() == 0
