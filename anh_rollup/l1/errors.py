"""What can go wrong between us and L1, one type each; foreign exceptions never leave this package."""

from typing import Any, Final

from anh_rollup.errors import AnhError
from anh_rollup.primitives import BlockNumber, Gas, Wei

#: Characters of a node's or a contract's words that a message shows.
MOST_SHOWN: Final = 400


class L1Error(AnhError):
    """Something about L1 went wrong; the root of this package's errors."""


class TransientL1Error(L1Error):
    """An error that time, the node, a new look at the chain or the account's owner heals: a role goes on.

    All that a node or a stranger can cause is one. Any other `L1Error` is a fault of the set-up or of this
    program, which no repetition heals.
    """


class L1UnreachableError(TransientL1Error):
    """The endpoint gave no whole answer within the time and the attempts that it was given; try again later.

    Attributes:
        host: The endpoint's host and port (never its path or key).
        attempts: How often it was asked.
        cause: What the last attempt ran into.
    """

    def __init__(self, host: str, attempts: int, cause: str) -> None:
        super().__init__(
            f"L1 at {host} gave no whole answer in {attempts} attempts; the last one: {cause}",
            remedy="Check --l1, and that L1 runs (`anh devnet` starts one); roles go on by themselves.",
        )
        self.host = host
        self.attempts = attempts
        self.cause = cause


class L1RejectedError(TransientL1Error):
    """The node understood a request and refused it.

    Attributes:
        method: The JSON-RPC method.
        code: The node's error code.
        reason: The node's words.
        data: The error's data: for a revert the bytes that the contract gave.
    """

    def __init__(self, method: str, code: int, reason: str, data: bytes = b"") -> None:
        super().__init__(
            f"L1 refused {method}: {reason[:MOST_SHOWN]} (code {code})",
            remedy="Look at the node's log; if it is behind or pruned, use one that has the whole chain.",
        )
        self.method = method
        self.code = code
        self.reason = reason
        self.data = data


class L1AnswerError(TransientL1Error):
    """The node's answer does not have the form that the method promises.

    Attributes:
        what: The value that was asked for.
        found: What came instead, shortened.
    """

    def __init__(self, what: str, found: object) -> None:
        shown = repr(found)[:120]
        super().__init__(
            f"L1 answered {shown} for {what}",
            remedy="Use a standard Ethereum JSON-RPC endpoint of the configured chain.",
        )
        self.what = what
        self.found = shown


class L1RevertedError(TransientL1Error):
    """A contract refused a call or a transaction.

    Attributes:
        reason: The Solidity error's name; `Error` and `Panic` for the built-in ones, `Unknown` otherwise.
        arguments: The error's arguments in order, addresses checksummed.
    """

    def __init__(self, reason: str, arguments: tuple[Any, ...] = ()) -> None:
        listed = ", ".join(_shown(item) for item in arguments)[:MOST_SHOWN]
        super().__init__(
            f"the L1 contract refused: {reason}({listed})",
            remedy="Read the chain again: the error's NatSpec in contracts/interfaces says when it happens.",
        )
        self.reason = reason
        self.arguments = arguments


def is_unsealed(error: BaseException) -> bool:
    """Whether a call was refused only because no block before has its seal: a later one may take it."""
    return isinstance(error, L1RevertedError) and error.reason == "NotSealed"


class WrongChainError(L1Error):
    """The endpoint serves another chain than the configured one.

    Attributes:
        expected: The configured chain id.
        found: The endpoint's chain id.
    """

    def __init__(self, expected: int, found: int) -> None:
        super().__init__(
            f"the L1 endpoint serves chain {found}, but chain {expected} is configured",
            remedy="Correct the L1 URL or the deployment file: starting on the wrong chain would lose money.",
        )
        self.expected = expected
        self.found = found


