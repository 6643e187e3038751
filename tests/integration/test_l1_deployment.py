"""The shipped contracts on a real chain: deployed, found again, refused where they are not."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from eth_utils.address import to_canonical_address

from anh_rollup.cli.deploy import deploy_command
from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.blobs import BLOB_SIZE
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blobs import versioned_hash
from anh_rollup.l1.contracts.inbox import Deposited, Noted
from anh_rollup.l1.deployment import (
    CONTRACTS,
    DeploymentFileError,
    Rules,
    bind,
    genesis_machine,
    load_deployment,
    read_deployment,
    write_deployment,
)
from anh_rollup.l1.docket_reader import DocketReader
from anh_rollup.l1.errors import L1RevertedError, NoContractError, OtherL1Error, WrongChainError
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST
from anh_rollup.protocol.machine.view import Notice, NoticeKind
from tests.integration.conftest import Chain

pytestmark = pytest.mark.anvil

RULES = Rules(window=600, clock=300, reveal_window=60, settlement=1_260)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "deployment.json"


def test_contracts_are_deployed_where_predicted_and_hold_the_rules(anvil: Chain, file: Path) -> None:
    write_deployment(anvil.deploy(RULES), file)
    deployment = load_deployment(file, anvil.client)
    contracts = bind(deployment, anvil.client)
    held = contracts.claims.rules()
    assert (held.window, held.clock, held.claim_bond) == (600, 300, RULES.claim_bond)
    assert contracts.inbox.rules().sequencer == anvil.accounts[1].address
    assert contracts.game.read("challengeBond") == (RULES.challenge_bond,)
    assert contracts.inbox.read("latest") == (0,)
    ledger = contracts.ledger_claims.rules()
    assert (ledger.window, ledger.clock, ledger.claim_bond) == (600, 300, RULES.claim_bond)
    assert contracts.ledger_claims.genesis() == genesis_machine(L2_CHAIN_ID, deployment.start)


def test_a_deposit_is_read_back_as_an_event(anvil: Chain) -> None:
    deployment = anvil.deploy(RULES)
    inbox = bind(deployment, anvil.client).inbox
    to = anvil.accounts[5].address
    block = anvil.sender(4).send(inbox.deposit(to, 123)).block
    reading = DocketReader(anvil.client, [inbox], deployment.start).refresh()
    account = to_canonical_address(to)
    noted = Noted(0, Notice(NoticeKind.DEPOSIT, account, 123, ZERO_DIGEST, block))
    assert [item.event for item in reading.emitted] == [Deposited(to, 123), noted]


def test_a_refusal_bears_the_solidity_errors_name(anvil: Chain) -> None:
    contracts = bind(anvil.deploy(RULES), anvil.client)
    with pytest.raises(L1RevertedError) as caught:
        anvil.sender(3).send(contracts.claims.commit(bytes([1]) * 32, 5))
    assert (caught.value.reason, caught.value.arguments) == ("WrongValue", (5, RULES.claim_bond))
    with pytest.raises(L1RevertedError, match="NothingToWithdraw"):
        anvil.sender(3).send(contracts.bonds.withdraw(anvil.accounts[3].address))


def test_a_chain_without_the_contracts_is_refused(anvil: Chain, start_anvil: object, file: Path) -> None:
    deployment = anvil.deploy(RULES)
    write_deployment(deployment, file)
    assert callable(start_anvil)
    empty = start_anvil()
    with pytest.raises(NoContractError) as caught:
        load_deployment(file, empty.client)
    assert caught.value.message == f"there is no Bonds contract at {deployment.addresses['bonds']}"
    other = start_anvil("--chain-id", "5")
    with pytest.raises(WrongChainError, match="serves chain 5, but chain 31337 is configured"):
        load_deployment(file, other.client)


def test_the_l1_of_another_devnet_is_refused_although_every_address_is_the_same(
    start_anvil: Callable[..., Chain], tmp_path: Path
) -> None:
    files = {}
    for time in ("1700000000", "1700000001"):
        chain, path = start_anvil("--timestamp", time), tmp_path / time
        write_deployment(chain.deploy(RULES), path)
        files[path] = chain
    (first, one), (second, other) = files.items()
    assert read_deployment(first).addresses == read_deployment(second).addresses
    assert load_deployment(first, one.client) != load_deployment(second, other.client)
    for path, chain in ((first, other), (second, one)):
        with pytest.raises(OtherL1Error) as caught:
            load_deployment(path, chain.client)
        assert caught.value.expected == read_deployment(path).block_hash


def test_a_file_that_speaks_of_another_l2_is_refused(anvil: Chain, file: Path) -> None:
    write_deployment(anvil.deploy(RULES), file)
    content = json.loads(file.read_text())
    file.write_text(json.dumps({**content, "l2ChainId": 1}))
    with pytest.raises(DeploymentFileError, match="the Inbox is of L2 chain 210614763"):
        load_deployment(file, anvil.client)


def test_the_command_deploys_and_writes_the_file(anvil: Chain, file: Path, tmp_path: Path) -> None:
    key = tmp_path / "deployer.key"
    key.write_text("0x" + bytes(anvil.accounts[2].key).hex() + "\n")
    sequencer = anvil.accounts[1].address
    words = ["--l1", anvil.url, "--key-file", str(key), "--sequencer", sequencer, "--out", str(file)]
    result = CliRunner().invoke(deploy_command, [*words, "--rule", "window=601"], catch_exceptions=False)
    assert result.exit_code == 0
    deployment = read_deployment(file)
    assert (deployment.sequencer, deployment.rules.window) == (sequencer, 601)
    assert list(deployment.addresses) == list(CONTRACTS)
    assert load_deployment(file, anvil.client) == deployment


def batch_after(previous: bytes) -> BatchHeader:
    return BatchHeader(1, previous, bytes([3]) * 32, 1, bytes(32), 0)


def test_a_batch_goes_to_the_inbox_as_blobs_and_comes_back(anvil: Chain) -> None:
    inbox = bind(anvil.deploy(RULES), anvil.client).inbox
    blobs = (bytes([0] + [7] * 31) * (BLOB_SIZE // 32),)
    receipt = anvil.sender(1).send(inbox.post(batch_after(inbox.commitment(0)), blobs))
    (posted,) = filter(None, map(inbox.decode, receipt.logs))
    assert posted.event.blobs == (versioned_hash(blobs[0]),)
    assert BatchDataReader(anvil.client).blobs(posted.log.transaction) == blobs
    assert (inbox.read("latest"), inbox.commitment(1)) == ((1,), posted.event.commitment)


def test_a_batch_cannot_be_posted_twice(anvil: Chain) -> None:
    inbox = bind(anvil.deploy(RULES), anvil.client).inbox
    request = inbox.post_calldata(batch_after(inbox.commitment(0)), b"batch")
    sender = anvil.sender(1)
    (posted,) = filter(None, map(inbox.decode, sender.send(request).logs))
    assert (posted.event.data, posted.event.blobs) == (b"batch", ())
    with pytest.raises(L1RevertedError) as caught:
        sender.send(request)
    assert caught.value.reason == "WrongPrevious"


@pytest.mark.ganache
def test_a_chain_without_blobs_takes_contracts_and_batches_as_calldata(ganache: Chain) -> None:
    inbox = bind(ganache.deploy(RULES), ganache.client).inbox
    request = inbox.post_calldata(batch_after(inbox.commitment(0)), b"batch")
    (posted,) = filter(None, map(inbox.decode, ganache.sender(1).send(request).logs))
    assert posted.event.data == b"batch"
