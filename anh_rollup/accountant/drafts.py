"""Drafts: a claim is kept before its commitment is sent, so that a crash cannot lose the bond behind it."""

import logging
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from eth_account.signers.local import LocalAccount

from anh_rollup.encoding.checks import UINT256_MOST, digest, in_range
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.protocol.claims import (
    Claim,
    ClaimMalformedError,
    claim_id,
    commitment,
    decode_claim,
    encode_claim,
)
from anh_rollup.protocol.jobs import Job, JobMalformedError, decode_job, encode_job
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import ArtifactCorruptError

#: What an account's salt secret is derived with; changing it orphans open commitments.
SALT_DOMAIN = b"ANH claim salt"

#: A draft's name in the store; other files in its folder are nobody's.
NAME: Final = re.compile("claim-([0-9a-f]{64})")

LOG = logging.getLogger(__name__)


class DraftCorruptError(AnhError):
    """A draft's document is not the one that was kept.

    Attributes:
        transaction: keccak of the record of the job's transaction.
        reason: What is wrong with it.
    """

    def __init__(self, transaction: bytes, reason: str) -> None:
        super().__init__(
            f"the draft for job 0x{transaction.hex()} is corrupt: {reason[:200]}",
            remedy="Restore its file from a copy: without it a commitment that is open cannot be revealed.",
        )
        self.transaction = transaction
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Draft:
    """A claim that is ready to be committed, or that was.

    Attributes:
        claim: The claim.
        job: The job that it names.
        salt: The commitment's salt.
        reward: Wei that the job pays.
    """

    claim: Claim
    job: Job
    salt: bytes
    reward: int

    @property
    def identifier(self) -> bytes:
        """The claim's id."""
        return claim_id(self.claim)

    @property
    def commitment(self) -> bytes:
        """What is committed."""
        return commitment(self.identifier, self.salt)


def salt_for(account: LocalAccount, claim: Claim) -> bytes:
    """A salt that nobody else can guess, and that the same key finds again: nothing has to be remembered."""
    secret = keccak256(SALT_DOMAIN + bytes(account.key))
    return keccak256(secret + claim_id(claim))


class Drafts:
    """The drafts in a store, one for each job."""

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store

    def save(self, draft: Draft) -> None:
        """Keeps a draft; it is on the disk when this returns."""
        document = {
            "claim": encode_claim(draft.claim).hex(),
            "job": encode_job(draft.job).hex(),
            "salt": draft.salt.hex(),
            "reward": str(draft.reward),
        }
        self._store.put_draft(_name(draft.claim.transaction), document)

    def load(self, transaction: bytes) -> Draft | None:
        """The draft for a job, or None.

        Raises:
            DraftCorruptError: Something else is kept under its name.
            ArtifactError: The store cannot be read, or holds no document there.
        """
        document = self._store.get_draft(_name(transaction))
        return None if document is None else _read_draft(transaction, document)

    def all(self) -> Iterator[Draft]:
        """Every draft that was kept; one that is corrupt is told and left out, the others count."""
        for name in self._store.drafts():
            found = NAME.fullmatch(name)
            if found is None:
                continue
            try:
                draft = self.load(bytes.fromhex(found[1]))
            except (DraftCorruptError, ArtifactCorruptError) as error:
                LOG.warning("%s; next: %s", error.message, error.remedy)
                continue
            if draft is not None:
                yield draft


def _read_draft(transaction: bytes, document: Mapping[str, Any]) -> Draft:
    try:
        draft = Draft(
            decode_claim(bytes.fromhex(document["claim"])),
            decode_job(bytes.fromhex(document["job"])),
            digest(bytes.fromhex(document["salt"]), name="the salt"),
            in_range(int(document["reward"]), 0, UINT256_MOST, name="the reward"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DraftCorruptError(transaction, f"{type(error).__name__}: {error}") from error
    except (EncodingError, ClaimMalformedError, JobMalformedError) as error:
        raise DraftCorruptError(transaction, error.message) from error
    if draft.claim.transaction != transaction:
        raise DraftCorruptError(transaction, "it is the draft of another job")
    return draft


def _name(transaction: bytes) -> str:
    return f"claim-{transaction.hex()}"
