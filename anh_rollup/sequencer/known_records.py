"""Transactions that were decoded here already: reading an own batch back recovers no sender again."""

from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.primitives import ChainId
from anh_rollup.protocol.ledger import decode_or_none


class KnownRecords:
    """Admitted records with their transactions, each until it is read back; usable from several threads."""

    def __init__(self) -> None:
        self._known: dict[bytes, SignedTransaction] = {}

    def note(self, record: bytes, transaction: SignedTransaction) -> None:
        """Keeps a transaction with the record that `encode_record` wrote for it."""
        self._known[record] = transaction

    def decode(self, record: bytes, chain_id: ChainId) -> SignedTransaction | None:
        """What `decode_or_none` says of a record; a known one is forgotten with the answer."""
        return self._known.pop(record, None) or decode_or_none(record, chain_id)
