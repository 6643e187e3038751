"""What can be wrong with a follower's data folder, with the sequencer that it asks, and with what it says."""

from enum import StrEnum
from pathlib import Path

from anh_rollup.errors import AnhError


class WrongDataError(AnhError):
    """The data folder does not fit the chain that the deployment file names.

    Attributes:
        path: The file.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            f"{path} belongs to another chain",
            remedy="Use the data folder of this deployment, or an empty one: all of it is rebuilt from L1.",
        )
        self.path = path


class MemoryCorruptError(AnhError):
    """A follower's database is damaged, or a row of it is none that was written.

    Attributes:
        path: The file.
        detail: What is wrong.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"the database {path} is corrupt: {detail}",
            remedy="Remove the data folder and start again: all of it is rebuilt from L1.",
        )
        self.path = path
        self.detail = detail


class SequencerError(AnhError):
    """The sequencer cannot be followed now; L1 still can."""


class SequencerUnreachableError(SequencerError):
    """The sequencer gave no whole answer in time.

    Attributes:
        host: Its host and port.
        cause: What the attempt ran into.
    """

    def __init__(self, host: str, cause: str) -> None:
        super().__init__(
            f"the sequencer at {host} does not answer: {cause}",
            remedy="Wait for it, or put the transaction into the Inbox's queue on L1 (Inbox.force).",
        )
        self.host = host
        self.cause = cause


class SequencerAnswerError(SequencerError):
    """The sequencer's answer is not what its method promises.

    Attributes:
        host: Its host and port.
        detail: What is wrong with it.
    """

    def __init__(self, host: str, detail: str) -> None:
        super().__init__(
            f"the sequencer at {host} answered {detail}",
            remedy="Check that --l2 is the JSON-RPC of this rollup's `anh sequencer`.",
        )
        self.host = host
        self.detail = detail


class NoSequencerError(SequencerError):
    """A transaction was sent to a follower that knows no sequencer."""

    def __init__(self) -> None:
        super().__init__(
            "this follower knows no sequencer to hand transactions to",
            remedy="Start it with --l2, send to the sequencer itself, or use Inbox.force on L1.",
        )


class RefusalReason(StrEnum):
    """Why a block of the sequencer's is not taken."""

    MALFORMED = "its bytes are no block"
    GAP = "it is not the next block"
    PARENT = "it continues another block"
    BACKWARDS = "its time or its L1 origin goes back, so L1 would not count it"
    SIGNATURE = "it is not signed by the sequencer, or L1 holds another queue than it took in"
    TOO_MANY = "too many blocks wait for L1"


class RefusedBlockError(SequencerError):
    """A block that the sequencer gave cannot be part of the order.

    Attributes:
        number: The height that was asked for.
        reason: Why.
    """

    def __init__(self, number: int, reason: RefusalReason) -> None:
        super().__init__(
            f"block {number} of the sequencer is not taken: {reason}",
            remedy="Wait for L1, which decides; check --l2 if this stays.",
        )
        self.number = number
        self.reason = reason
