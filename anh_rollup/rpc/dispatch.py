"""JSON-RPC 2.0: from a body to an answer, single requests and batches."""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import orjson

from anh_rollup.errors import AnhError
from anh_rollup.rpc import ethereum, order_methods, rollup
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import Code, NotServedError, RpcError, failure
from anh_rollup.rpc.not_served import NOT_SERVED
from anh_rollup.rpc.wire import read_data

LOG = logging.getLogger(__name__)

METHODS: Final[Mapping[str, ethereum.Handler]] = {
    **ethereum.METHODS,
    **order_methods.METHODS,
    **rollup.METHODS,
}
"""Every method that follows from the order and the ledger."""

SUBMIT: Final = "eth_sendRawTransaction"
"""The method whose requests in one batch share one sync of the disk."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one client may ask for at once.

    Attributes:
        body: Most bytes of a body.
        batch: Most requests of a batch.
        answers: Most bytes of a batch's answers together.
        seconds: Longest time for a batch.
        clock: Seconds that only grow.
    """

    body: int = 8 << 20
    batch: int = 2_000
    answers: int = 32 << 20
    seconds: float = 10.0
    clock: Callable[[], float] = time.monotonic


Methods = Mapping[str, ethereum.Handler]
"""What is answered, by name."""


def answer(backend: Backend, body: bytes, limits: Limits, methods: Methods = METHODS) -> bytes | None:
    """The answer to a body, as JSON; None where it asks for none (notifications)."""
    if len(body) > limits.body:
        return too_large(limits)
    try:
        asked = orjson.loads(body)
    except orjson.JSONDecodeError:
        return unreadable()
    if not isinstance(asked, list):
        return _single(backend, asked, methods)
    if not asked:
        return failure(None, _invalid("an empty batch"))
    if len(asked) > limits.batch:
        return failure(None, _too_much(f"a batch of {len(asked)} requests; {limits.batch} are allowed"))
    answers = [each for each in _batch(backend, asked, limits, methods) if each is not None]
    return b"[" + b",".join(answers) + b"]" if answers else None


def too_large(limits: Limits) -> bytes:
    """The answer to a body that is too long to be read."""
    return failure(None, _too_much(f"a body has at most {limits.body} bytes"))


def unreadable() -> bytes:
    """The answer to a body that is no JSON, or that breaks off."""
    return failure(None, RpcError(Code.PARSE, "parse error", remedy="Send JSON in UTF-8."))


def refusal(error: RpcError) -> bytes:
    """The answer to a body that is not even looked at."""
    return failure(None, error)


def _batch(backend: Backend, asked: Sequence[Any], limits: Limits, methods: Methods) -> list[bytes | None]:
    """The answers to a batch, in order; submissions that stand together go to the backend together."""
    answers: list[bytes | None] = [None] * len(asked)
    raws: list[tuple[int, bytes]] = []
    until, size = limits.clock() + limits.seconds, 0
    for place, request in enumerate(asked):
        raw = _submission(request)
        if raw is not None:
            raws.append((place, raw))
            continue
        _submit(backend, raws, asked, answers)
        raws = []
        spent = size > limits.answers or limits.clock() > until
        answered = _over_budget(request) if spent else _single(backend, request, methods)
        answers[place] = answered
        size += len(answered or b"")
    _submit(backend, raws, asked, answers)
    return answers


def _over_budget(request: Any) -> bytes | None:
    """The answer to the rest of a batch that takes too long or says too much."""
    if _fault(request) is None and "id" not in request:
        return None
    identifier = request["id"] if _fault(request) is None else None
    return failure(identifier, _too_much("the batch takes too long or has too long answers"))


def _submission(request: Any) -> bytes | None:
    """The transaction of a well-formed submission with an id, or None."""
    if not isinstance(request, Mapping) or request.get("method") != SUBMIT or _fault(request) is not None:
        return None
    parameters = request.get("params")
    if "id" not in request or not isinstance(parameters, list) or len(parameters) != 1:
        return None
    try:
        return read_data(parameters[0], "the transaction")
    except RpcError:
        return None


def _submit(
    backend: Backend, raws: Sequence[tuple[int, bytes]], asked: Sequence[Any], answers: list[bytes | None]
) -> None:
    if not raws:
        return
    try:
        results = backend.submit([raw for _, raw in raws])
    except AnhError as error:
        for place, _ in raws:
            answers[place] = failure(asked[place]["id"], _internal(SUBMIT, error))
        return
    for (place, _), result in zip(raws, results, strict=True):
        identifier = asked[place]["id"]
        try:
            answers[place] = _success(identifier, ethereum.sent(result))
        except RpcError as error:
            answers[place] = failure(identifier, error)


def _single(backend: Backend, request: Any, methods: Methods) -> bytes | None:
    """The answer to one request; None for a notification."""
    fault = _fault(request)
    if fault is not None:
        return failure(None, fault)
    silent = "id" not in request
    try:
        result = _call(backend, request["method"], request.get("params", []), methods)
    except RpcError as error:
        return None if silent else failure(request["id"], error)
    return None if silent else _success(request["id"], result)


def _fault(request: Any) -> RpcError | None:
    """What keeps a value from being a request."""
    if not isinstance(request, Mapping) or request.get("jsonrpc") != "2.0":
        return _invalid("a request is an object with jsonrpc 2.0")
    if not isinstance(request.get("method"), str):
        return _invalid("the method is a text")
    if not isinstance(request.get("id"), str | int | float | None):
        return _invalid("the id is a text or a number")
    return None


def _call(backend: Backend, method: str, parameters: Any, methods: Methods) -> Any:
    """A method's result.

    Raises:
        RpcError: What the answer says instead.
    """
    if parameters is None:
        parameters = []
    if not isinstance(parameters, list):
        raise RpcError(Code.INVALID_PARAMS, "params is a list", remedy="Send the parameters by position.")
    handler = methods.get(method)
    if handler is None:
        raise _no_handler(method)
    try:
        return handler(backend, parameters)
    except RpcError:
        raise
    except AnhError as error:
        raise _internal(method, error) from error


def _internal(method: str, error: AnhError) -> RpcError:
    """What a client is told of a failure that is not its own."""
    LOG.warning("%s failed: %s", method, error.message)
    return RpcError(Code.INTERNAL, error.message, remedy=error.remedy)


def _no_handler(method: str) -> RpcError:
    remedy = NOT_SERVED.get(method)
    if remedy is not None:
        return NotServedError(method, remedy)
    shown = method[:64]
    return RpcError(
        Code.METHOD_NOT_FOUND,
        f"the method {shown} does not exist/is not available",
        remedy="docs/json-rpc.md lists the methods.",
    )


def _invalid(message: str) -> RpcError:
    return RpcError(Code.INVALID_REQUEST, f"invalid request: {message}", remedy="See the JSON-RPC 2.0 text.")


def _too_much(message: str) -> RpcError:
    return RpcError(Code.LIMIT, f"limit exceeded: {message}", remedy="Split it.")


def _success(identifier: Any, result: Any) -> bytes:
    return orjson.dumps({"jsonrpc": "2.0", "id": identifier, "result": result})
