"""The `anh_` methods: the order, the ledger, jobs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final

from anh_rollup.encoding.batches import BatchHeader
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import SignedTransaction
from anh_rollup.protocol.derivation import Placement
from anh_rollup.protocol.jobs import Job, JobMalformedError, decode_order
from anh_rollup.protocol.ledger import Account, Charged, Effect, Skipped
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import invalid_params
from anh_rollup.rpc.ethereum import Handler, describe
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.signed_blocks import signed_blocks
from anh_rollup.rpc.wire import address, data, quantity, read_address, read_digest


def ledger_account(backend: Backend, parameters: Sequence[Any]) -> dict[str, str]:
    """anh_getLedgerAccount: nonce, cleared and withdrawn wei, after `latest` (default) or `pending`."""
    owner, tag = exactly(parameters, 1, 2)
    if tag not in (None, "latest", "pending"):
        raise invalid_params("the second parameter is latest or pending")
    account = backend.chain.account(read_address(owner, "the address"), pending=tag == "pending")
    return account_object(account)


def account_object(account: Account) -> dict[str, str]:
    """A ledger account with its fields by their names."""
    return {
        "nonce": quantity(account.nonce),
        "cleared": quantity(account.cleared),
        "withdrawn": quantity(account.withdrawn),
    }


def position(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """anh_getPosition: where a transaction stands, signed by the sequencer; null until it has a block.

    One that waits for those with lower nonces has no place in the order, and may never have one.
    """
    placed = _placement(backend, parameters)
    if placed is None:
        return None
    block = placed.block
    if block is None:
        return {"waiting": "nonce"} if waits_for_nonce(backend, placed.transaction) else None
    batch, included = backend.batch_of(block.number), backend.inclusion(placed)
    signature = backend.confirm(block.number, block.hash)
    return {
        **describe(placed),
        "recordHash": data(keccak256(placed.record)),
        "signature": None if signature is None else data(signature),
        "sequencer": backend.deployment.sequencer,
        "forced": placed.index < block.forced,
        "skipped": str(placed.outcome.reason) if isinstance(placed.outcome, Skipped) else None,
        "batch": None if batch is None else quantity(batch.header.number),
        "indexInBatch": None if included is None else quantity(included[1]),
    }


def waits_for_nonce(backend: Backend, transaction: SignedTransaction) -> bool:
    """Whether an accepted transaction without a block is behind a gap of nonces."""
    return backend.chain.account(transaction.sender, pending=True).nonce <= transaction.nonce


def inclusion_proof(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """anh_getInclusionProof: record, batch header and Merkle proof; null until a batch on L1 holds it."""
    placed = _placement(backend, parameters)
    included = None if placed is None else backend.inclusion(placed)
    if placed is None or included is None:
        return None
    batch, place, proof = included
    return {
        "record": data(placed.record),
        "index": quantity(place),
        "proof": [data(node) for node in proof],
        "batch": batch_header(batch.header),
        "commitment": data(batch.commitment),
        "l1Transaction": data(batch.transaction),
    }


def batch_header(header: BatchHeader) -> dict[str, str]:
    """What the Inbox committed to."""
    return {
        "number": quantity(header.number),
        "previous": data(header.previous),
        "transactionsRoot": data(header.transactions_root),
        "count": quantity(header.count),
        "data": data(header.data),
        "forcedEnd": quantity(header.forced_end),
    }


def job(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """anh_getJob: a job by its transaction's hash, with its reward's whereabouts; null if there is none."""
    placed = _placement(backend, parameters)
    if placed is None:
        return None
    try:
        ordered = decode_order(placed.transaction.data)
    except JobMalformedError:
        return None
    record_hash = keccak256(placed.record)
    effective = isinstance(placed.outcome, Charged) and placed.outcome.effect is Effect.ORDER
    held = backend.chain.escrow(record_hash)
    state = "waiting" if placed.block is None else "without effect"
    if effective:
        state = "open" if held is not None else "settled"
    return {
        **describe(placed),
        "recordHash": data(record_hash),
        "payer": address(placed.transaction.sender),
        "reward": quantity(placed.transaction.value),
        "state": state,
        "job": job_object(ordered),
    }


def sync_status(backend: Backend, parameters: Sequence[Any]) -> dict[str, Any]:
    """anh_syncStatus: heads on L2 and L1, and which deployment the node follows."""
    exactly(parameters, 0)
    chain, reader, deployment = backend.chain, backend.reader, backend.deployment
    head = chain.head.header
    return {
        "head": {"number": quantity(head.number), "hash": data(head.hash)},
        "safe": quantity(chain.safe_number),
        "finalized": quantity(backend.finalized_number),
        "waiting": quantity(chain.waiting),
        "batches": quantity(len(reader.batches)),
        "l1": {"number": quantity(reader.cursor.number), "hash": data(reader.cursor.hash)},
        "l1Origin": quantity(head.origin_number),
        "inbox": deployment.addresses["inbox"],
        "l1Start": {"number": quantity(deployment.block), "hash": data(deployment.block_hash)},
    }


def _placement(backend: Backend, parameters: Sequence[Any]) -> Placement | None:
    (digest,) = exactly(parameters, 1)
    return backend.chain.placement(read_digest(digest, "the transaction hash"))


def job_object(ordered: Job) -> dict[str, Any]:
    """A job with its fields by their names."""
    return {
        "kind": ordered.kind.name.lower(),
        "architecture": data(ordered.architecture),
        "model": data(ordered.model),
        "properties": [
            {"program": data(each.program), "dataset": data(each.dataset), "threshold": str(each.threshold)}
            for each in ordered.properties
        ],
        "deadline": quantity(ordered.deadline),
        "uri": ordered.uri.encode("utf-8", "replace").decode(),
    }


METHODS: Final[Mapping[str, Handler]] = {
    "anh_getLedgerAccount": ledger_account,
    "anh_getPosition": position,
    "anh_getInclusionProof": inclusion_proof,
    "anh_getJob": job,
    "anh_getSignedBlocks": signed_blocks,
    "anh_syncStatus": sync_status,
}
"""The rollup's own methods."""
