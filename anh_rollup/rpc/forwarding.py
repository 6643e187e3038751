"""What a sequencer does not answer itself it can ask a follower, so that wallets need one URL only.

Only requests that were refused as not served here go on, as the client wrote them. Nothing else waits for it:
no thread and no turn is held meanwhile, and number, time and size are bounded.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from anh_rollup.l1.endpoint import host_of
from anh_rollup.rpc.errors import ERROR_START, Code, RpcError, invalid_params

LOG = logging.getLogger(__name__)

REFUSED: Final = ERROR_START + b"%d," % Code.NOT_SERVED
"""What the error begins with of a request that goes on."""

MARK: Final = "X-Anh-Forwarded"
"""The header of a request that was forwarded: it goes no further, so that no ring of nodes turns for ever."""

RECEIPT: Final = "eth_getTransactionReceipt"
"""The method whose answer may come a little later at a follower."""

PAUSE: Final = 0.1
"""Seconds between two questions for a receipt (choice: a follower looks for blocks twice a second)."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is forwarded.

    Attributes:
        most: Bodies at a time.
        seconds: For one answer: more than a follower's questions may take.
        patience: Seconds in which a receipt is asked for again.
        size: Bytes of one answer.
    """

    most: int = 64
    seconds: float = 15.0
    patience: float = 2.0
    size: int = 32 << 20


class Forwarding:
    """Asks a follower; for one event loop. `close` it.

    Args:
        url: The follower's JSON-RPC.
        bounds: How much is forwarded.

    Raises:
        EndpointUrlError: The URL can be no endpoint's.
    """

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self._url = url
        self._host = host_of(url)
        self._bounds = bounds or Bounds()
        self._under_way = 0
        self._logged: str | None = None
        self._session: aiohttp.ClientSession | None = None

    async def complete(self, body: bytes, answered: bytes) -> bytes:
        """An answer with the follower's in place of the refusals.

        Args:
            body: What a client asked.
            answered: What this node answers.
        """
        if REFUSED not in answered:
            return answered
        asked, answers = orjson.loads(body), orjson.loads(answered)
        single = not isinstance(asked, list)
        listed: list[Any] = [answers] if single else answers
        missing = _missing([asked] if single else asked, listed)
        if not missing:
            return answered
        found = await self._known_answers(list(missing.values()))
        for (place, request), answer in zip(missing.items(), found, strict=True):
            listed[place] = {"jsonrpc": "2.0", "id": request["id"], **answer}
        return orjson.dumps(listed[0] if single else listed)

    async def close(self) -> None:
        """Ends its connections."""
        if self._session is not None:
            await self._session.close()

    async def _known_answers(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """The follower's answers; receipts are asked for again for a moment.

        A receipt is refused here once its transaction has a block. The follower hears of the block a little
        later, and clients look again with the next block: on a quiet chain there is none.
        """
        clock, found = asyncio.get_running_loop().time, await self._answers(requests)
        until = clock() + self._bounds.patience
        while clock() < until:
            late = [place for place, each in enumerate(requests) if _is_late(each, found[place])]
            if not late:
                break
            await asyncio.sleep(PAUSE)
            again = await self._answers([requests[place] for place in late])
            for place, answer in zip(late, again, strict=True):
                found[place] = answer
        return found

    async def _answers(self, requests: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        """For each request its result, or an error."""
        if self._under_way >= self._bounds.most:
            error = RpcError(
                Code.LIMIT, "limit exceeded: too many requests are forwarded", remedy="Ask again later."
            )
            return [{"error": error.to_json()}] * len(requests)
        try:
            body = orjson.dumps([{**each, "id": number} for number, each in enumerate(requests)])
        except orjson.JSONEncodeError:
            return [{"error": invalid_params("the request is nested too deeply").to_json()}] * len(requests)
        self._under_way += 1
        try:
            by_number = self._by_number(await self._post(body))
        except RpcError as error:
            return [self._failed(error)] * len(requests)
        finally:
            self._under_way -= 1
        outcomes = [_outcome(by_number.get(number)) for number in range(len(requests))]
        if None not in outcomes:
            self._logged = None
        return [each or self._failed(self._malformed()) for each in outcomes]

    def _failed(self, error: RpcError) -> dict[str, Any]:
        """An error as an outcome; it is logged once, until the follower answers or fails otherwise."""
        if error.message != self._logged:
            self._logged = error.message
            LOG.warning("requests are not forwarded: %s; next: %s", error.message, error.remedy)
        return {"error": error.to_json()}

    def _by_number(self, content: bytes) -> dict[int, Mapping[str, Any]]:
        """The follower's answers by the number of their requests.

        Raises:
            RpcError: It is no list of answers.
        """
        try:
            found = orjson.loads(content)
            # What is nested too deeply can be read, but not be written.
            orjson.dumps(found)
        except (orjson.JSONDecodeError, orjson.JSONEncodeError) as error:
            raise self._malformed() from error
        if not isinstance(found, list):
            raise self._malformed()
        answers = [each for each in found if isinstance(each, dict)]
        return {each["id"]: each for each in answers if isinstance(each.get("id"), int)}

    def _malformed(self) -> RpcError:
        message = f"the follower at {self._host} answers with what is no JSON-RPC answer"
        return RpcError(Code.INTERNAL, message, remedy="Give the sequencer the URL of a follower's JSON-RPC.")

    async def _post(self, body: bytes) -> bytes:
        """The body of the follower's answer.

        Raises:
            RpcError: It takes too long, is too long, or does not come.
        """
        try:
            return await self._content(body)
        except TimeoutError as error:
            message = f"the follower at {self._host} did not answer within {self._bounds.seconds:g} s"
            remedy = "Ask again later, or for less; look at what keeps the follower busy."
            raise RpcError(Code.INTERNAL, message, remedy=remedy) from error
        except (aiohttp.ClientError, OSError) as error:
            message = f"the follower at {self._host} cannot be reached"
            remedy = "Look whether it runs; until then ask a follower of your own."
            raise RpcError(Code.INTERNAL, message, remedy=remedy) from error

    async def _content(self, body: bytes) -> bytes:
        """What the follower sends, up to its bound."""
        content = bytearray()
        async with self._opened().post(self._url, data=body, allow_redirects=False) as answer:
            async for part in answer.content.iter_any():
                content += part
                if len(content) > self._bounds.size:
                    message = f"the follower at {self._host} answers with more than {self._bounds.size} bytes"
                    raise RpcError(Code.LIMIT, f"limit exceeded: {message}", remedy="Ask for less at once.")
        return bytes(content)

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            timeout = aiohttp.ClientTimeout(total=self._bounds.seconds)
            headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", MARK: "1"}
            self._session = aiohttp.ClientSession(timeout=timeout, headers=headers, auto_decompress=False)
        return self._session


def _outcome(answer: Mapping[str, Any] | None) -> dict[str, Any] | None:
    """An answer's error, or else its result; None where it has neither."""
    for name in ("error", "result"):
        if answer is not None and name in answer and (name == "result" or answer[name] is not None):
            return {name: answer[name]}
    return None


def _is_late(request: Mapping[str, Any], outcome: Mapping[str, Any]) -> bool:
    return request["method"] == RECEIPT and outcome == {"result": None}


def _missing(asked: Sequence[Any], answers: Sequence[Any]) -> dict[int, Mapping[str, Any]]:
    """The requests that were refused as not served, by the place of their answers.

    Answers stand in the order of their requests, and only sound requests without an id have none.
    """
    silent = [isinstance(each, Mapping) and "id" not in each for each in asked]
    heard = [each for each, is_silent in zip(asked, silent, strict=True) if not is_silent]
    if len(heard) != len(answers):
        return {}
    pairs = enumerate(zip(heard, answers, strict=True))
    return {
        place: request
        for place, (request, answer) in pairs
        if answer.get("error", {}).get("code") == Code.NOT_SERVED
    }
