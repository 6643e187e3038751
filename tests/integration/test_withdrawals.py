"""Money leaves the L2 on a real chain: through the sequencer, and with nobody but the user and L1."""

from dataclasses import replace
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from eth_utils.address import to_canonical_address

from anh_rollup.cli.root import main
from anh_rollup.client.wording import show_ether
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.contracts.ledger_claims import LedgerClaimState, LedgerOutcome
from anh_rollup.l1.deployment import Deployment, Rules, bind, write_deployment
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.l1.ledger_docket import LedgerClaimRecord
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.types import TransactionRequest
from anh_rollup.primitives import ETHER, L2_CHAIN_ID, Address, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS
from anh_rollup.protocol.ledger import EXIT_ADDRESS
from tests.integration.conftest import Chain
from tests.integration.test_sequencer_order import Desk

pytestmark = pytest.mark.anvil

RULES = Rules(
    window=6_000, clock=3_000, reveal_window=60, settlement=12_060, force_delay=600, force_timeout=1_200
)
USER, HELPER, LIAR, CHALLENGER = 2, 3, 4, 5


class Desert:
    """An L1 with the contracts and nobody else: commands are all that happens."""

    def __init__(self, chain: Chain, folder: Path, deployment: Deployment) -> None:
        self.chain, self.folder, self.deployment = chain, folder, deployment
        self.contracts = bind(deployment, chain.client)
        write_deployment(deployment, folder / "deployment.json")
        self.user = str(chain.accounts[USER].address)

    def anh(self, *words: str, who: int = USER) -> Result:
        """A command with the key of one of the accounts; --key-file where it has one."""
        key = self.folder / f"{who}.key"
        key.write_text(bytes(self.chain.accounts[who].key).hex())
        places = ["--l1", self.chain.url, "--deployment", str(self.folder / "deployment.json")]
        keys = [] if words[:2] == ("ledger", "show") else ["--key-file", str(key)]
        return CliRunner().invoke(main, [*words, *places, *keys])

    def done(self, *words: str, who: int = USER) -> str:
        """What a command says; it has to end with 0."""
        result = self.anh(*words, who=who)
        assert result.exit_code == 0, result.output
        return result.output

    def refused(self, *words: str, who: int = USER) -> str:
        """What a command says; it has to end with 1."""
        result = self.anh(*words, who=who)
        assert result.exit_code == 1, result.output
        return result.output

    def deposit(self, wei: int) -> None:
        self.chain.sender(USER).send(self.contracts.inbox.deposit(self.user, Wei(wei)))

    def later(self, seconds: int) -> None:
        self.chain.request("evm_increaseTime", hex(seconds))
        self.chain.mine()

    def balance(self) -> int:
        return self.chain.client.balance(self.user)

    def view(self) -> LedgerView:
        view = LedgerView(self.deployment, self.chain.client, BatchDataReader(self.chain.client))
        view.refresh()
        return view

    def order(self) -> OrderReader:
        """The order as a follower that has just begun derives it."""
        reader = OrderReader(self.deployment, self.chain.client, BatchDataReader(self.chain.client))
        reader.refresh()
        return reader


@pytest.fixture
def desert(anvil: Chain, tmp_path: Path) -> Desert:
    return Desert(anvil, tmp_path, anvil.deploy(RULES))


