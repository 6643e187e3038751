"""Showing L1 that the sequencer has signed two blocks of one height."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from eth_utils.address import to_checksum_address

from anh_rollup.errors import AnhError
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.deployment import Deployment, bind
from anh_rollup.l1.errors import L1RevertedError, is_unsealed
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.types import Receipt, TransactionRequest
from anh_rollup.primitives import BlockNumber, Digest, Wei
from anh_rollup.protocol.claims import seal
from anh_rollup.protocol.soft_confirmation import confirmation_digest, confirmation_signer

#: Seconds between two looks whether L1 has another block, and how often it is looked: two minutes (choice).
PAUSE, MOST_LOOKS = 1.0, 120


class NoProofError(AnhError):
    """Two signatures that cost nobody anything; nothing is sent.

    Attributes:
        reason: Why they do not.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the signatures show nothing: {reason}",
            remedy="Give both blocks of one height with the sequencer's signatures, as a follower logs them.",
        )
        self.reason = reason


class NoStakeError(AnhError):
    """A sequencer without a stake; nothing is sent."""

    def __init__(self) -> None:
        super().__init__(
            "the sequencer has nothing at stake",
            remedy="Do not rely on its signatures; the order that L1 has is not touched by them.",
        )


@dataclass(frozen=True, slots=True)
class SignedBlock:
    """A block that the sequencer is said to have signed.

    Attributes:
        hash: Its hash.
        signature: r, s, v.
    """

    hash: Digest
    signature: bytes


def slash(
    deployment: Deployment,
    sender: TransactionSender,
    height: BlockNumber,
    blocks: tuple[SignedBlock, SignedBlock],
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Wei, Wei]:
    """Takes the stake: announces the call, waits for the next L1 block, and makes it.

    Args:
        deployment: Where the contracts are.
        sender: Who reports it.
        height: The blocks' height.
        blocks: Two blocks with their signatures.
        sleep: How to wait (tests replace it).

    Returns:
        The stake that was taken, and the part of it that is credited to the sender.

    Raises:
        NoProofError: One signature is not the sequencer's, or both blocks are one.
        NoStakeError: There is nothing to take.
        L1Error: L1 cannot be reached, or somebody else was first.
    """
    require_proof(deployment, height, blocks)
    contracts = bind(deployment, sender.client)
    inbox = contracts.inbox
    staked = inbox.staked()
    if not staked:
        raise NoStakeError
    (one, other), before = blocks, contracts.bonds.credit_of(sender.address)
    call = inbox.slash(height, (one.hash, one.signature), (other.hash, other.signature))
    _announce(inbox, sender, call)
    _make(sender, call, sleep)
    return staked, Wei(contracts.bonds.credit_of(sender.address) - before)


def require_proof(
    deployment: Deployment, height: BlockNumber, blocks: tuple[SignedBlock, SignedBlock]
) -> None:
    """Checks what L1 would check.

    Raises:
        NoProofError: L1 would refuse it.
    """
    if blocks[0].hash == blocks[1].hash:
        raise NoProofError("they are over one block")
    for each in blocks:
        inbox = deployment.addresses["inbox"]
        digest = confirmation_digest(deployment.l2_chain_id, inbox, height, each.hash)
        signer = confirmation_signer(digest, each.signature)
        if signer is None or to_checksum_address(signer) != deployment.sequencer:
            raise NoProofError(f"that of block 0x{each.hash.hex()} is not {deployment.sequencer}'s")


def _announce(inbox: Inbox, sender: TransactionSender, call: TransactionRequest) -> None:
    """Seals the call, if an earlier attempt did not: nobody can take the proof from the pool and be first."""
    digest = seal(sender.address, call.data)
    if not inbox.sealed_at(digest):
        sender.send(inbox.seal(digest))


def _make(sender: TransactionSender, call: TransactionRequest, sleep: Callable[[float], None]) -> Receipt:
    """Makes a sealed call once L1 is a block further."""
    for _ in range(MOST_LOOKS):
        try:
            return sender.send(call)
        except L1RevertedError as error:
            if not is_unsealed(error):
                raise
        sleep(PAUSE)
    return sender.send(call)
