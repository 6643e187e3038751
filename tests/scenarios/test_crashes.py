"""kill -9 at random points of running games: the outcome is always the same, and every promise is kept."""

import sys
import time
from collections import Counter

import pytest

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.moves import calls_between
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.contracts.game import GameOutcome
from anh_rollup.l1.contracts.inbox import Deposited, Posted
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.protocol.ledger import Skipped
from benchmarks.report import cpu_seconds
from tests.scenarios.crashes import CHALLENGER, HONEST, LIAR, SEQUENCER, CrashingRollup
from tests.scenarios.world import BURNT

pytestmark = pytest.mark.anvil

#: What the dishonest accountant does in one round after another: lies that a computed element refutes.
LIES = ("wrong-element", "boasted-accuracy", "flipped-score")

#: anvil's accounts by the mnemonic: all the ether that there is.
ENDOWMENT = 10 * 10_000 * 10**18

#: Processor seconds from a start to the first round: on a machine with time to spare, seconds.
MOST_CPU = 5.0


@pytest.mark.slow
def test_kill_9_at_random_points_of_a_game_changes_nothing(tmp_path):
    play(tmp_path, [6], "--calldata", disputed=False)  # blobs take every start of a process two seconds


@pytest.mark.slow
def test_fifty_kills_at_random_points_of_six_games_change_nothing(tmp_path):
    play(tmp_path, [17, 17, 16], disputed=True)


@pytest.mark.slow
def test_a_killed_role_is_at_work_again_soon(tmp_path):
    with ProcessGroup(tmp_path / "logs") as processes:
        network = LocalNetwork(tmp_path, processes)
        network.start_l1()
        for start, name in ((network.start_accountant, HONEST), (network.start_challenger, CHALLENGER)):
            for _ in range(2):
                role = start(name)
                seconds, used = wait_for_work(role)
                sys.stdout.write(f"{name}: {seconds:.1f} s, {used:.1f} s of a processor\n")
                assert used < MOST_CPU
                role.process.kill()
                role.process.wait(20)
                processes.running.remove(role)
                role.log.unlink()


def wait_for_work(role):
    """Seconds until a role says that its loops run, and those of a processor that it took."""
    began = time.monotonic()
    while b": started" not in role.log.read_bytes():
        role.require_alive()
        assert time.monotonic() < began + 120
        time.sleep(0.05)
    return time.monotonic() - began, cpu_seconds(role.process.pid)


def play(folder, kills, *carrier, disputed):
    """A round for each number of kills, and all the checks; prints who was killed how often."""
    with ProcessGroup(folder / "logs") as processes:
        rollup = CrashingRollup(LocalNetwork(folder, processes), sum(kills), carrier)
        for lie, count in zip(LIES, kills, strict=False):
            rollup.play(lie, count, disputed=disputed)
        rollup.settle()
        check_outcomes(rollup)
        check_order(rollup)
        check_ether(rollup)
    killer = rollup.killer
    sys.stdout.write(f"{dict(killer.done)} in {len(rollup.rounds)} rounds, {killer.in_game} in a game\n")
    assert killer.done.total() == sum(kills)
    assert set(killer.done) == {SEQUENCER, CHALLENGER, HONEST, LIAR}
    assert killer.in_game >= (sum(kills) // 2 if disputed else 1)


def check_outcomes(rollup):
    """Each lie refuted in one game, each truth final, nothing locked for ever."""
    docket, contracts = rollup.view.docket, rollup.view.contracts
    for each in rollup.rounds:
        games = [rollup.view.games_over(claim) for claim in (each.lie, each.truth)]
        states = [contracts.claims.status(claim).state for claim in (each.lie, each.truth)]
        assert states == [ClaimState.REFUTED, ClaimState.FINAL]
        assert [[game.outcome for game in played] for played in games] == [
            [GameOutcome.REFUTED],
            [GameOutcome.CHALLENGER_LATE] * each.is_disputed,
        ]
    claimants = Counter(claimant for claimant, _ in docket.commitments)
    addresses = [str(rollup.network.accounts[name].address) for name in (LIAR, HONEST)]
    assert claimants == dict.fromkeys(addresses, len(rollup.rounds))
    assert len(docket.claims) == 2 * len(rollup.rounds)
    assert [
        contracts.bonds.read("locked", court.address) for court in (contracts.claims, contracts.game)
    ] == [(0,), (0,)]


def check_order(rollup):
    """The order that L1 alone gives: every acknowledged transaction once, where its position said."""
    client, deployment = rollup.network.l1(), rollup.network.deployment
    reader = OrderReader(deployment, client, BatchDataReader(client))
    reader.refresh()
    ordered = Counter(each.hash for block in reader.order.blocks for _, each in block.transactions)
    outcomes = [each for block in reader.order.outcomes for each in block]
    hashes = {block.number: block.hash for block in reader.order.blocks}
    posted = [each.event.batch.number for each in rollup.view.events if isinstance(each.event, Posted)]
    acknowledged = rollup.user.acknowledged + rollup.traveller.acknowledged
    promised = rollup.user.positions | rollup.traveller.positions

    assert ordered == dict.fromkeys(acknowledged, 1)
    assert not [each for each in outcomes if isinstance(each, Skipped)]
    assert set(promised) == set(acknowledged)
    assert (
        promised.items()
        <= {
            each.hash: (block.number, hashes[block.number])
            for block in reader.order.blocks
            for _, each in block.transactions
        }.items()
    )
    assert posted == list(range(1, len(reader.batches) + 1))
    assert reader.order.ledger.held == reader.order.ledger.deposited


def check_ether(rollup):
    """All ether that there was: with the accounts, in the contracts, burnt, or paid for gas."""
    client, deployment = rollup.network.l1(), rollup.network.deployment
    head = client.head().number
    holders = [str(each.address) for each in rollup.network.accounts.values()]
    accounts = sum(client.balance(each, head) for each in holders)
    idle = ENDOWMENT - sum(client.balance(each, 0) for each in holders)
    held = sum(client.balance(each, head) for each in [*deployment.addresses.values(), BURNT])
    spent = sum(each.cost for each in calls_between(client, deployment, 1, head))
    contracts = rollup.view.contracts
    owed = sum(contracts.bonds.credit_of(each, head) for each in holders)
    events = [each.event for each in rollup.view.events]
    deposited = sum(each.amount for each in events if isinstance(each, Deposited))

    assert accounts + idle + held + spent == ENDOWMENT
    assert client.balance(contracts.bonds.address, head) == owed
    assert client.balance(contracts.inbox.address, head) == deposited