def test_a_user_leaves_with_nobody_but_l1(desert: Desert) -> None:
    assert "`anh deposit`" in desert.refused("exit", "0.4", "--force")
    assert f"1.000000 ETH are deposited for {desert.user}" in desert.done("deposit", "1")
    told = desert.done("exit", "0.4", "--force")
    assert "forced transaction 0 is queued on L1, for a fee of 0.0010 ETH" in told
    assert "it leaves the L2 with the batch on L1 that has it" in told
    assert "the sequencer has time for the oldest forced" in desert.refused("ledger", "post-forced")
    assert f"an exit of {desert.user} waits in the queue on L1" in desert.refused("withdraw")
    desert.later(RULES.force_timeout)
    assert desert.done("ledger", "post-forced") == "put into the order: 1 forced transaction\n"
    assert "no forced transaction waits on L1" in desert.refused("ledger", "post-forced")
    assert "no claim that stands or is final" in desert.refused("withdraw")
    assert "fewer than 64 L1 blocks are above batch 1" in desert.refused("withdraw", "--claim")
    told = desert.done("withdraw", "--claim", "--depth", "0")
    assert told.startswith("claimed the ledger after batch 1; the bond of 1.0000 ETH comes back")
    assert "can be disputed until" in told
    assert "can be disputed until" in desert.refused("withdraw", "--claim")
    desert.later(RULES.window)
    before = desert.balance()
    assert f"0.400000 ETH were paid to {desert.user}" in desert.done("withdraw", desert.user, who=HELPER)
    assert desert.balance() == before + 4 * ETHER // 10
    assert desert.contracts.bonds.credit_of(desert.user) == RULES.claim_bond
    assert "credit of Bonds: 1.000000 ETH" in desert.done("ledger", "show", desert.user)
    assert f"1.000000 ETH of bonds and prizes were paid to {desert.user}" in desert.done("withdraw")
    assert desert.contracts.bonds.credit_of(desert.user) == 0
    assert "0.400000 ETH left the L2 by batches on L1, and 0.400000 ETH" in desert.refused("withdraw")
    everybody_agrees(desert, 4 * ETHER // 10)


def everybody_agrees(desert: Desert, withdrawn: int) -> None:
    """A follower that begins now, and L1, have the same account."""
    ledger, view = desert.order().order.ledger, desert.view()
    account = ledger.account(Address(to_canonical_address(desert.user)))
    assert account == view.account(desert.user, view.latest)
    assert account.withdrawn == view.paid(desert.user) == withdrawn
    held = desert.chain.client.balance(desert.contracts.inbox.address)
    assert ledger.held == ledger.deposited == held + withdrawn


def test_all_of_an_account_can_be_forced_out_twice_before_anybody_orders_it(desert: Desert) -> None:
    desert.deposit(ETHER)
    desert.done("exit", "0.25", "--force")
    desert.done("exit", "all", "--force")
    assert "the exit and its fee need" in desert.refused("exit", "0.5", "--force")
    desert.later(RULES.force_timeout)
    desert.done("ledger", "post-forced", who=HELPER)
    desert.done("withdraw", desert.user, "--claim", "--depth", "0", who=HELPER)
    desert.later(RULES.window)
    before = desert.balance()
    desert.done("withdraw", desert.user, who=HELPER)
    view = desert.view()
    account = view.account(desert.user, view.latest)
    assert (account.nonce, account.withdrawn) == (2, desert.balance() - before)
    assert ETHER - account.withdrawn - account.cleared < 10 * TRANSFER_GAS * 10**9
    assert account.withdrawn > 0.99 * ETHER


def test_a_user_alone_answers_whoever_disputes_its_claim(
    desert: Desert, monkeypatch: pytest.MonkeyPatch
) -> None:
    desert.deposit(ETHER)
    desert.done("exit", "0.4", "--force")
    desert.later(RULES.force_timeout)
    desert.done("ledger", "post-forced")
    games = list[bytes]()

    def pass_by(_seconds: float) -> None:
        """At first somebody disputes the claim without a case; then time passes."""
        if not games:
            (standing,) = desert.view().docket.in_state(LedgerClaimState.STANDING)
            opening = desert.contracts.ledger_claims.open(standing.claim, bytes(32), RULES.challenge_bond)
            desert.chain.sender(CHALLENGER).send(opening)
            games.extend(desert.view().docket.games)
        desert.later(300)

    monkeypatch.setattr("anh_rollup.cli.withdraw.sleep", pass_by)
    told = desert.done("withdraw", "--claim", "--wait", "--depth", "0")
    assert "and 1 open game over it" in told
    view = desert.view()
    (game,) = view.docket.games.values()
    assert (game.outcome, len(game.shown)) == (LedgerOutcome.CHALLENGER_LATE, 1)
    assert view.paid(desert.user) == 4 * ETHER // 10
    won = RULES.claim_bond + RULES.challenge_bond
    assert f"{show_ether(won, 6)} of bonds and prizes were paid to {desert.user}" in told
    assert desert.contracts.bonds.credit_of(desert.user) == 0


@pytest.mark.parametrize(
    "calldata", [True, pytest.param(False, marks=pytest.mark.slow)], ids=["calldata", "blobs"]
)
def test_claims_of_others_pay_exits_in_posted_batches(anvil: Chain, tmp_path: Path, calldata: bool) -> None:
    desk = Desk(anvil, tmp_path, RULES, force_calldata=calldata)
    desert = Desert(anvil, tmp_path, desk.deployment)
    desk.deposit(USER)
    for nonce, value in enumerate((10**17, 2 * 10**17)):
        anvil.mine()
        desk.send(exit_of(anvil, nonce, value))
        desk.sequencer.post()
        desk.sequencer.order()
        desert.done("withdraw", desert.user, "--claim", "--depth", "0", who=HELPER)
        desert.later(RULES.window)
        before = desert.balance()
        desert.done("withdraw", desert.user, who=HELPER)
        assert desert.balance() == before + value
    first, second = desert.view().docket.claims.values()
    assert (second.claim.base, second.claim.batch) == (first.identifier, 2)
    everybody_agrees(desert, 3 * 10**17)
    told = desert.done("ledger", "show", desert.user)
    assert told.count("final") == 3
    assert "0.300000 ETH" in told


def exit_of(chain: Chain, nonce: int, value: int) -> bytes:
    fields = {
        "chainId": L2_CHAIN_ID,
        "nonce": nonce,
        "to": EXIT_ADDRESS,
        "value": value,
        "gas": TRANSFER_GAS,
        "maxFeePerGas": 2 * 10**9,
        "maxPriorityFeePerGas": 0,
    }
    return bytes(chain.accounts[USER].sign_transaction(fields).raw_transaction)


def test_l1_pays_nobody_twice_nor_against_forged_proofs_and_refuted_claims(desert: Desert) -> None:
    desert.deposit(ETHER)
    desert.done("exit", "0.4", "--force")
    desert.later(RULES.force_timeout)
    desert.done("ledger", "post-forced")
    chain, view = desert.chain, desert.view()
    lie = refuted_claim(desert)
    assert refusal(desert, view.withdrawal(lie, desert.user)) == "WrongState"
    desert.done("withdraw", "--claim", "--depth", "0")
    desert.later(RULES.window)
    view.refresh()
    assert (
        refusal(desert, view.withdrawal(list(view.docket.claims.values())[-1], desert.user)) == "WrongState"
    )
    desert.done("withdraw")
    view.refresh()
    final = max(view.docket.in_state(LedgerClaimState.FINAL), key=lambda each: each.claim.batch)
    assert view.docket.claims[lie.identifier].state is LedgerClaimState.REFUTED
    again = view.withdrawal(final, desert.user)
    assert refusal(desert, again) == "NothingToWithdraw"
    honest = view.leaf(desert.user, final.claim.batch)
    nonce, cleared, withdrawn = honest.fields
    forged = replace(honest, fields=(nonce, cleared, withdrawn + 1))
    request = desert.contracts.ledger_claims.withdraw(final.claim, final.machine, desert.user, forged)
    assert refusal(desert, request) == "WrongProof"
    stranger = str(chain.accounts[HELPER].address)
    assert refusal(desert, view.withdrawal(final, stranger)) == "NoLeaf"
    held = chain.client.balance(desert.contracts.inbox.address)
    assert held == ETHER - 4 * ETHER // 10


def refusal(desert: Desert, request: TransactionRequest) -> str:
    """The name of the error with which L1 refuses a transaction."""
    with pytest.raises(L1RevertedError) as caught:
        desert.chain.sender(HELPER).send(request)
    return caught.value.reason


def refuted_claim(desert: Desert) -> LedgerClaimRecord:
    """A claim that falls because nobody answers a challenge."""
    chain, view, ledger = desert.chain, desert.view(), desert.contracts.ledger_claims
    liar = str(chain.accounts[LIAR].address)
    chain.sender(LIAR).send(view.claim(liar, view.latest, RULES.claim_bond))
    view.refresh()
    (record,) = view.docket.claims.values()
    chain.sender(CHALLENGER).send(ledger.open(record.claim, bytes(32), RULES.challenge_bond))
    view.refresh()
    (game,) = view.docket.games.values()
    desert.later(RULES.clock)
    chain.sender(HELPER).send(ledger.request("timeout", game.identifier, game.position))
    return record
