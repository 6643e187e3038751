"""One JSON-RPC request to L1: bounded in time, repeated when it is worth it, errors of our own."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
import requests
from web3 import HTTPProvider
from web3.types import RPCEndpoint, RPCResponse

from anh_rollup.l1 import wire
from anh_rollup.l1.endpoint import host_of
from anh_rollup.l1.errors import L1AnswerError, L1RejectedError, L1UnreachableError

#: HTTP statuses that say "later": too many requests and the gateway errors.
RETRIED_STATUSES: Final = frozenset({408, 425, 429, 500, 502, 503, 504})

#: JSON-RPC codes that public endpoints give for "too many requests" (EIP-1474: -32005 limit exceeded).
RETRIED_CODES: Final = frozenset({429, -32005, -32016})

#: What a broken, refused, silent or half answered connection ends in.
BROKEN: Final = (
    requests.RequestException,
    orjson.JSONDecodeError,
    ConnectionError,
    TimeoutError,
)


@dataclass(frozen=True, slots=True)
class Patience:
    """How long one request may take.

    Attributes:
        timeout: Seconds for connecting, and for each silence while reading.
        attempts: How often it is asked in all.
        backoff: Seconds before the second attempt; doubled for each further one.
    """

    timeout: float = 10.0
    attempts: int = 5
    backoff: float = 0.25


class _Provider(HTTPProvider):
    """web3's provider, but for JSON that is nested without end: the standard library's reader recurses.

    A dependency of web3 raises Python's recursion limit so far that such an answer ends the process.
    """

    @staticmethod
    def decode_rpc_response(raw_response: bytes) -> RPCResponse:
        """The JSON value of an answer's body."""
        answer: RPCResponse = orjson.loads(raw_response)
        return answer


class Transport:
    """A JSON-RPC endpoint over HTTP; may be used from several threads.

    Args:
        url: The endpoint.
        patience: Time limits and repetitions.
        sleep: How to wait between attempts (tests replace it).

    Raises:
        EndpointUrlError: The URL can be no endpoint's.
    """

    def __init__(
        self, url: str, patience: Patience | None = None, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.url = url
        self.host = host_of(url)
        self.patience = patience or Patience()
        self._sleep = sleep
        self._provider = _Provider(
            url, request_kwargs={"timeout": self.patience.timeout}, exception_retry_configuration=None
        )

    def request(self, method: str, *parameters: Any) -> Any:
        """The `result` of a JSON-RPC request.

        Raises:
            L1UnreachableError: No whole answer in time, after all attempts.
            L1RejectedError: The node answered with an error.
        """
        return self.repeat(lambda: self._ask(method, parameters))

    def repeat(self, attempt: Callable[[], Any]) -> Any:
        """Calls `attempt` until it gives an answer, with growing pauses.

        Raises:
            L1UnreachableError: Every attempt ended in a broken connection, a half answer or a "later".
        """
        cause = ""
        for number in range(self.patience.attempts):
            if number:
                self._sleep(self.patience.backoff * 2 ** (number - 1))
            try:
                return attempt()
            except BROKEN as error:
                cause = _describe(error)
        raise L1UnreachableError(self.host, self.patience.attempts, cause)

    def _ask(self, method: str, parameters: tuple[Any, ...]) -> Any:
        try:
            answer = self._provider.make_request(RPCEndpoint(method), list(parameters))
        except requests.HTTPError as error:
            if error.response is None or error.response.status_code in RETRIED_STATUSES:
                raise
            raise L1RejectedError(method, error.response.status_code, f"HTTP {_describe(error)}") from error
        fields = wire.members(f"{method}'s answer", answer)
        if fields.get("error") is not None:
            raise _refusal(method, fields["error"])
        if "result" not in fields:
            raise L1AnswerError(f"{method}'s result", answer)
        return fields["result"]


def _refusal(method: str, error: object) -> Exception:
    """The error to raise for a JSON-RPC error object: one to repeat, or one to report."""
    fields = error if isinstance(error, dict) else {"message": str(error)}
    code, reason = fields.get("code"), str(fields.get("message", ""))
    if isinstance(code, int) and code in RETRIED_CODES:
        return requests.RequestException(f"the node says {reason!r} (code {code})")
    return L1RejectedError(
        method, code if isinstance(code, int) else 0, reason, revert_data(fields.get("data"))
    )


def revert_data(value: object) -> bytes:
    """A revert's bytes, which nodes give as a string, or inside an object (Ganache)."""
    while isinstance(value, dict):
        value = value.get("data", value.get("result"))
    if isinstance(value, str) and value.startswith("0x"):
        return wire.data("revert data", value)
    return b""


def _describe(error: Exception) -> str:
    """The kind of a foreign error, without its text where that may hold the endpoint's key."""
    if isinstance(error, requests.HTTPError) and error.response is not None:
        return f"HTTP status {error.response.status_code}"
    if type(error) is requests.RequestException:
        return str(error)
    return type(error).__name__
