"""Gas of a ledger claim, a game over one, and a withdrawal, on anvil: `python -m benchmarks.ledger_gas`.

The sequencer is a process and posts transfers in a blob; who claims, lies and checks is in this one. The lie
is about a step that reads a transfer out of the blob, the dearest one of a transfer.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from eth_account import Account

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.moves import Call, calls_between
from anh_rollup.client.l2 import L2Client
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.disputes import Freshness
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.service import LedgerPlayer
from anh_rollup.ledger_player.strategy import Policy
from anh_rollup.primitives import ETHER, GWEI, Seconds, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS
from anh_rollup.protocol.ledger import EXIT_ADDRESS
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.past import TraceMaker
from anh_rollup.protocol.machine.state import State
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.trace import Trace
from benchmarks.local import local_network
from benchmarks.report import Figure, show

TRANSFERS = 40
MOST_CLAIM_GAS, MOST_SIDE_GAS, MOST_MOVES, MOST_PAYMENT_GAS = 250_000, 2_000_000, 6, 150_000

#: Seconds for each part on a busy machine, and between two rounds.
PATIENCE, ROUND_SECONDS = 240.0, 0.3

#: Calls of a game, and what announces the last one.
MOVES = ("open", "reveal", "choose", "prove")


class WrongRead(Trace):
    """A trace in which the last transaction that was read is another one."""

    def _run(self, state: State) -> State:
        steps = list[State]()
        while not is_at_rest(state.machine, self._last):
            state, _ = step(state, self._last, self._view)
            steps.append(state)
        place = max(at for at, each in enumerate(steps) if each.machine.phase is Phase.APPLY)
        wrong = steps[place]
        steps[place] = replace(wrong, machine=replace(wrong.machine, pending=keccak256(b"another")))
        self._hashes += b"".join([each.machine.hash for each in steps])
        return state


@dataclass(frozen=True, slots=True)
class Table:
    """Where the ledger is claimed: a sequencer runs."""

    network: LocalNetwork
    deployment: Deployment

    def player(self, name: str, policy: Policy, make: TraceMaker = Trace) -> LedgerPlayer:
        """A player with an account of the local network."""
        client = self.network.l1()
        sender = TransactionSender(client, self.network.accounts[name])
        chain = LedgerDisputes(self.deployment, sender, Freshness(None, time.time))
        reader = InboxReader(self.deployment, client, BatchDataReader(client))
        return LedgerPlayer(chain, reader, policy, make)

    def fill(self) -> None:
        """Deposits, transfers, exits, and waits until all of it is on L1."""
        client, account = self.network.l1(), self.network.accounts["user"]
        contracts, l2 = bind(self.deployment, client), L2Client(self.network.l2_url)
        deposit = contracts.inbox.deposit(str(account.address), Wei(ETHER))
        TransactionSender(client, account).send(deposit)
        self.until("the deposit on the L2", lambda: l2.cleared(str(account.address)) > 0)
        to = str(Account.from_key(keccak256(b"somebody")).address)
        for nonce in range(TRANSFERS):
            last = nonce == TRANSFERS - 1
            transaction: dict[str, Any] = {
                "type": 2, "chainId": self.deployment.l2_chain_id, "nonce": nonce, "gas": TRANSFER_GAS,
                "to": EXIT_ADDRESS if last else to, "value": ETHER // 1_000,
                "maxFeePerGas": 4 * GWEI, "maxPriorityFeePerGas": 0,
            }  # fmt: skip
            l2.send_raw(bytes(account.sign_transaction(transaction).raw_transaction))
        view = LedgerView(self.deployment, client, BatchDataReader(client))

        def is_posted() -> bool:
            view.refresh()
            return view.account(str(account.address), view.latest).nonce == TRANSFERS

        self.until("the batch", is_posted)

    def play(self, players: Sequence[LedgerPlayer], state: LedgerClaimState) -> list[Call]:
        """Plays until a claim of the first player has come to a state; every transaction since then."""
        client, first = self.network.l1(), players[0]
        start = client.head().number + 1

        def has_ended() -> bool:
            for each in players:
                each.play()
            records = first.chain.docket.claims.values()
            own = [each for each in records if each.claim.claimant == first.chain.address]
            if own:
                first.policy = Policy()
            return bool(own) and own[-1].state is state

        self.until(f"a claim that is {state.name.lower()}", has_ended)
        for each in players:
            each.close()
        return calls_between(client, self.deployment, start, client.head().number)

    def withdraw(self) -> list[Call]:
        """Withdraws what the user's exit left."""
        client, account = self.network.l1(), self.network.accounts["user"]
        view, start = LedgerView(self.deployment, client, BatchDataReader(client)), client.head().number + 1
        view.refresh()
        final = view.final()
        if final is None:
            raise SystemExit("no ledger claim is final")
        TransactionSender(client, account).send(view.withdrawal(final, str(account.address)))
        return calls_between(client, self.deployment, start, client.head().number)

    def until(self, what: str, is_done: Callable[[], bool]) -> None:
        """Waits.

        Raises:
            SystemExit: It took too long.
        """
        end = time.monotonic() + PATIENCE
        while not is_done():
            if time.monotonic() > end:
                raise SystemExit(f"{what} did not come in {PATIENCE:g} s")
            time.sleep(ROUND_SECONDS)


def figures_of(network: LocalNetwork, calls: Sequence[Call]) -> list[Figure]:
    """Each call at its dearest, and both sides' sums."""
    played = [each for each in calls if each.function.startswith("LedgerClaims.") and each.succeeded]
    dearest: dict[str, int] = {}
    for each in played:
        name = each.function.partition(".")[2]
        dearest[name] = max(each.gas, dearest.get(name, 0))
    targets = {"claim": MOST_CLAIM_GAS, "finalize": MOST_PAYMENT_GAS, "withdraw": MOST_PAYMENT_GAS}
    figures = [Figure(name, "gas", gas, targets.get(name)) for name, gas in dearest.items()]
    for side, name in (("challenger", "challenger"), ("claimant", "dishonest accountant")):
        address = str(network.accounts[name].address)
        own = [each for each in played if each.sender == address and not each.function.endswith(".claim")]
        moves = [each for each in own if each.function.partition(".")[2] in MOVES]
        figures.append(Figure(f"{side}'s side", "gas", sum(each.gas for each in own), MOST_SIDE_GAS))
        figures.append(Figure(f"{side}'s side", "moves", len(moves), MOST_MOVES))
    return figures


def main() -> None:
    """Plays a lie and a true claim, withdraws, and prints what it cost."""
    logging.basicConfig(level=logging.ERROR)
    claiming = Policy(claim_every=Seconds(0))
    with local_network() as (network, deployment):
        network.start_sequencer()
        table = Table(network, deployment)
        table.fill()
        liar = table.player("dishonest accountant", claiming, WrongRead)
        challenger = table.player("challenger", Policy(challenges=True))
        calls = table.play([liar, challenger], LedgerClaimState.REFUTED)
        calls += table.play([table.player("honest accountant", claiming)], LedgerClaimState.FINAL)
        calls += table.withdraw()
        show(figures_of(network, calls))


if __name__ == "__main__":
    main()
