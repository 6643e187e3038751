"""The one root of every error that this package raises on purpose, and how strangers' words are shown."""

from typing import Final

MOST_MESSAGE: Final = 1_000
"""Characters of a message: a stranger's bytes must not fill a screen, an answer or a log."""


def escaped(text: str) -> str:
    """A stranger's text in one line: what is not printable is escaped, as line ends and control codes are."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else ascii(each)[1:-1] for each in text)


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
