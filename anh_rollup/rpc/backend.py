"""What the JSON-RPC server asks of the node behind it; the sequencer fits."""

from collections.abc import Sequence
from typing import Protocol

from anh_rollup.encoding.batches import Header
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.l1.deployment import Deployment
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.posted_batch import PostedBatch
from anh_rollup.primitives import Address, BlockNumber, Digest, Gas, Wei
from anh_rollup.protocol.admission import RejectedError
from anh_rollup.protocol.derivation import Head, L2Block, Placement
from anh_rollup.protocol.ledger import Account, Outcome


class Chain(Protocol):
    """Sealed blocks and accepted transactions; see `SequencerChain` for the meaning of each member."""

    @property
    def genesis(self) -> Header:
        """The genesis block's header."""

    @property
    def head(self) -> Head:
        """The last sealed block."""

    @property
    def safe_number(self) -> BlockNumber:
        """Height of the last block that is on L1."""

    @property
    def next_base_fee(self) -> Wei:
        """Wei a gas of the next block."""

    @property
    def waiting(self) -> int:
        """Accepted transactions without a block."""

    def block(self, number: BlockNumber) -> L2Block | None:
        """A sealed block."""

    def number_of(self, digest: Digest) -> BlockNumber | None:
        """The height of a sealed block, by its hash."""

    def ordered_gas(self, number: BlockNumber) -> Gas:
        """Gas that a sealed block ordered."""

    def fee_history(self, first: BlockNumber, last: BlockNumber) -> tuple[list[Wei], list[float]]:
        """Base fees (one more than blocks), and the fullness of each block."""

    def outcomes(self, number: BlockNumber) -> Sequence[Outcome]:
        """What came of a sealed block's transactions."""

    def placement(self, digest: Digest) -> Placement | None:
        """Where an accepted transaction stands."""

    def account(self, address: Address, *, pending: bool) -> Account:
        """An account of the ledger."""

    def escrow(self, job: Digest) -> Wei | None:
        """Wei in escrow for a job."""


class Backend(Protocol):
    """A node that orders."""

    @property
    def deployment(self) -> Deployment:
        """Where the contracts are."""

    @property
    def chain(self) -> Chain:
        """Its chain."""

    @property
    def reader(self) -> OrderReader:
        """The order that L1 holds."""

    def submit(self, raws: Sequence[bytes]) -> Sequence[SignedTransaction | RejectedError]:
        """Admits signed transactions; they are on the disk when this returns."""

    @property
    def finalized_number(self) -> BlockNumber:
        """Height of the last block whose batch is in an L1 block that is final."""

    def confirm(self, number: BlockNumber, block_hash: Digest) -> bytes | None:
        """The soft confirmation of a sealed block; None where another block of its height was signed."""

    def batch_of(self, block: BlockNumber) -> PostedBatch | None:
        """The batch on L1 that holds a block."""

    def inclusion(self, placement: Placement) -> tuple[PostedBatch, int, list[bytes]] | None:
        """Batch, place and Merkle proof of a transaction."""
