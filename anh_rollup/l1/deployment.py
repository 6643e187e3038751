"""Deploying the contracts, and the file that says where they are.

The contracts name each other as immutables, so each address is computed from the deployer's nonce before
anything is sent. A deployment that was interrupted is harmless: a new one starts at fresh addresses.
"""

import os
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Final

import orjson
from eth_utils.address import is_checksum_address, to_canonical_address, to_checksum_address

from anh_rollup.encoding.checks import UINT64_MOST, UINT256_MOST, digest
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.rlp import encode_bytes, encode_list, encode_uint
from anh_rollup.l1.abi import Artifact, Entry, encode_arguments, field_name, load_artifact
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.bonds import Bonds
from anh_rollup.l1.contracts.claim_arbiter import ClaimArbiter
from anh_rollup.l1.contracts.claims import Claims
from anh_rollup.l1.contracts.game import Game
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.contracts.ledger_arbiter import LedgerArbiter
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims
from anh_rollup.l1.contracts.tensor_arbiter import TensorArbiter
from anh_rollup.l1.errors import L1Error, NoContractError, OtherL1Error, WrongChainError
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Cursor, TransactionRequest
from anh_rollup.primitives import ETHER, HOUR, L2_CHAIN_ID, BlockNumber, ChainId, Seconds, Wei
from anh_rollup.protocol.derivation import genesis
from anh_rollup.protocol.machine.fields import first_machine

DAY: Final = Seconds(24 * HOUR)

#: A demand can be made in half the window and is due in a quarter of it (Claims.sol).
SHORTEST_WINDOW: Final = 4

#: Rules that are wei, uint256 in the contracts; all others fit a uint64.
AMOUNTS: Final = ("claim_bond", "challenge_bond", "demand_fee", "force_fee")

#: Most bytes of a deployment file: far above what `write_deployment` makes.
MOST_FILE_BYTES: Final = 1 << 20

#: A number in a deployment file, up to 256 bits.
DECIMAL: Final = re.compile("[0-9]{1,78}")

#: The contracts in the order of their deployment, with their names in the file.
CONTRACTS: Final[Mapping[str, str]] = {
    "bonds": "Bonds",
    "inbox": "Inbox",
    "tensor_arbiter": "TensorArbiter",
    "claims": "Claims",
    "game": "Game",
    "claim_arbiter": "ClaimArbiter",
    "transaction_arbiter": "TransactionArbiter",
    "ledger_arbiter": "LedgerArbiter",
    "ledger_claims": "LedgerClaims",
}

#: Constructor parameters whose type names no contract, and which do not bear the name of their contract.
ALIASES: Final[Mapping[tuple[str, str], str]] = {
    ("Claims", "arbiter"): "claim_arbiter",
}


class DeploymentFileError(L1Error):
    """A deployment file that cannot be read, or that is not one.

    Attributes:
        path: The file.
        reason: What is wrong with it.
    """

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(
            f"the deployment file {path} cannot be used: {reason}",
            remedy="Get it from whoever deployed the rollup, or make one: `anh deploy`, `anh devnet --keep`.",
        )
        self.path = path
        self.reason = reason


class DeploymentExistsError(L1Error):
    """A deployment file would take the place of what is there, which may be all that leads to a rollup.

    Attributes:
        path: What is there.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} exists already; nothing was deployed",
            remedy="Choose another --out, or move it away: a running rollup may need it.",
        )
        self.path = path


class RulesError(L1Error):
    """Rules that contradict themselves.

    Attributes:
        reason: Which ones.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"these rules cannot work: {reason}", remedy="Change them and deploy again.")
        self.reason = reason


class UnexpectedAddressError(L1Error):
    """A contract came to another address than computed, because the deployer sent something else meanwhile.

    Attributes:
        contract: The contract.
        expected: The computed address.
        found: Where it is.
    """

    def __init__(self, contract: str, expected: str, found: str | None) -> None:
        super().__init__(
            f"{contract} was deployed at {found} instead of {expected}",
            remedy="Deploy again with an account that nothing else uses.",
        )
        self.contract = contract
        self.expected = expected
        self.found = found


