"""Contracts on the L2 with web3.py: compile, deploy, call, and learn what came of it.

Everything is done through one JSON-RPC, that of a follower: a sequencer executes nothing. Fees are paid from
what was deposited on L1 or came by plain transfers.
"""

import argparse
import hashlib
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cache, partial
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from eth_typing import HexStr
from rich.console import Console
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError
from web3.types import TxReceipt

from anh_rollup.client.ordering import PRICE_MARGIN, Report
from anh_rollup.client.publishing import ACCESS_LIST, unpublished
from anh_rollup.encoding.abi import decode
from anh_rollup.encoding.artifacts import Model
from anh_rollup.errors import AnhError
from anh_rollup.l1.abi import signature_hash
from anh_rollup.l1.transport import revert_data
from anh_rollup.protocol.fees import TRANSFER_GAS
from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.protocol.publishing import published_form, publishing_steps
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import ArtifactError
from anh_rollup.storage.remote import RemotePolicy
from anh_rollup.tensor.program import Program
from anh_rollup.world.network_contract import WAIT_GAS
from scripts.build_contracts import FOR_L2, ROOT, compile_sources, read_settings
from scripts.chains import ChainRefusedError, Rollup, ask, decoded, key_option, rollup_options

#: Where the contracts of these examples are, from the repository's root.
EXAMPLES: Final = "contracts/examples"

#: Where the interface of the DNN system contract is.
SDK: Final = "contracts/sdk"

#: What a new account gets for its fees, in wei.
FEES: Final = 10**17

#: Percent of the estimated gas that a transaction may use: what others change meanwhile can cost gas, too.
GAS_MARGIN: Final = 120

#: Seconds that accountants have for a training: those of the examples take a few.
TRAINING_SECONDS: Final = 600

#: Gas of a transaction in which a network is trained: it cannot be estimated before the result is there.
TRAINING_GAS: Final = 1_500_000 + TRAINING_SECONDS * WAIT_GAS

#: Seconds that a receipt may take. A training waits until a claim about it is final on L1, or none can be any
#: more: until its deadline and L1's `settlement`, 600 seconds in `anh devnet`.
RECEIPT_SECONDS: Final = TRAINING_SECONDS + 900.0

#: Seconds between two looks for a receipt.
LOOK_SECONDS: Final = 0.5


class NotRefusedError(AnhError):
    """A contract takes a call that it should refuse.

    Attributes:
        function: The function that is called.
    """

    def __init__(self, function: str) -> None:
        super().__init__(
            f"the contract takes a call of {function} that it should refuse",
            remedy="Look at the contract's state: it is not what this script made it.",
        )
        self.function = function


class NobodyTrainedError(AnhError):
    """A contract has no network from a training that it asked for.

    Attributes:
        transaction: Hash of the transaction that asked for it.
    """

    def __init__(self, transaction: str) -> None:
        super().__init__(
            f"nobody has trained the network of {transaction} in time; nothing is paid",
            remedy="Start an accountant with --follower, and run this again; an easier threshold may help.",
        )
        self.transaction = transaction


class ModelNotServedError(AnhError):
    """Nobody serves the model of a final claim.

    Attributes:
        root: Root of the model.
    """

    def __init__(self, root: bytes) -> None:
        super().__init__(
            f"the trained model 0x{root.hex()} is not served where its claim says",
            remedy="Wait until its accountant runs again, and publish it with `anh model publish`.",
        )
        self.root = root


class L2RefusedError(AnhError):
    """A contract on the L2 refuses a call; nothing was sent.

    Attributes:
        reason: The contract's error, with its values.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the L2 contract refused: {reason}",
            remedy="Read the contract's state again: the error's NatSpec in contracts says when it happens.",
        )
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Compiled:
    """What the compiler makes of a contract.

    Attributes:
        abi: Its ABI.
        code: Its creation code in hexadecimal.
    """

    abi: list[dict[str, Any]]
    code: str


def l2_options(summary: str, example: str) -> argparse.ArgumentParser:
    """A parser with the options of a script that uses contracts with networks on the L2."""
    parser = rollup_options(summary, example)
    key_option(parser)
    parser.add_argument(
        "--store", type=Path, required=True, metavar="FOLDER", help="for the artifacts; all nodes read it"
    )
    return parser


def print_line(line: str) -> None:
    """Prints what happens, at once and unbroken."""
    Console(soft_wrap=True).print(line, markup=False)


@cache
def compiled(name: str, folder: str = EXAMPLES) -> Compiled:
    """The contract of a name in a file of its name, for the L2's EVM; compiled once and kept in cache/."""
    file = f"{folder}/{name}.sol"
    settings = {**read_settings(ROOT / "foundry.toml"), "evmVersion": "cancun", "viaIR": False}
    sources = [path for each in FOR_L2 for path in sorted((ROOT / each).glob("*.sol"))]
    texts = [path.read_text(encoding="utf-8") for path in (*sources, ROOT / "package.json")]
    digest = hashlib.sha256(json.dumps([file, texts, settings]).encode()).hexdigest()[:16]
    kept = ROOT / "cache" / f"{name}-{digest}.json"
    if not kept.exists():
        output = compile_sources({file: (ROOT / file).read_text(encoding="utf-8")}, settings)[file][name]
        _keep(kept, {"abi": output["abi"], "code": output["evm"]["bytecode"]["object"]})
    return Compiled(**json.loads(kept.read_text(encoding="utf-8")))


