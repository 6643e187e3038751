"""Drafts: a claim is kept before its commitment is sent, so that a crash cannot lose the bond behind it."""

import logging
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import orjson
from eth_account.signers.local import LocalAccount

from anh_rollup.accountant.attempts import Attempts
from anh_rollup.encoding.checks import UINT256_MOST, digest, in_range
from anh_rollup.encoding.errors import EncodingError
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.primitives import Wei
from anh_rollup.protocol.claims import (
    Claim,
    ClaimMalformedError,
    claim_id,
    commitment,
    decode_claim,
    encode_claim,
)
from anh_rollup.protocol.jobs import Job, JobMalformedError, decode_job, encode_job
from anh_rollup.storage.errors import ArtifactTooLargeError
from anh_rollup.storage.files import FileStore

#: What an account's salt secret is derived with; changing it orphans open commitments.
SALT_DOMAIN: Final = b"ANH claim salt"

#: The folder of the drafts, and most bytes of one (choice: a claim and its job take a few KiB).
FOLDER: Final = "drafts"
MOST_BYTES: Final = 1 << 20

#: A draft's name there; other files in its folder are nobody's.
#: A second part is the commitment of a claim that another one of the same job replaced.
NAME: Final = re.compile("claim-([0-9a-f]{64})(?:-[0-9a-f]{64})?")

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
    reward: Wei

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
    """The drafts below a base URL, one for each job, and those that it replaced: their bonds may still be in.

    Args:
        base_url: A folder, or a URL that fsspec knows; the drafts are in its folder `drafts`.

    Attributes:
        attempts: How often jobs were begun that have no draft yet.
    """

    def __init__(self, base_url: str | Path) -> None:
        self._files = FileStore(str(base_url))
        self.attempts = Attempts(self._files)

    def save(self, draft: Draft) -> None:
        """Keeps a draft; it is on the disk when this returns. A replaced one stays until the job is over.

        Raises:
            DraftCorruptError: Something else is kept under its name.
            StoreUnreachableError: The place cannot be written.
        """
        path = _path(draft.claim.transaction)
        earlier = self.load(draft.claim.transaction)
        if earlier is not None and earlier.commitment != draft.commitment:
            self._write(f"{path}-{earlier.commitment.hex()}", earlier)
        self._write(path, draft)

    def _write(self, name: str, draft: Draft) -> None:
        document = {
            "claim": encode_claim(draft.claim).hex(),
            "job": encode_job(draft.job).hex(),
            "salt": draft.salt.hex(),
            "reward": str(draft.reward),
        }
        self._files.write(name, orjson.dumps(document, option=orjson.OPT_SORT_KEYS))

    def load(self, transaction: bytes) -> Draft | None:
        """The draft for a job, or None.

        Raises:
            DraftCorruptError: Something else is kept under its name.
            StoreUnreachableError: The place cannot be read.
        """
        return self._load(_path(transaction), transaction)

    def _load(self, name: str, transaction: bytes) -> Draft | None:
        try:
            content = self._files.read(name, MOST_BYTES)
        except ArtifactTooLargeError as error:
            raise DraftCorruptError(transaction, error.message) from error
        return None if content is None else _read_draft(transaction, content)

    def remove(self, transaction: bytes) -> None:
        """Lets go of all drafts for a job; nothing happens where there is none.

        Raises:
            StoreUnreachableError: The place cannot be written.
        """
        for name in list(self._files.names(FOLDER)):
            found = NAME.fullmatch(name)
            if found is not None and found[1] == transaction.hex():
                self._files.remove(f"{FOLDER}/{name}")

    def all(self) -> Iterator[Draft]:
        """Every draft that was kept; one that is corrupt is told and left out, the others count.

        Raises:
            StoreUnreachableError: The place cannot be read.
        """
        for name in self._files.names(FOLDER):
            found = NAME.fullmatch(name)
            if found is None:
                continue
            try:
                draft = self._load(f"{FOLDER}/{name}", bytes.fromhex(found[1]))
            except DraftCorruptError as error:
                LOG.warning("%s; next: %s", error.message, error.remedy)
                continue
            if draft is not None:
                yield draft


def _read_draft(transaction: bytes, content: bytes) -> Draft:
    try:
        document = orjson.loads(content)
        draft = Draft(
            decode_claim(bytes.fromhex(document["claim"])),
            decode_job(bytes.fromhex(document["job"])),
            digest(bytes.fromhex(document["salt"]), name="the salt"),
            Wei(in_range(int(document["reward"]), 0, UINT256_MOST, name="the reward")),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise DraftCorruptError(transaction, f"{type(error).__name__}: {error}") from error
    except (EncodingError, ClaimMalformedError, JobMalformedError) as error:
        raise DraftCorruptError(transaction, error.message) from error
    if draft.claim.transaction != transaction:
        raise DraftCorruptError(transaction, "it is the draft of another job")
    return draft


def _path(transaction: bytes) -> str:
    return f"{FOLDER}/claim-{transaction.hex()}"
