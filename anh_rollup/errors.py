"""The one root of every error that this package raises on purpose."""

from typing import Final

MOST_MESSAGE: Final = 1_000
"""Characters of a message: a stranger's bytes must not fill a screen, an answer or a log."""


class AnhError(Exception):
    """Something went wrong in a way that its reader can act on.

    Attributes:
        message: What happened, in one sentence with the values that matter; cut where it is too long.
        remedy: What to do next.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        self.message = message if len(message) <= MOST_MESSAGE else f"{message[: MOST_MESSAGE - 3]}..."
        super().__init__(self.message)
        self.remedy = remedy
