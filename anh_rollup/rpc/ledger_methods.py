"""Methods about what leaves the L2: the ledger claims on L1, and what an account may withdraw."""

from collections.abc import Sequence
from typing import Any, Final

from anh_rollup.l1.ledger_docket import LedgerClaimRecord
from anh_rollup.l1.ledger_watch import LedgerSnapshot
from anh_rollup.rpc.errors import Code, RpcError
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import data, quantity, read_address

MOST_CLAIMS: Final = 100
"""Ledger claims in one answer (choice); each has a bond, so these are the news of hours at least."""


def ledger_claims(service: WorldService, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """anh_getLedgerClaims: the claims about the ledger on L1, newest first."""
    exactly(parameters, 0)
    claims = _snapshot(service).claims[-MOST_CLAIMS:]
    return [_claim(each) for each in reversed(claims)]


def withdrawal(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any]:
    """anh_getWithdrawal: what L1 has paid an account, what it may be paid now, and the call that pays it."""
    (text,) = exactly(parameters, 1)
    owner, known = read_address(text, "the address"), _snapshot(service)
    request = known.withdrawal(owner)
    call = None if request is None else {"to": request.to, "data": data(request.data)}
    return {
        "paid": quantity(known.paid_to(owner)),
        "payable": quantity(known.payable(owner)),
        "claim": None if known.final is None else data(known.final.identifier),
        "call": call,
    }


def _snapshot(service: WorldService) -> LedgerSnapshot:
    known = service.ledger()
    if known is None:
        remedy = "Ask again in a while; the node's log says what it waits for."
        raise RpcError(Code.UNAVAILABLE, "the ledger claims are not read yet", remedy=remedy)
    return known


def _claim(record: LedgerClaimRecord) -> dict[str, Any]:
    claim = record.claim
    return {
        "id": data(record.identifier),
        "claimant": claim.claimant,
        "base": data(claim.base),
        "batch": quantity(claim.batch),
        "batchCommitment": data(claim.batch_commitment),
        "steps": quantity(claim.steps),
        "trace": data(claim.trace),
        "start": data(claim.start),
        "end": data(claim.end),
        "ledger": data(record.machine.ledger),
        "state": record.state.name.lower(),
        "refuter": record.refuter or None,
    }