@dataclass(frozen=True, slots=True)
class Rules:
    """What is fixed for ever at deployment; times in seconds of L1 block timestamps, amounts in wei.

    Attributes:
        window: In which games over a claim may be opened.
        clock: That each side of a game has in all.
        reveal_window: After a commitment in which it must be opened.
        settlement: After a job's deadline in which a claim may become final.
        claim_bond: That a claimant puts at stake.
        challenge_bond: That a challenger puts at stake; it covers the accountant's worst gas.
        demand_fee: For one answer to a demand.
        prize_share_bps: Part of a lost bond that the winner gets, in 1/10,000; the rest is burnt.
        force_delay: After which a batch must take in a forced transaction.
        force_timeout: After which anyone may put the queue into the order.
        force_fee: Burnt for one forced transaction.
    """

    window: Seconds = DAY
    clock: Seconds = DAY
    reveal_window: Seconds = HOUR
    settlement: Seconds = Seconds(7 * DAY)
    claim_bond: Wei = ETHER
    challenge_bond: Wei = Wei(ETHER // 10)
    demand_fee: Wei = Wei(ETHER // 100)
    prize_share_bps: int = 5_000
    force_delay: Seconds = HOUR
    force_timeout: Seconds = Seconds(12 * HOUR)
    force_fee: Wei = Wei(ETHER // 1_000)

    def __post_init__(self) -> None:
        """Raises `RulesError` where the contracts would refuse them."""
        if any(getattr(self, item.name) < 0 for item in fields(self)):
            raise RulesError("no rule is negative")
        for item in fields(self):
            most = UINT256_MOST if item.name in AMOUNTS else UINT64_MOST
            if getattr(self, item.name) > most:
                raise RulesError(f"{item.name} is at most {most}")
        if min(self.clock, self.reveal_window, self.claim_bond) == 0:
            raise RulesError("clock, reveal_window and claim_bond are above 0")
        if self.window < SHORTEST_WINDOW:
            raise RulesError(f"window is at least {SHORTEST_WINDOW}")
        if self.settlement < self.window + 2 * self.clock + self.reveal_window:
            raise RulesError("settlement is at least window + 2 clock + reveal_window")
        if self.prize_share_bps > 10_000:
            raise RulesError("prize_share_bps is at most 10000")
        if self.force_timeout < self.force_delay:
            raise RulesError("force_timeout is at least force_delay")


@dataclass(frozen=True, slots=True)
class Deployment:
    """Where a rollup is, and what holds there.

    Attributes:
        l1_chain_id: The chain of the contracts.
        l2_chain_id: The rollup's own chain id.
        sequencer: Who posts batches.
        block: The last L1 block before the deployment: reading events begins after it.
        block_hash: Its hash.
        addresses: Checksummed addresses by the names of `CONTRACTS`.
        rules: What was fixed.
    """

    l1_chain_id: ChainId
    l2_chain_id: ChainId
    sequencer: str
    block: BlockNumber
    block_hash: bytes
    addresses: Mapping[str, str]
    rules: Rules

    @property
    def start(self) -> Cursor:
        """Where reading events begins."""
        return Cursor(self.block, self.block_hash)


@dataclass(frozen=True, slots=True)
class Contracts:
    """A wrapper for each contract of a deployment."""

    inbox: Inbox
    claims: Claims
    game: Game
    bonds: Bonds
    claim_arbiter: ClaimArbiter
    tensor_arbiter: TensorArbiter
    ledger_arbiter: LedgerArbiter
    ledger_claims: LedgerClaims


def bind(deployment: Deployment, client: L1Client) -> Contracts:
    """The wrappers of a deployment's contracts."""
    at = deployment.addresses
    return Contracts(
        inbox=Inbox(client, at["inbox"]),
        claims=Claims(client, at["claims"]),
        game=Game(client, at["game"]),
        bonds=Bonds(client, at["bonds"]),
        claim_arbiter=ClaimArbiter(client, at["claim_arbiter"]),
        tensor_arbiter=TensorArbiter(client, at["tensor_arbiter"]),
        ledger_arbiter=LedgerArbiter(client, at["ledger_arbiter"]),
        ledger_claims=LedgerClaims(client, at["ledger_claims"]),
    )


def deploy(
    sender: TransactionSender,
    sequencer: str,
    rules: Rules,
    l2_chain_id: ChainId = L2_CHAIN_ID,
    *,
    report: Callable[[str, str], None] | None = None,
) -> Deployment:
    """Deploys all contracts; takes one transaction each.

    Args:
        sender: The account that pays; it must not be used elsewhere meanwhile.
        sequencer: Checksummed address of who will post batches.
        rules: What to fix.
        l2_chain_id: The rollup's chain id.
        report: Told each contract's name and address when it is there.

    Raises:
        L1Error: A contract was refused, or L1 cannot be reached.
    """
    client = sender.client
    parent = client.head()
    addresses = predict_addresses(sender.address, client.nonce(sender.address, "pending"))
    known = known_values(rules, addresses, sequencer, l2_chain_id, Cursor(parent.number, parent.hash))
    for key, name in CONTRACTS.items():
        receipt = sender.send(TransactionRequest(None, creation_code(load_artifact(name), known)))
        if receipt.contract != addresses[key]:
            raise UnexpectedAddressError(name, addresses[key], receipt.contract)
        if report is not None:
            report(name, addresses[key])
    chain = client.chain_id()
    return Deployment(chain, l2_chain_id, sequencer, parent.number, parent.hash, addresses, rules)


def predict_addresses(deployer: str, nonce: int) -> dict[str, str]:
    """Where each contract comes to, if deployed in order from this nonce on."""
    return {key: create_address(deployer, nonce + place) for place, key in enumerate(CONTRACTS)}


def create_address(deployer: str, nonce: int) -> str:
    """The address of a contract that an account creates with a nonce."""
    encoded = encode_list([encode_bytes(to_canonical_address(deployer)), encode_uint(nonce)])
    return to_checksum_address(keccak256(encoded)[12:])


def creation_code(artifact: Artifact, known: Mapping[str, Any]) -> bytes:
    """Creation code with constructor arguments, chosen from known values by the parameters' names."""
    return artifact.bytecode + encode_arguments(artifact.constructor(), constructor_values(artifact, known))


def constructor_values(artifact: Artifact, known: Mapping[str, Any]) -> list[Any]:
    """What a contract's constructor is given, in its order, out of `known_values`.

    Raises:
        RulesError: A parameter is among none of them.
    """
    return [_choose(artifact.name, item, known) for item in artifact.constructor()]


def _choose(contract: str, parameter: Entry, known: Mapping[str, Any]) -> Any:
    """The value of a constructor's parameter: a contract by its interface, anything else by its name."""
    if parameter["type"] == "tuple":
        return tuple(_choose(contract, part, known) for part in parameter["components"])
    interface = str(parameter.get("internalType", "")).removeprefix("contract I")
    named = field_name(parameter["name"]).rstrip("_")
    name = next(
        (key for key, each in CONTRACTS.items() if each == interface), ALIASES.get((contract, named), named)
    )
    if name not in known:
        raise RulesError(f"{contract} asks for {named}, which no rule gives")
    return known[name]


def known_values(
    rules: Rules, addresses: Mapping[str, str], sequencer: str, l2_chain_id: ChainId, parent: Cursor
) -> dict[str, Any]:
    """Everything that a constructor can ask for, by the names of its parameters.

    Args:
        rules: What to fix.
        addresses: Where the contracts come to.
        sequencer: Who will post batches.
        l2_chain_id: The rollup's chain id.
        parent: The last L1 block before the deployment, from which the ledger begins.
    """
    named = {item.name: getattr(rules, item.name) for item in fields(rules)}
    chain = {"sequencer": sequencer, "chain_id": l2_chain_id, "l2_chain_id": l2_chain_id}
    return {**named, **addresses, **chain, "genesis": genesis_machine(l2_chain_id, parent)}


def genesis_machine(l2_chain_id: ChainId, parent: Cursor) -> bytes:
    """Hash of the ledger's first machine, from which the first ledger claims start."""
    origin = digest(parent.hash, name="the block before the deployment")
    return first_machine(genesis(l2_chain_id, parent.number, origin)).hash


def require_free(path: Path) -> None:
    """Checks, before anything is deployed, that no earlier deployment's file is where the new one goes.

    Raises:
        DeploymentExistsError: Something is there.
    """
    if os.path.lexists(path):
        raise DeploymentExistsError(path)


def write_deployment(deployment: Deployment, path: Path) -> None:
    """Writes the file that everybody who uses the rollup needs.

    Raises:
        DeploymentFileError: It cannot be written.
    """
    content = {
        "l1ChainId": deployment.l1_chain_id,
        "l2ChainId": deployment.l2_chain_id,
        "sequencer": deployment.sequencer,
        "block": deployment.block,
        "blockHash": "0x" + deployment.block_hash.hex(),
        "addresses": dict(deployment.addresses),
        # Wei pass JSON's safe integers, so rules are text.
        "rules": {item.name: str(getattr(deployment.rules, item.name)) for item in fields(Rules)},
    }
    document = orjson.dumps(content, option=orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(document)
    except OSError as error:
        raise DeploymentFileError(path, error.strerror or "it cannot be written") from error


def read_deployment(path: Path) -> Deployment:
    """Reads a deployment file; asks nobody whether it is true (see `load_deployment`).

    Raises:
        DeploymentFileError: It is missing or malformed.
    """
    try:
        content = orjson.loads(_bounded_bytes(path))
        deployment = Deployment(
            l1_chain_id=ChainId(_number(content["l1ChainId"])),
            l2_chain_id=ChainId(_number(content["l2ChainId"])),
            sequencer=content["sequencer"],
            block=BlockNumber(_number(content["block"])),
            block_hash=digest(bytes.fromhex(content["blockHash"].removeprefix("0x")), name="blockHash"),
            addresses={name: content["addresses"][name] for name in CONTRACTS},
            rules=_read_rules(content["rules"]),
        )
    except OSError as error:
        raise DeploymentFileError(path, error.strerror or "it cannot be read") from error
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError, AttributeError) as error:
        raise DeploymentFileError(path, f"it is malformed ({type(error).__name__}: {error})"[:200]) from error
    except (EncodingError, RulesError) as error:
        raise DeploymentFileError(path, error.message) from error
    _require_addresses(path, [*deployment.addresses.values(), deployment.sequencer])
    return deployment


def load_deployment(path: Path, client: L1Client) -> Deployment:
    """Reads a deployment file and checks it against the chain.

    Raises:
        DeploymentFileError: The file is missing or malformed, or speaks of another L2.
        WrongChainError: The client is connected to another chain.
        NoContractError: There is no code at one of its addresses.
        OtherL1Error: The client is connected to another chain of the same id.
    """
    deployment = read_deployment(path)
    found = client.chain_id()
    if found != deployment.l1_chain_id:
        raise WrongChainError(deployment.l1_chain_id, found)
    for key, name in CONTRACTS.items():
        if not client.code(deployment.addresses[key]):
            raise NoContractError(name, deployment.addresses[key])
    held = Inbox(client, deployment.addresses["inbox"]).rules()
    if (held.chain_id, held.sequencer) != (deployment.l2_chain_id, deployment.sequencer):
        raise DeploymentFileError(
            path, f"the Inbox is of L2 chain {held.chain_id} with the sequencer {held.sequencer}"
        )
    parent = client.block(deployment.block)
    require_parent(deployment, None if parent is None else parent.hash)
    return deployment


def require_parent(deployment: Deployment, found: bytes | None) -> None:
    """Checks that an L1 is the deployment's: chain ids and addresses are alike on every new devnet.

    Args:
        deployment: What the file says.
        found: The L1's hash of the last block before the deployment; None where it has no such block.

    Raises:
        OtherL1Error: It is another hash.
    """
    if found != deployment.block_hash:
        raise OtherL1Error(deployment.block, deployment.block_hash, found)


def _read_rules(content: Any) -> Rules:
    """The rules of a deployment file, where they are text."""
    held: dict[str, Any] = {item.name: _number(content[item.name], 256) for item in fields(Rules)}
    return Rules(**held)


def _bounded_bytes(path: Path) -> bytes:
    """The bytes of a file, a pipe or a device without end.

    Raises:
        ValueError: There are more than a deployment file can have.
    """
    with path.open("rb") as file:
        content = file.read(MOST_FILE_BYTES + 1)
    if len(content) > MOST_FILE_BYTES:
        raise ValueError(f"it has more than {MOST_FILE_BYTES} bytes")
    return content


def _number(value: object, bits: int = 64) -> int:
    """A number of at most so many bits, written as one or as decimal text.

    Raises:
        ValueError: It is something else.
    """
    text = value if isinstance(value, str) else str(value) if type(value) is int else ""
    if not DECIMAL.fullmatch(text) or int(text).bit_length() > bits:
        raise ValueError(f"{str(value)[:80]!r} is no number of {bits} bits")
    return int(text)


def _require_addresses(path: Path, listed: Sequence[object]) -> None:
    for address in listed:
        if not isinstance(address, str) or not is_checksum_address(address):
            raise DeploymentFileError(path, f"{str(address)[:80]!r} is not a checksummed address")
