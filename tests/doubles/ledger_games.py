"""Games about the ledger as the contract opens them."""

from anh_rollup.encoding.merkle import depth_of
from anh_rollup.protocol.ledger_claims import LedgerClaim, LedgerPhase, LedgerPosition, ledger_claim_id


def first_position(claim: LedgerClaim, challenger: str) -> LedgerPosition:
    """Where a game over a claim begins: the nodes below the trace's root are to be revealed."""
    leaves = claim.steps + 1
    return LedgerPosition(
        claim=ledger_claim_id(claim),
        claimant=claim.claimant,
        challenger=challenger,
        batch=claim.batch,
        trace=claim.trace,
        leaves=leaves,
        phase=LedgerPhase.REVEAL,
        node=claim.trace,
        level=depth_of(leaves),
        index=0,
    )
