"""What a user asks the L2's JSON-RPC: standard methods, and the `anh_` ones that docs/json-rpc.md lists."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from anh_rollup.errors import AnhError
from anh_rollup.l1 import wire
from anh_rollup.l1.errors import L1AnswerError, L1RejectedError, L1UnreachableError
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.primitives import DIGEST_SIZE, ChainId
from anh_rollup.rpc.errors import Code


class L2UnreachableError(AnhError):
    """Nobody answers for the L2.

    Attributes:
        host: The endpoint's host and port.
        cause: What the last attempt ran into.
    """

    def __init__(self, host: str, cause: str) -> None:
        super().__init__(
            f"the L2 at {host} does not answer: {cause}",
            remedy="Check --l2, and that `anh sequencer` (or `anh devnet`) runs.",
        )
        self.host = host
        self.cause = cause


class L2RejectedError(AnhError):
    """The L2 refused a request.

    Attributes:
        method: The JSON-RPC method.
        code: The error's code.
        reason: The L2's words.
    """

    def __init__(self, method: str, code: int, reason: str) -> None:
        super().__init__(
            f"the L2 refused {method}: {reason} (code {code})",
            remedy="Mend what it names and send again; docs/json-rpc.md lists the codes.",
        )
        self.method = method
        self.code = code
        self.reason = reason


class NotL2Error(AnhError):
    """An endpoint lacks a method that every L2 of this software has.

    Attributes:
        host: The endpoint's host and port.
        method: The JSON-RPC method.
    """

    def __init__(self, host: str, method: str) -> None:
        super().__init__(
            f"the endpoint at {host} is no L2: it does not know {method}",
            remedy="Give --l2 the JSON-RPC of `anh sequencer`; the L1 goes into --l1.",
        )
        self.host = host
        self.method = method


class L2AnswerError(AnhError):
    """The L2's answer does not have the form that its method promises.

    Attributes:
        what: What was asked for.
        found: What came instead, shortened.
    """

    def __init__(self, what: str, found: object) -> None:
        shown = repr(found)[:120]
        super().__init__(
            f"the L2 answered {shown} for {what}", remedy="Check that --l2 is an endpoint of this rollup."
        )
        self.what = what
        self.found = shown


@dataclass(frozen=True, slots=True)
class Followed:
    """Which deployment on L1 an L2 follows, as it says.

    Attributes:
        inbox: The Inbox's address.
        parent: Hash of the last L1 block before the deployment.
    """

    inbox: str
    parent: bytes

    @classmethod
    def from_answer(cls, answer: object) -> "Followed":
        """What an answer to anh_syncStatus says about the deployment.

        Raises:
            L2AnswerError: Nothing, as the L2 is of an earlier version, or none.
        """
        known = answer if isinstance(answer, Mapping) else {}
        inbox, start = known.get("inbox"), known.get("l1Start")
        try:
            given = start.get("hash") if isinstance(start, Mapping) else None
            parent = wire.data("a block hash", given, DIGEST_SIZE)
        except L1AnswerError as error:
            raise L2AnswerError("the deployment that it follows", answer) from error
        if not isinstance(inbox, str):
            raise L2AnswerError("the deployment that it follows", answer)
        return cls(inbox, parent)


class L2Client:
    """A connection to the L2.

    Args:
        url: The endpoint.
        patience: How long one request may take.
    """

    def __init__(self, url: str, patience: Patience | None = None) -> None:
        self._transport = Transport(url, patience or Patience(timeout=10.0, attempts=3))

    @property
    def url(self) -> str:
        """The endpoint."""
        return self._transport.url

    def request(self, method: str, *parameters: Any) -> Any:
        """The `result` of a request.

        Raises:
            L2UnreachableError: No whole answer.
            NotL2Error: The endpoint does not know one of our methods.
            L2RejectedError: The L2 answered with an error.
        """
        try:
            return self._transport.request(method, *parameters)
        except L1UnreachableError as error:
            raise L2UnreachableError(error.host, error.cause) from error
        except L1RejectedError as error:
            if error.code == Code.METHOD_NOT_FOUND and method.startswith("anh_"):
                raise NotL2Error(self._transport.host, method) from error
            raise L2RejectedError(method, error.code, error.reason) from error
        except L1AnswerError as error:
            raise L2AnswerError(method, error.found) from error

    def quantity(self, method: str, *parameters: Any) -> int:
        """A number that a method answers."""
        answer = self.request(method, *parameters)
        try:
            return wire.quantity(method, answer)
        except L1AnswerError as error:
            raise L2AnswerError(method, answer) from error

    def record(self, method: str, *parameters: Any) -> Mapping[str, Any] | None:
        """A JSON object that a method answers, or None."""
        answer = self.request(method, *parameters)
        if answer is not None and not isinstance(answer, Mapping):
            raise L2AnswerError(method, answer)
        return answer

    def chain_id(self) -> ChainId:
        """The L2's chain id."""
        return ChainId(self.quantity("eth_chainId"))

    def nonce(self, address: str) -> int:
        """The nonce of an account's next transaction, with those that wait."""
        return self.quantity("eth_getTransactionCount", address, "pending")

    def gas_price(self) -> int:
        """The price that the L2 suggests, in wei a gas."""
        return self.quantity("eth_gasPrice")

    def cleared(self, address: str) -> int:
        """An account's cleared wei: what fees and values can be paid with at once."""
        answer = self.record("anh_getLedgerAccount", address)
        try:
            return wire.quantity("a cleared balance", None if answer is None else answer.get("cleared"))
        except L1AnswerError as error:
            raise L2AnswerError("a cleared balance", answer) from error

    def followed(self) -> Followed:
        """Which deployment on L1 the L2 follows."""
        return Followed.from_answer(self.record("anh_syncStatus"))

    def send_raw(self, signed: bytes) -> str:
        """Hands a signed transaction over; its hash."""
        return str(self.request("eth_sendRawTransaction", "0x" + signed.hex()))

    def position(self, transaction: str) -> Mapping[str, Any] | None:
        """Where the sequencer has put a transaction, with its signature; None while it waits."""
        found = self.record("anh_getPosition", transaction)
        return None if found is not None and "waiting" in found else found

    def is_published(self, digest: bytes) -> bool:
        """Whether a program or model of this root, or a part of this hash, is in the order; asks a follower.

        Raises:
            L2RejectedError: It is a sequencer, which answers this to nobody.
        """
        return self.record("anh_getPublication", f"0x{digest.hex()}") is not None

    def job(self, transaction: str) -> Mapping[str, Any] | None:
        """A job by its transaction's hash, with its state; None where there is no such job."""
        return self.record("anh_getJob", transaction)