def _keep(path: Path, content: dict[str, Any]) -> None:
    """Writes a file aside and renames it: another process may do the same."""
    path.parent.mkdir(exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    aside.write_text(json.dumps(content), encoding="utf-8")
    aside.rename(path)


def deploy(rollup: Rollup, name: str, *arguments: Any, value: int = 0) -> Contract:
    """Deploys one of the example contracts; it exists when this returns.

    Args:
        rollup: Where, and who pays.
        name: The contract.
        *arguments: Its constructor's.
        value: Wei to send along.

    Raises:
        ChainRefusedError: The creation failed.
    """
    built = compiled(name)
    factory = rollup.l2.eth.contract(abi=built.abi, bytecode=built.code)
    address = transact(rollup, factory.constructor(*arguments), value)["contractAddress"]
    if address is None:
        raise ChainRefusedError(f"{name} was not created")
    return rollup.l2.eth.contract(address=address, abi=built.abi)


def transact(rollup: Rollup, call: Any, value: int = 0, gas: int | None = None) -> TxReceipt:
    """Signs and sends a call; its receipt, once it has been executed.

    Args:
        rollup: Where, and who signs.
        call: `contract.functions.name(...)`.
        value: Wei to send along.
        gas: The gas limit; estimated where not given.

    Raises:
        ChainRefusedError: The transaction failed.
        L2RefusedError: It would fail, as the estimate of its gas shows.
    """
    return wait(rollup, send(rollup, call, value, gas))


def send(rollup: Rollup, call: Any, value: int = 0, gas: int | None = None) -> str:
    """Signs and sends a call; the transaction's hash. See `transact`."""
    if gas is None:
        gas = _estimate(call, {"from": rollup.address, "value": value}) * GAS_MARGIN // 100
    return _send(rollup, call.build_transaction({**_paid_by(rollup), "gas": gas, "value": value}))


def _estimate(call: Any, transaction: dict[str, Any]) -> int:
    try:
        return int(call.estimate_gas(transaction))
    except ContractLogicError as error:
        entries = getattr(call, "contract_abi", None) or call.abi
        custom = isinstance(error, ContractCustomError)
        reason = told_revert(entries, revert_data(error.data) or b"") if custom else str(error.message)
        raise L2RefusedError(reason) from error


def pay(rollup: Rollup, to: str, value: int) -> TxReceipt:
    """Sends ether on the L2: a plain transfer, which waits for no contract."""
    transfer = {"to": to, "gas": TRANSFER_GAS, "value": value}
    return wait(rollup, _send(rollup, {**_paid_by(rollup), **transfer}))


def companion(rollup: Rollup, value: int = 0) -> Rollup:
    """The same rollup for a new account; it gets ether on the L2, and `FEES` besides."""
    other = replace(rollup, account=Account.create())
    pay(rollup, other.address, value + FEES)
    return other


def wait(rollup: Rollup, sent: str) -> TxReceipt:
    """The receipt of a transaction, once it has been executed.

    Raises:
        ChainRefusedError: The transaction failed.
    """
    receipt = rollup.l2.eth.wait_for_transaction_receipt(HexStr(sent), RECEIPT_SECONDS, LOOK_SECONDS)
    if receipt["status"] != 1:
        raise ChainRefusedError(f"transaction {sent} failed")
    return receipt


def await_training(rollup: Rollup, sent: str, contract: Contract, name: str) -> Any:
    """The event by which a contract says that it has a network, of the transaction that had it trained.

    Raises:
        NobodyTrainedError: There is none: the transaction failed, or the contract went on without a network.
    """
    try:
        return emitted(contract, name, wait(rollup, sent))
    except ChainRefusedError as error:
        raise NobodyTrainedError(sent) from error


def emitted(contract: Contract, name: str, receipt: TxReceipt) -> Any:
    """The values of the one event of a name that a contract emitted in a transaction, by their names.

    Raises:
        ChainRefusedError: There is not exactly one.
    """
    event: Any = contract.events[name]()
    logs = [log for log in receipt["logs"] if log["address"] == contract.address]
    found = [log for log in logs if log["topics"][0].to_0x_hex() == event.topic]
    if len(found) != 1:
        raise ChainRefusedError(f"{len(found)} events {name} in {receipt['transactionHash'].to_0x_hex()}")
    return event.process_log(found[0])["args"]


def publish(rollup: Rollup, artifact: Program | Model, report: Report) -> None:
    """Puts a program or model into the order, so that contracts can ask it; what is there is not sent again.

    Raises:
        ChainRefusedError: A transaction failed.
    """
    kind, content = published_form(artifact)
    steps = publishing_steps(kind, artifact.root, content)
    for step in unpublished(partial(_is_published, rollup), steps):
        fields = {"to": DNN_ADDRESS, "data": step.calldata, "gas": step.gas, "accessList": ACCESS_LIST}
        wait(rollup, _send(rollup, {**_paid_by(rollup), **fields}))
    report(f"published  {kind.name.lower()} 0x{artifact.root.hex()} of {len(content):,} bytes")


def _is_published(rollup: Rollup, digest: bytes) -> bool:
    return ask(rollup.l2, "anh_getPublication", f"0x{digest.hex()}") is not None


def publish_trained(rollup: Rollup, folder: Path, root: bytes, report: Report) -> None:
    """Publishes a model that was trained for a contract, from where its claimant serves it.

    Raises:
        ModelNotServedError: It is served nowhere.
        ChainRefusedError: A transaction failed.
    """
    claims, last = rollup.contract("Claims"), rollup.l1.eth.block_number
    store = ArtifactStore(folder, RemotePolicy(private_hosts=True))
    for event in decoded(rollup.l1, claims, rollup.deployment.block + 1, last):
        if event["event"] == "Revealed" and event["args"]["claim"]["result"] == root:
            try:
                return publish(rollup, store.get_model(root, event["args"]["claim"]["uri"]), report)
            except ArtifactError:
                continue
    raise ModelNotServedError(root)


def training_deadline(rollup: Rollup) -> int:
    """Until when a training that is asked for now is to be shown on L1, by L1's time."""
    return int(rollup.l1.eth.get_block("latest")["timestamp"]) + TRAINING_SECONDS


def refusal(contract: Contract, call: Any, sender: str) -> str:
    """What a contract would refuse a call with: the error's name and its values.

    Raises:
        NotRefusedError: It would not refuse it.
    """
    try:
        call.call({"from": sender})
    except ContractLogicError as error:
        return told_revert(contract.abi, revert_data(error.data) or b"")
    raise NotRefusedError(call.fn_name)


def told_revert(abi: Iterable[Any], data: bytes) -> str:
    """What a contract reverted with, by its own names or those of the DNN system contract."""
    entries: list[Any] = [*abi, *compiled("IDNN", SDK).abi]
    for entry in entries:
        if entry["type"] == "error" and signature_hash(entry)[:4] == data[:4]:
            values = decode([each["type"] for each in entry["inputs"]], data[4:])
            return f"{entry['name']}({', '.join(str(each) for each in values)})"
    return f"an unknown error, 0x{data.hex()}"


def _paid_by(rollup: Rollup) -> dict[str, Any]:
    """Sender, nonce and price of a transaction."""
    price = rollup.l2.eth.gas_price * PRICE_MARGIN
    return {
        "type": 2,
        "chainId": rollup.l2.eth.chain_id,
        "from": rollup.address,
        "nonce": rollup.l2.eth.get_transaction_count(rollup.address, "pending"),
        "maxFeePerGas": price,
        "maxPriorityFeePerGas": 0,
    }


def _send(rollup: Rollup, transaction: dict[str, Any]) -> str:
    signed = rollup.account.sign_transaction(transaction)
    return str(rollup.l2.eth.send_raw_transaction(signed.raw_transaction).to_0x_hex())
