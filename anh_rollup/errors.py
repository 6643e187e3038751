"""The one root of every error that this package raises on purpose."""


class AnhError(Exception):
    """Something went wrong in a way that its reader can act on.

    Attributes:
        message: What happened, in one sentence with the values that matter.
        remedy: What to do next.
    """

    def __init__(self, message: str, *, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
