"""What L1 says about withdrawals, without an L1: a final claim, a refuted one, and one account's leaf."""

from dataclasses import replace
from typing import Any, Final

from eth_utils.address import to_checksum_address

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.contracts.ledger_claims import LedgerClaims, LedgerClaimState
from anh_rollup.l1.ledger_docket import LedgerClaimRecord
from anh_rollup.l1.ledger_watch import LedgerSnapshot
from anh_rollup.primitives import Address, BatchNumber, Wei
from anh_rollup.protocol.ledger_claims import GENESIS_BASE, LedgerClaim, ledger_claim_id
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.tree import LedgerTree, account_key
from anh_rollup.protocol.machine.witnesses import NO_MACHINE
from tests.doubles.memory_l1 import ADDRESSES, OWNER

NO_CLIENT: Any = None

CONTRACT: Final = LedgerClaims(NO_CLIENT, ADDRESSES["ledger_claims"])

NEIGHBOUR: Final = Address(b"\x99" * 20)
"""An account that is in the ledger, too."""


def claim_record(machine: Machine, state: LedgerClaimState, **fields: Any) -> LedgerClaimRecord:
    """A claim that ends in a machine."""
    claim = LedgerClaim(
        claimant=OWNER,
        base=GENESIS_BASE,
        batch=machine.batch,
        batch_commitment=keccak256(b"a commitment"),
        steps=9,
        trace=keccak256(b"a trace"),
        start=keccak256(b"a start"),
        end=machine.hash,
    )
    return LedgerClaimRecord(ledger_claim_id(claim), claim, machine, state, **fields)


def snapshot(account: Address, withdrawn: int, paid: int) -> LedgerSnapshot:
    """An account has taken out `withdrawn` wei up to a final claim, and was paid some of it."""
    tree = LedgerTree().update(account_key(NEIGHBOUR), (1, 5, 0))
    tree = tree.update(account_key(account), (2, 10**17, withdrawn))
    machine = replace(NO_MACHINE, batch=BatchNumber(3), ledger=tree.root)
    final = claim_record(machine, LedgerClaimState.FINAL)
    lie = claim_record(replace(machine, height=8), LedgerClaimState.REFUTED, refuter=OWNER)
    return LedgerSnapshot(CONTRACT, (final, lie), {to_checksum_address(account): Wei(paid)}, final, tree)
