"""What can be wrong with a sequencer's memory."""

from pathlib import Path

from anh_rollup.errors import AnhError


class WrongJournalError(AnhError):
    """The journal does not fit the chain that the deployment file names.

    Attributes:
        detail: What does not fit.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"the journal belongs to another chain: {detail}",
            remedy="Use the data folder of this deployment, or an empty one.",
        )
        self.detail = detail


class JournalMissingError(AnhError):
    """The journal is empty though the L2 has batches: heights that were signed could be signed again.

    Attributes:
        batches: How many batches L1 has.
    """

    def __init__(self, batches: int) -> None:
        super().__init__(
            f"the journal is empty, and L1 has {batches} batches",
            remedy="Use the data folder of the earlier run; only if every block that it signed is on L1, "
            "start with --new-journal.",
        )
        self.batches = batches


class JournalCorruptError(AnhError):
    """The journal's database is damaged, or a row of it is none that was written.

    Attributes:
        path: The journal's file.
        detail: What is wrong.
    """

    def __init__(self, path: Path, detail: str) -> None:
        super().__init__(
            f"the journal {path} is corrupt: {detail}",
            remedy="Restore the file from a copy; if every block that it signed is on L1, start with "
            "--new-journal and an empty data folder.",
        )
        self.path = path
        self.detail = detail
