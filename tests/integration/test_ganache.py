"""The demo's whole story on Ganache 7, which has no blobs: every process is real, batches are calldata."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.local_network import LOCAL_RULES, LocalNetwork
from anh_rollup.cli.moves import Call, calls_between
from anh_rollup.cli.processes import ProcessGroup
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.contracts.inbox import Posted
from scripts.demo import play

pytestmark = pytest.mark.ganache

GANACHE = Path(__file__).parent / "ganache_as_anvil"

#: Shorter clocks than the demo's, which people watch.
RULES = replace(LOCAL_RULES, window=15, clock=20)


@dataclass(frozen=True)
class Played:
    """What the story told, and what L1 says afterwards."""

    told: str
    view: L1View
    calls: list[Call]
    supports_blobs: bool

    def events(self, kind: type[Any]) -> list[Any]:
        return [each.event for each in self.view.events if isinstance(each.event, kind)]

    def count(self, function: str) -> int:
        return sum(each.function == function and each.succeeded for each in self.calls)


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Played]:
    folder, told = tmp_path_factory.mktemp("story"), StringIO()
    with ProcessGroup(folder / "logs") as processes:
        network = LocalNetwork(folder, processes, anvil=str(GANACHE), rules=RULES)
        play(network, Console(file=told, width=140))
        client, deployment = network.l1(), network.customer().deployment
        view = L1View(client, deployment)
        view.refresh()
        calls = calls_between(client, deployment, deployment.block + 1, client.head().number)
        yield Played(told.getvalue(), view, calls, client.supports_blobs())


def test_the_chain_is_ganache_without_blobs(story: Played) -> None:
    assert "Ganache" in story.view.client.transport.request("web3_clientVersion")
    assert not story.supports_blobs


def test_the_deposits_both_orders_and_the_exit_reach_l1_as_calldata(story: Played) -> None:
    batches = story.events(Posted)

    assert story.count("Inbox.deposit") == 2
    assert sum(each.batch.count for each in batches) == 3
    assert all(each.data and not each.blobs for each in batches)
    assert sum(each.blob_gas for each in story.calls) == 0


def test_l1_refutes_the_lie_by_one_element_and_lets_both_true_claims_become_final(story: Played) -> None:
    states = [each.state for each in story.view.docket.claims.values()]

    assert states == [ClaimState.REFUTED, ClaimState.FINAL, ClaimState.FINAL]
    assert story.count("Game.prove") + story.count("Game.proveBlock") == 1


def test_the_baseless_challenger_loses_on_the_clock(story: Played) -> None:
    outcomes = [each.outcome.name for each in story.view.docket.games.values()]

    assert outcomes == ["REFUTED", "CHALLENGER_LATE"]


def test_the_accountant_withdraws_half_an_ether_against_a_claim_about_the_ledger(story: Played) -> None:
    assert story.count("LedgerClaims.finalize") >= 1
    assert story.count("LedgerClaims.withdraw") == 1


@pytest.mark.parametrize(
    "outcome",
    [
        r"eth_sendRawTransaction: 0x[0-9a-f]{64}",
        r"checked +a Merkle proof leads from the order to batch \d+ on L1",
        r"checked +the last move made L1 compute an element: yes",
        r"checked +the honest claim: FINAL",
        r"checked +the claim about the answers: FINAL",
        r"checked +the honest accountant has earned on the L2: 1\.2500 ETH",
        r"checked +wei that have left the Inbox: 500000000000000000",
        r"checked +the liar's bond is gone: yes",
        r"checked +the baseless challenger's bond is gone: yes",
    ],
)
def test_it_tells_every_outcome(outcome: str, story: Played) -> None:
    assert re.search(outcome, story.told), story.told[-6000:]
