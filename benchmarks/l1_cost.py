"""What a transaction costs on L1: `python -m benchmarks.l1_cost`; --snapshot keeps the figures for the docs.

Batches of transfers (benchmarks/transfers.py) are packed by what the sequencer packs with, and posted to the
Inbox on anvil in blobs and as calldata. Bytes count everything: heads, table and index; in blobs the
length and the 32nd byte of each field element, in calldata the call's own words.
"""

import json
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

from anh_rollup.encoding.batches import Batch, BatchHeader, encode_batch
from anh_rollup.encoding.blobs import BLOB_SIZE, CARRIED_SIZE, FIELD_ELEMENT_SIZE, LENGTH_SIZE, pack
from anh_rollup.encoding.checks import digest
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Receipt, TransactionRequest
from anh_rollup.primitives import ZERO_DIGEST, BatchNumber
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.fees import FLOOR_TOKEN_GAS, TOKEN_GAS, TRANSFER_GAS, calldata_tokens
from anh_rollup.sequencer.packing import Packer
from anh_rollup.sequencer.poster import most_batch_bytes
from benchmarks.local import local_network
from benchmarks.report import Figure, show
from benchmarks.transfers import Wallets, blocks

ROOT: Final = Path(__file__).resolve().parents[1]
SNAPSHOT: Final = ROOT / "snapshots" / "l1_cost.json"
SEED: Final = 4844

MOST_BYTES, MOST_POSTING_GAS = 115, 80_000

#: More blocks than a batch of six blobs holds.
BLOCKS: Final = 160

#: Transactions of a small batch; and of one that is just below EIP-7623's floor, so that its log counts.
FEW, LOGGED = 500, 20

#: Batches whose stamps share a slot of the Inbox: the first of them writes it anew.
STAMPS_A_SLOT: Final = 4

#: Gas of a byte in a log (yellow paper, G_logdata).
LOG_BYTE_GAS: Final = 8


