"""What a follower asks the sequencer: its signed blocks, and to take transactions. Answers are bounded."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import aiohttp
import orjson

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.follower.errors import SequencerAnswerError, SequencerUnreachableError
from anh_rollup.follower.signed_blocks import SignedBlock
from anh_rollup.l1 import wire
from anh_rollup.l1.endpoint import host_of
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.primitives import BlockNumber, Digest
from anh_rollup.protocol.admission import RejectedError, RejectReason

MOST_BLOCKS: Final = 1_000
"""Most blocks of one answer: twice what a sequencer gives."""


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much of an answer is waited for.

    Attributes:
        seconds: For all of it: connecting, headers, and the body.
        size: Most bytes of the body.
    """

    seconds: float = 10.0
    size: int = 32 << 20


class SequencerClient:
    """A sequencer's JSON-RPC; usable from several threads.

    Args:
        url: The endpoint.
        bounds: How much of an answer is waited for.

    Raises:
        EndpointUrlError: The URL can be no endpoint's.
    """

    def __init__(self, url: str, bounds: Bounds | None = None) -> None:
        self._url = url
        self._bounds = bounds or Bounds()
        self.host = host_of(url)

    def signed_blocks(self, first: int) -> list[SignedBlock]:
        """The signed blocks from a height on, as many as the sequencer gives at once; none beyond its head.

        Raises:
            SequencerUnreachableError: No whole answer in time.
            SequencerAnswerError: The answer is another than the method promises.
            RefusedBlockError: One of them is no block, or not of its height.
        """
        answer = wire_object(self.host, self._ask(_request(0, "anh_getSignedBlocks", hex(first))))
        if answer.get("error") is not None:
            raise SequencerAnswerError(self.host, f"anh_getSignedBlocks with {_words(answer['error'])}")
        return read_signed_blocks(self.host, first, answer.get("result"))

    def submit(self, raws: Sequence[bytes]) -> list[Digest | RejectedError]:
        """Hands signed transactions over; the hash of each that is on the sequencer's disk, or why it is not.

        Raises:
            SequencerUnreachableError: No whole answer in time; some may have been accepted.
            SequencerAnswerError: The sequencer failed, or its answer is none.
        """
        method = "eth_sendRawTransaction"
        answers = self._ask([_request(at, method, "0x" + raw.hex()) for at, raw in enumerate(raws)])
        if not isinstance(answers, list) or len(answers) != len(raws):
            raise SequencerAnswerError(self.host, f"{len(raws)} transactions with something else than a list")
        found = {each.get("id"): each for each in answers if isinstance(each, Mapping)}
        return [self._submitted(raw, found.get(at)) for at, raw in enumerate(raws)]

    def _submitted(self, raw: bytes, answer: Mapping[str, Any] | None) -> Digest | RejectedError:
        answer, digest = answer or {}, keccak256(raw)
        if answer.get("error") is not None:
            rejected = rejection_in(answer["error"])
            if rejected is None:
                raise SequencerAnswerError(self.host, f"a transaction with {_words(answer['error'])}")
            return rejected
        if answer.get("result") != "0x" + digest.hex():
            raise SequencerAnswerError(self.host, "a transaction with another hash than its own")
        return digest

    def _ask(self, body: object) -> Any:
        """The JSON value that a request is answered with.

        Raises:
            SequencerUnreachableError: No whole answer in time.
            SequencerAnswerError: It is no JSON, or longer than allowed.
        """
        try:
            content = asyncio.run(self._post(orjson.dumps(body)))
            return orjson.loads(content)
        except TimeoutError as error:
            raise SequencerUnreachableError(self.host, "the answer takes too long") from error
        except orjson.JSONDecodeError as error:
            raise SequencerAnswerError(self.host, "no JSON") from error
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise SequencerUnreachableError(self.host, type(error).__name__) from error

    async def _post(self, body: bytes) -> bytes:
        timeout = aiohttp.ClientTimeout(total=self._bounds.seconds)
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
        async with (
            aiohttp.ClientSession(timeout=timeout, auto_decompress=False, headers=headers) as session,
            session.post(self._url, data=body, allow_redirects=False) as answer,
        ):
            if answer.status != 200:
                raise SequencerUnreachableError(self.host, f"HTTP status {answer.status}")
            content = bytearray()
            async for part in answer.content.iter_any():
                content += part
                if len(content) > self._bounds.size:
                    raise SequencerAnswerError(self.host, f"more than {self._bounds.size} bytes")
            return bytes(content)


def wire_object(host: str, answer: object) -> Mapping[str, Any]:
    """A JSON object.

    Raises:
        SequencerAnswerError: It is something else.
    """
    if not isinstance(answer, Mapping):
        raise SequencerAnswerError(host, "no object")
    return answer


def read_signed_blocks(host: str, first: int, answer: object) -> list[SignedBlock]:
    """The blocks of an answer to anh_getSignedBlocks.

    Args:
        host: Who answered.
        first: The height that was asked for.
        answer: The `result`.

    Raises:
        SequencerAnswerError: It is no list of blocks, or a list that is too long.
        RefusedBlockError: One of them is no block, or not of its height.
    """
    if not isinstance(answer, list) or len(answer) > MOST_BLOCKS:
        raise SequencerAnswerError(host, "no list of blocks, or too many")
    return [_read_block(host, BlockNumber(first + place), each) for place, each in enumerate(answer)]


def rejection_in(error: object) -> RejectedError | None:
    """The rejection that a JSON-RPC error tells; None where it tells something else."""
    message = error.get("message") if isinstance(error, Mapping) else None
    if not isinstance(message, str):
        return None
    reason, _, detail = message.partition(": ")
    if reason not in RejectReason.__members__.values():
        return None
    return RejectedError(RejectReason(reason), detail)


def _read_block(host: str, number: BlockNumber, entry: object) -> SignedBlock:
    known = wire_object(host, entry)
    try:
        payload = wire.data("a block", known.get("payload"))
        signature = known.get("signature")
        signed = None if signature is None else wire.data("a signature", signature)
    except L1AnswerError as error:
        raise SequencerAnswerError(host, f"something else than block {number}") from error
    return SignedBlock.read(number, payload, signed)


def _request(identifier: int, method: str, *parameters: object) -> dict[str, object]:
    return {"jsonrpc": "2.0", "id": identifier, "method": method, "params": list(parameters)}


def _words(error: object) -> str:
    """A stranger's error, shortened."""
    message = error.get("message") if isinstance(error, Mapping) else error
    return f"the error {str(message)[:200]!r}"
