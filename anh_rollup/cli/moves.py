"""What happened on L1, transaction by transaction: who called what, and the gas that it took."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anh_rollup.cli.l1_view import L1View
from anh_rollup.l1 import wire
from anh_rollup.l1.abi import artifact_names, load_artifact, signature_hash
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import CONTRACTS, Deployment
from anh_rollup.l1.types import Receipt, Transaction


@dataclass(frozen=True, slots=True)
class Call:
    """A mined L1 transaction.

    Attributes:
        block: Number of its block.
        sender: Checksummed address.
        function: `Contract.function`, `deploy Contract`, or `transfer`.
        gas: Gas used.
        blob_gas: Blob gas used.
        cost: Wei paid, without the value.
        succeeded: False where it was reverted.
    """

    block: int
    sender: str
    function: str
    gas: int
    blob_gas: int
    cost: int
    succeeded: bool


@dataclass(frozen=True, slots=True)
class GameMove:
    """A move of a game.

    Attributes:
        block: Number of its block.
        side: Accountant, challenger, or "anyone".
        function: The function that made it.
        gas: Gas used.
    """

    block: int
    side: str
    function: str
    gas: int


@dataclass(frozen=True, slots=True)
class Moves:
    """The moves of one game, oldest first."""

    moves: tuple[GameMove, ...]

    def gas_by_side(self) -> dict[str, int]:
        """Gas of each side."""
        sums: dict[str, int] = {}
        for move in self.moves:
            sums[move.side] = sums.get(move.side, 0) + move.gas
        return sums


def calls_between(client: L1Client, deployment: Deployment, first: int, last: int) -> list[Call]:
    """Every transaction of some L1 blocks, both ends included, in order.

    Raises:
        L1Error: L1 cannot be read.
    """
    found: list[Call] = []
    for number in range(first, last + 1):
        answer = client.transport.request("eth_getBlockByNumber", hex(number), True)
        block = wire.members(f"block {number}", answer)
        listed = wire.items(f"the transactions of block {number}", block.get("transactions"))
        found.extend(_call(client, deployment, wire.transaction(item)) for item in listed)
    return found


def moves_of(view: L1View, game: bytes) -> Moves:
    """The moves of a game, with what each transaction cost.

    Raises:
        L1Error: L1 cannot be read.
    """
    record = view.game(game)
    sides = {record.position.accountant: "accountant", record.position.challenger: "challenger"}
    found: dict[bytes, GameMove] = {}
    for emitted in view.events:
        digest = emitted.log.transaction
        if getattr(emitted.event, "game", None) != game or digest in found:
            continue
        transaction, receipt = view.client.transaction(digest), view.client.receipt(digest)
        if transaction is None or receipt is None:
            continue
        side = sides.get(transaction.sender, "anyone")
        name = function_name(view.deployment, transaction, receipt).rpartition(".")[2]
        found[digest] = GameMove(receipt.block, side, name, receipt.gas_used)
    return Moves(tuple(found.values()))


def function_name(deployment: Deployment, transaction: Transaction, receipt: Receipt) -> str:
    """What a transaction did, by the contract that it called or created."""
    contracts = {address: CONTRACTS[key] for key, address in deployment.addresses.items()}
    if receipt.contract is not None:
        return f"deploy {contracts.get(receipt.contract, receipt.contract[:10])}"
    contract = contracts.get(transaction.to or "")
    if contract is None:
        return "transfer" if not transaction.data else "call"
    selector = transaction.data[:4]
    return f"{contract}.{selectors(contract).get(selector, '0x' + selector.hex())}"


def selectors(contract: str) -> Mapping[bytes, str]:
    """The functions of a shipped contract by selector."""
    if contract not in artifact_names():
        return {}
    entries: list[Mapping[str, Any]] = [
        entry for entry in load_artifact(contract).entries if entry["type"] == "function"
    ]
    return {signature_hash(entry)[:4]: str(entry["name"]) for entry in entries}


def _call(client: L1Client, deployment: Deployment, transaction: Transaction) -> Call:
    receipt = client.receipt(transaction.hash)
    if receipt is None:
        return Call(transaction.block or 0, transaction.sender, "(no receipt)", 0, 0, 0, succeeded=False)
    return Call(
        block=receipt.block,
        sender=transaction.sender,
        function=function_name(deployment, transaction, receipt),
        gas=receipt.gas_used,
        blob_gas=receipt.blob_gas_used,
        cost=receipt.cost,
        succeeded=receipt.succeeded,
    )