@dataclass(frozen=True, slots=True)
class Load:
    """A batch to be posted.

    Attributes:
        name: What its transactions are.
        batch: Its blocks.
        payload: Its bytes.
    """

    name: str
    batch: Batch
    payload: bytes

    @classmethod
    def filling(cls, name: str, sealed: Sequence[L2Block], most_bytes: int) -> "Load":
        """The first blocks that fit a batch, as the sequencer takes them."""
        packed = Packer().pack(sealed, most_bytes)
        return cls(name, packed.batch, packed.payload)

    def first(self, count: int) -> "Load":
        """A batch of its first transactions, in one block."""
        block = replace(self.batch.blocks[0], records=self.batch.records[:count])
        batch = replace(self.batch, blocks=(block,))
        return Load(self.name, batch, encode_batch(batch))

    @property
    def count(self) -> int:
        """Its transactions."""
        return len(self.batch.records)

    def each(self, amount: float) -> float:
        """A part of an amount for each transaction."""
        return round(amount / self.count, 1)

    @property
    def blob_bytes(self) -> int:
        """Bytes of the field elements that hold it."""
        return -(-(LENGTH_SIZE + len(self.payload)) // CARRIED_SIZE) * FIELD_ELEMENT_SIZE


class Desk:
    """The Inbox of a local network and the sequencer's account.

    Args:
        inbox: The contract.
        sender: Who may post.
    """

    def __init__(self, inbox: Inbox, sender: TransactionSender) -> None:
        self._inbox = inbox
        self._sender = sender
        self._posted = 0

    def _header(self, batch: Batch) -> BatchHeader:
        previous = digest(self._inbox.commitment(BatchNumber(self._posted)), name="the commitment before")
        number = BatchNumber(self._posted + 1)
        return BatchHeader(number, previous, batch.transactions_root, len(batch.records), ZERO_DIGEST, 0)

    def _send(self, request: TransactionRequest) -> Receipt:
        self._posted += 1
        return self._sender.send(request)

    def post_blobs(self, load: Load) -> Receipt:
        """Posts a batch in blobs."""
        return self._send(self._inbox.post(self._header(load.batch), tuple(pack(load.payload))))

    def post_calldata(self, load: Load) -> tuple[Receipt, bytes]:
        """Posts a batch as calldata; with the call."""
        request = self._inbox.post_calldata(self._header(load.batch), load.payload)
        return self._send(request), request.data


def gas_besides(data: bytes, call: bytes, gas_used: int) -> int:
    """Gas that a call used besides the bytes of `data` in it.

    These cost EIP-7623's floor where the transaction paid that, otherwise their calldata and their log.
    """
    if gas_used == TRANSFER_GAS + FLOOR_TOKEN_GAS * calldata_tokens(call):
        return gas_used - FLOOR_TOKEN_GAS * calldata_tokens(data)
    return gas_used - TOKEN_GAS * calldata_tokens(data) - LOG_BYTE_GAS * len(data)


def figures_in_blobs(desk: Desk, load: Load) -> Iterator[Figure]:
    """A batch that fills six blobs."""
    receipt, name = desk.post_blobs(load), f"{load.name}, six blobs"
    blobs = -(-load.blob_bytes // BLOB_SIZE)
    yield Figure(f"{name}: transactions", "a batch", load.count)
    yield Figure(f"{name}: data", "bytes a transaction", load.each(load.blob_bytes), MOST_BYTES)
    yield Figure(f"{name}: gas besides data", "gas a batch", receipt.gas_used, MOST_POSTING_GAS)
    yield Figure(f"{name}: gas", "gas a transaction", load.each(receipt.gas_used))
    yield Figure(f"{name}: blob gas", "blob gas a transaction", load.each(receipt.blob_gas_used))
    share = round(100 * len(load.payload) / (blobs * BLOB_SIZE), 1)
    yield Figure(f"{name}: part that holds data", "% of the blobs", share)


def mean_of_posts(desk: Desk, load: Load) -> Figure:
    """Gas of a batch in blobs, whatever its place in a slot of stamps."""
    gas = [desk.post_blobs(load).gas_used for _ in range(STAMPS_A_SLOT)]
    name = f"{load.name}, mean of {STAMPS_A_SLOT} in blobs: gas besides data"
    return Figure(name, "gas a batch", round(sum(gas) / len(gas)), MOST_POSTING_GAS)


def figures_in_calldata(
    desk: Desk, load: Load, carrier: str, target: float | None = None
) -> Iterator[Figure]:
    """A batch as calldata."""
    (receipt, call), name = desk.post_calldata(load), f"{load.name}, {carrier}"
    besides = gas_besides(load.payload, call, receipt.gas_used)
    yield Figure(f"{name}: transactions", "a batch", load.count)
    yield Figure(f"{name}: data", "bytes a transaction", load.each(len(call)), target)
    yield Figure(f"{name}: gas besides data", "gas a batch", besides, MOST_POSTING_GAS)
    yield Figure(f"{name}: gas", "gas a transaction", load.each(receipt.gas_used))


def loads(most_bytes: int) -> list[Load]:
    """Batches that fill what carries them, one for each kind of transfer."""
    wallets = Wallets(SEED)
    kinds = {"plain transfer": wallets.ether_transfer, "ERC-20 transfer": wallets.token_transfer}
    return [Load.filling(name, blocks(kind, BLOCKS, SEED), most_bytes) for name, kind in kinds.items()]


def measured(desk: Desk) -> list[Figure]:
    """All figures. A batch comes before them: the first one fills storage that all others find full."""
    found, in_calldata = list[Figure](), loads(most_batch_bytes(blobs=False))
    desk.post_calldata(in_calldata[0])
    for load in loads(most_batch_bytes(blobs=True)):
        found += figures_in_blobs(desk, load)
        few = load.first(FEW)
        name = f"{few.name}, {FEW} in blobs: data"
        found.append(Figure(name, "bytes a transaction", few.each(few.blob_bytes)))
        found.append(mean_of_posts(desk, few))
    for load in in_calldata:
        found += figures_in_calldata(desk, load, "full calldata", MOST_BYTES)
        found += figures_in_calldata(desk, load.first(LOGGED), f"{LOGGED} in calldata")
    return found


def main() -> None:
    """Measures and prints all figures, or writes them to the snapshot."""
    with local_network() as (network, deployment):
        client = network.l1()
        sender = TransactionSender(client, network.accounts["sequencer"])
        figures = measured(Desk(bind(deployment, client).inbox, sender))
    if "--snapshot" in sys.argv[1:]:
        written = {figure.name: figure.value for figure in figures}
        SNAPSHOT.write_text(json.dumps(written, indent=2) + "\n", encoding="utf-8")
    show(figures)


if __name__ == "__main__":
    main()