class OtherL1Error(L1Error):
    """The endpoint serves another L1 than the deployment's, of the same chain id: two devnets, for instance.

    Attributes:
        number: Number of the last block before the deployment.
        expected: Its hash in the deployment file.
        found: Its hash at the endpoint; None where there is no such block.
    """

    def __init__(self, number: int, expected: bytes, found: bytes | None) -> None:
        there = "nothing" if found is None else f"0x{found.hex()}"
        super().__init__(
            f"this is not the L1 of the deployment file: block {number} is {there}, not 0x{expected.hex()}",
            remedy="Check --l1 and --deployment: they belong together; each devnet has a file of its own.",
        )
        self.number = number
        self.expected = expected
        self.found = found


class NoContractError(L1Error):
    """There is no code where a contract should be.

    Attributes:
        contract: The contract's name.
        address: Where it was looked for.
    """

    def __init__(self, contract: str, address: str) -> None:
        super().__init__(
            f"there is no {contract} contract at {address}",
            remedy="Use the deployment file of this chain, or deploy with `anh deploy`.",
        )
        self.contract = contract
        self.address = address


class BlobsUnavailableError(TransientL1Error):
    """The bytes of a batch's blobs cannot be had now. Halt and try again: never skip the batch.

    Attributes:
        block: Number of the L1 block that carries the blobs.
        cause: Why, in words.
    """

    def __init__(self, block: BlockNumber, cause: str) -> None:
        super().__init__(
            f"the blobs of L1 block {block} cannot be read: {cause}",
            remedy="Give `--beacon` a node that still has them (an archive after about 18 days).",
        )
        self.block = block
        self.cause = cause


class InsufficientFundsError(TransientL1Error):
    """The account cannot cover a transaction's greatest cost.

    Attributes:
        account: The sender.
        needed: Wei that the transaction may cost, value included.
        held: Wei that the account has.
    """

    def __init__(self, account: str, needed: Wei, held: Wei) -> None:
        super().__init__(
            f"{account} has {held} wei on L1, and the transaction may cost {needed}",
            remedy=f"Send at least {needed - held} wei to {account}; roles go on by themselves then.",
        )
        self.account = account
        self.needed = needed
        self.held = held


class GasCapError(TransientL1Error):
    """A transaction needs more gas than L1 allows one to have (EIP-7825).

    Attributes:
        needed: The estimate.
        cap: The most that is allowed.
    """

    def __init__(self, needed: Gas, cap: Gas) -> None:
        super().__init__(
            f"the transaction needs {needed} gas, and L1 allows {cap}",
            remedy="Split it: reveal or prove less at once.",
        )
        self.needed = needed
        self.cap = cap


class FeeCapError(TransientL1Error):
    """L1 is dearer than the fee policy allows; nothing was sent.

    Attributes:
        price: Wei a gas (or a blob gas) that the next block asks for.
        cap: The policy's most.
    """

    def __init__(self, price: Wei, cap: Wei) -> None:
        super().__init__(
            f"L1 asks {price} wei a gas, and the fee policy allows {cap}",
            remedy="Wait for the fees to fall, or raise the cap of the fee policy.",
        )
        self.price = price
        self.cap = cap


class TransactionPendingError(TransientL1Error):
    """A transaction was sent and is not mined within the patience; sending the same intent again waits on.

    Attributes:
        transaction: Hash of the latest version.
        nonce: Its nonce.
    """

    def __init__(self, transaction: bytes, nonce: int) -> None:
        super().__init__(
            f"transaction 0x{transaction.hex()} (nonce {nonce}) is not mined yet",
            remedy="Send it again to wait on; raise the fee cap if L1 stays dear.",
        )
        self.transaction = transaction
        self.nonce = nonce


class StaleViewError(TransientL1Error):
    """An earlier transaction of this account was mined meanwhile, so this one was decided on an old view.

    Attributes:
        account: The sender.
        detail: Which transaction it was.
    """

    def __init__(self, account: str, detail: str) -> None:
        super().__init__(
            f"an earlier transaction of {account} was mined meanwhile: {detail}",
            remedy="Read the chain again and decide anew.",
        )
        self.account = account
        self.detail = detail


def _shown(argument: Any) -> str:
    """A revert's argument for people, bytes no longer than a message should be."""
    return f"0x{argument[:MOST_SHOWN].hex()}" if isinstance(argument, bytes) else str(argument)
