"""What a follower asks the sequencer ends in time and within bounds, whatever is answered."""

import socket
import threading
import time
from collections.abc import Callable, Iterator
from itertools import repeat

import pytest

from anh_rollup.follower.errors import SequencerAnswerError, SequencerUnreachableError
from anh_rollup.follower.sequencer_client import Bounds, SequencerClient
from tests.integration.conftest import free_port

SECONDS = 1.0
SIZE = 100_000
OK = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


class Server:
    """Answers every connection with pieces, one after the other with a pause, until it is closed."""

    def __init__(self, pieces: Callable[[], Iterator[bytes]], pause: float = 0.0) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._listener.settimeout(0.1)
        self._pieces, self._pause = pieces, pause
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while not self._stop.is_set():
            try:
                connection, _ = self._listener.accept()
            except TimeoutError:
                continue
            with connection:
                self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5.0)
        try:
            connection.recv(1 << 16)
            for piece in self._pieces():
                if self._stop.wait(self._pause):
                    return
                connection.sendall(piece)
        except OSError:
            return

    def close(self) -> None:
        self._stop.set()
        self._thread.join(10)
        self._listener.close()


@pytest.fixture
def serve() -> Iterator[Callable[..., SequencerClient]]:
    opened: list[Server] = []

    def start(pieces: Callable[[], Iterator[bytes]], pause: float = 0.0) -> SequencerClient:
        opened.append(Server(pieces, pause))
        return SequencerClient(opened[-1].url, Bounds(SECONDS, SIZE))

    yield start
    for each in opened:
        each.close()


def body(content: bytes) -> Callable[[], Iterator[bytes]]:
    return lambda: iter([OK + b"Content-Length: %d\r\nConnection: close\r\n\r\n%b" % (len(content), content)])


def test_a_good_answer_is_read(serve: Callable[..., SequencerClient]) -> None:
    assert serve(body(b'{"jsonrpc": "2.0", "id": 0, "result": []}')).signed_blocks(1) == []


def test_a_body_without_end_is_cut_off(serve: Callable[..., SequencerClient]) -> None:
    def endless() -> Iterator[bytes]:
        yield OK + b"Connection: close\r\n\r\n"
        yield from repeat(b"[" * 10_000)

    with pytest.raises(SequencerAnswerError, match="more than 100000 bytes"):
        serve(endless).signed_blocks(1)


@pytest.mark.parametrize("start", [OK + b"Connection: close\r\n\r\n", OK + b"X: "], ids=["body", "headers"])
def test_an_answer_that_drips_is_given_up_in_time(
    serve: Callable[..., SequencerClient], start: bytes
) -> None:
    def dripping() -> Iterator[bytes]:
        yield start
        yield from repeat(b" ")

    began = time.monotonic()
    with pytest.raises(SequencerUnreachableError, match="takes too long"):
        serve(dripping, 0.05).signed_blocks(1)
    assert time.monotonic() - began < 5 * SECONDS


@pytest.mark.parametrize(
    ("answer", "told"),
    [
        (body(b"[" * 50_000), "no JSON"),
        (body(b"no json"), "no JSON"),
        (lambda: iter([b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"]), "HTTP status 503"),
        (
            lambda: iter([b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"]),
            "HTTP status 302",
        ),
        (lambda: iter([b"no http\r\n\r\n"]), "does not answer"),
        (lambda: iter([]), "does not answer"),
    ],
    ids=["deep", "words", "busy", "redirect", "no http", "nothing"],
)
def test_other_answers_are_told(
    serve: Callable[..., SequencerClient], answer: Callable[[], Iterator[bytes]], told: str
) -> None:
    with pytest.raises((SequencerAnswerError, SequencerUnreachableError), match=told):
        serve(answer).signed_blocks(1)


def test_where_nobody_listens_nobody_answers() -> None:
    port = free_port()
    with pytest.raises(SequencerUnreachableError) as away:
        SequencerClient(f"http://127.0.0.1:{port}", Bounds(SECONDS, SIZE)).signed_blocks(1)
    assert away.value.message == f"the sequencer at 127.0.0.1:{port} does not answer: ClientConnectorError"
