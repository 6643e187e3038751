"""What the world can lack."""

from anh_rollup.errors import AnhError


class WorldError(AnhError):
    """Something about the L2's state."""


class ResultMissingError(WorldError):
    """A run called a system contract whose result is not known yet.

    Attributes:
        request: What it asked for, as the system contract tells it.
    """

    def __init__(self, request: bytes) -> None:
        super().__init__(
            f"the result of the request 0x{request[:32].hex()} is not known yet",
            remedy="Wait until an accountant has claimed it, and ask again.",
        )
        self.request = request


class SystemRevertError(WorldError):
    """A system contract refuses a call; its caller sees a revert.

    Attributes:
        data: What the call reverts with.
    """

    def __init__(self, data: bytes) -> None:
        super().__init__(
            f"the call is refused with 0x{data[:68].hex()}", remedy="Call as the system contract's docs say."
        )
        self.data = data


class RunRevertedError(WorldError):
    """A call whose gas or list was asked for reverts.

    Attributes:
        output: What it reverts with.
    """

    def __init__(self, output: bytes) -> None:
        super().__init__(
            f"the call reverts with 0x{output[:68].hex()}", remedy="Call so that the contract takes it."
        )
        self.output = output


class RunHaltedError(WorldError):
    """A call whose gas or list was asked for stops without a revert.

    Attributes:
        reason: Why, in the field's words ("out of gas").
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the call stops: {reason}", remedy="Mend the call, or give it more gas.")
        self.reason = reason
