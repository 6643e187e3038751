"""What the world can lack."""

from anh_rollup.errors import AnhError
from anh_rollup.primitives import Gas


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
        gas: What it takes.
    """

    def __init__(self, data: bytes, gas: Gas = Gas(0)) -> None:
        super().__init__(
            f"the call is refused with 0x{data[:68].hex()}", remedy="Call as the system contract's docs say."
        )
        self.data = data
        self.gas = gas


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


class UnknownPositionError(WorldError):
    """The order has no such place.

    Attributes:
        block: The height that was asked for.
        index: The transaction in it, if one was asked for.
        head: The height of the last block.
    """

    def __init__(self, block: int, index: int | None, head: int) -> None:
        which = f"block {block}" if index is None else f"transaction {index} of block {block}"
        super().__init__(
            f"the order has no {which}; its last block is {head}", remedy="Ask for a place that it has."
        )
        self.block = block
        self.index = index
        self.head = head


class BlockOutOfOrderError(WorldError):
    """A block that is appended is not the next one.

    Attributes:
        number: Its height.
        head: The height of the last block.
    """

    def __init__(self, number: int, head: int) -> None:
        super().__init__(
            f"block {number} cannot follow block {head}",
            remedy="Truncate the world to where the orders part, and append the next block.",
        )
        self.number = number
        self.head = head


class OrderReplacedError(WorldError):
    """The order was replaced while a question about it was being answered."""

    def __init__(self) -> None:
        super().__init__("the order was replaced meanwhile", remedy="Ask again.")


class WorldClosedError(WorldError):
    """The world was closed while a question was being answered."""

    def __init__(self) -> None:
        super().__init__(
            "the world is closed: executions have stopped", remedy="Ask again when the node is up again."
        )


class WrongWorldError(WorldError):
    """The world on the disk is another chain's.

    Attributes:
        path: Its file.
    """

    def __init__(self, path: object) -> None:
        super().__init__(
            f"the world in {path} has another first block than this chain",
            remedy="Use another data folder, or the deployment that it was made for.",
        )
        self.path = path


class EngineUnsoundError(WorldError):
    """An engine's outcome of a strict run lies outside of what the run may change.

    Attributes:
        block: The height of the transaction's block.
        index: The transaction in it.
    """

    def __init__(self, block: int, index: int) -> None:
        super().__init__(
            f"the engine changed what transaction {index} of block {block} does not list",
            remedy="Report it: results that depend on this transaction are not known.",
        )
        self.block = block
        self.index = index


class TimeLimitError(WorldError):
    """A question took longer than it may.

    Attributes:
        seconds: What it may take.
    """

    def __init__(self, seconds: float) -> None:
        super().__init__(
            f"execution aborted (timeout = {seconds:g}s)",
            remedy="Ask again: what was executed is kept. A call that needs so long itself wants less gas.",
        )
        self.seconds = seconds
