"""Drafts: a claim is kept before its commitment is sent, so that a crash cannot lose the bond behind it."""

from collections.abc import Iterator
from dataclasses import dataclass

from eth_account.signers.local import LocalAccount
from eth_utils.crypto import keccak

from anh_rollup.protocol.claims import Claim, claim_id, commitment, decode_claim, encode_claim
from anh_rollup.protocol.jobs import Job, decode_job, encode_job
from anh_rollup.storage.artifacts import ArtifactStore

#: What an account's salt secret is derived with; changing it orphans open commitments.
SALT_DOMAIN = b"ANH claim salt"


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
    secret = keccak(SALT_DOMAIN + bytes(account.key))
    return keccak(secret + claim_id(claim))


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
        """The draft for a job, or None."""
        document = self._store.get_draft(_name(transaction))
        if document is None:
            return None
        return Draft(
            decode_claim(bytes.fromhex(document["claim"])),
            decode_job(bytes.fromhex(document["job"])),
            bytes.fromhex(document["salt"]),
            int(document["reward"]),
        )

    def all(self) -> Iterator[Draft]:
        """Every draft that was kept."""
        for name in self._store.drafts():
            draft = self.load(bytes.fromhex(name.removeprefix("claim-")))
            if draft is not None:
                yield draft


def _name(transaction: bytes) -> str:
    return f"claim-{transaction.hex()}"
