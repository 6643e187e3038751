"""What can be wrong with a sequencer's memory."""

from anh_rollup.errors import AnhError


class JournalBehindError(AnhError):
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
