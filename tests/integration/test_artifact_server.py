"""The artifact server over HTTP, and reading from servers that lie, stall or never end."""

import asyncio
import gzip
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import numpy as np
import pytest
import requests
from aiohttp import web

from anh_rollup.storage import remote
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.errors import (
    ArtifactCorruptError,
    ArtifactMissingError,
    ArtifactTooLargeError,
    StoreUnreachableError,
)
from anh_rollup.storage.files import FileStore
from anh_rollup.storage.http_server import make_app
from anh_rollup.storage.remote import RemotePolicy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]

SCORES = np.arange(100, dtype=np.int32)
LOCAL = RemotePolicy(private_hosts=True, timeout=1.0, most_bytes=100_000)


@contextmanager
def serving(app: web.Application) -> Iterator[str]:
    """Runs an application in a thread of its own; its base URL."""
    loop = asyncio.new_event_loop()
    runner = web.AppRunner(app)
    loop.run_until_complete(runner.setup())
    site = web.TCPSite(runner, "127.0.0.1", 0)
    loop.run_until_complete(site.start())
    host, port = runner.addresses[0][:2]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield f"http://{host}:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(runner.cleanup(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()


def answering(handler: Handler) -> web.Application:
    app = web.Application()
    app.router.add_get("/{kind}/{root}", handler)
    return app


@pytest.fixture
def theirs(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "theirs")


@pytest.fixture
def ours(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "ours", LOCAL)


def folder_of(store: ArtifactStore) -> Path:
    assert store.folder is not None
    return store.folder


def test_an_artifact_is_fetched_over_http_verified_and_kept(
    theirs: ArtifactStore, ours: ArtifactStore
) -> None:
    root = theirs.put_scores(SCORES)
    with serving(make_app(folder_of(theirs))) as uri:
        assert ours.get_scores(root, uri).tolist() == SCORES.tolist()
        with pytest.raises(ArtifactMissingError) as caught:
            ours.get_scores(bytes(32), uri)
    assert caught.value.place == uri
    assert ours.get_scores(root).tolist() == SCORES.tolist()


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/scores",
        "/scores/",
        "/drafts/secret",
        f"/network/{'0' * 64}",
        "/scores/../drafts/secret",
        "/scores/%2e%2e/drafts/secret",
        "/scores/..%2fdrafts%2fsecret",
        "/program/" + "0" * 63,
        "/program/" + "A" * 64,
        "/nothing/" + "0" * 64,
        "/scores/" + "0" * 64 + "%00",
        "//etc/passwd",
    ],
)
def test_nothing_but_artifacts_is_served(theirs: ArtifactStore, path: str) -> None:
    theirs.put_scores(SCORES)
    FileStore(str(folder_of(theirs))).write("drafts/secret", b"a salt")
    FileStore(str(folder_of(theirs))).write(f"network/{'0' * 64}", b"a network")
    with serving(make_app(folder_of(theirs))) as uri:
        session = requests.Session()
        prepared = session.prepare_request(requests.Request("GET", uri))
        prepared.url = uri + path
        assert session.send(prepared, timeout=5).status_code == 404


def test_a_link_out_of_the_folder_is_not_followed(theirs: ArtifactStore, tmp_path: Path) -> None:
    theirs.put_scores(SCORES)
    (tmp_path / "outside").write_bytes(b"secret")
    (folder_of(theirs) / "scores" / ("0" * 64)).symlink_to(tmp_path / "outside")
    with serving(make_app(folder_of(theirs))) as uri:
        assert requests.get(f"{uri}/scores/{'0' * 64}", timeout=5).status_code == 404


def test_nothing_can_be_written(theirs: ArtifactStore) -> None:
    root = theirs.put_scores(SCORES)
    with serving(make_app(folder_of(theirs))) as uri:
        for method in ("PUT", "POST", "DELETE"):
            assert requests.request(method, f"{uri}/scores/{root.hex()}", timeout=5).status_code == 405


def test_a_lie_is_noticed(ours: ArtifactStore) -> None:
    async def lie(request: web.Request) -> web.StreamResponse:
        return web.Response(body=b"\0\0\0\1\0\0\0\1")

    with serving(answering(lie)) as uri, pytest.raises(ArtifactCorruptError):
        ours.get_scores(bytes(32), uri)


def test_an_answer_without_end_stops_at_the_limit(ours: ArtifactStore) -> None:
    async def flood(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        for _ in range(1000):
            await response.write(bytes(10_000))
        return response

    with serving(answering(flood)) as uri, pytest.raises(ArtifactTooLargeError):
        ours.get_scores(bytes(32), uri)


@pytest.mark.parametrize("length", ["", "50000"])
def test_a_dripping_answer_stops_at_the_time_limit(ours: ArtifactStore, length: str) -> None:
    async def drip(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": length} if length else {})
        await response.prepare(request)
        for _ in range(40):
            await response.write(bytes(1))
            await asyncio.sleep(0.2)
        return response

    with serving(answering(drip)) as uri:
        begin = time.monotonic()
        with pytest.raises(StoreUnreachableError):
            ours.get_scores(bytes(32), uri)
        assert time.monotonic() - begin < 4


def test_half_an_answer_is_not_taken_for_all(ours: ArtifactStore) -> None:
    async def half(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "100"})
        await response.prepare(request)
        await response.write(bytes(50))
        assert request.transport is not None
        request.transport.close()
        return response

    with serving(answering(half)) as uri, pytest.raises(StoreUnreachableError):
        ours.get_scores(bytes(32), uri)


def test_a_redirect_is_not_followed(ours: ArtifactStore) -> None:
    async def away(request: web.Request) -> web.StreamResponse:
        raise web.HTTPFound("http://169.254.169.254/")

    with serving(answering(away)) as uri, pytest.raises(StoreUnreachableError, match="HTTP status 302"):
        ours.get_scores(bytes(32), uri)


def test_a_server_that_is_gone_is_a_typed_error(ours: ArtifactStore) -> None:
    with pytest.raises(StoreUnreachableError, match="ClientConnectorError"):
        ours.get_scores(bytes(32), "http://127.0.0.1:9")


@contextmanager
def listening(talk: Callable[[socket.socket], None]) -> Iterator[str]:
    """A server below HTTP, which does with each connection what it likes; its base URL."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(10)

        def serve() -> None:
            with suppress(OSError):
                connection, _ = server.accept()
                with connection:
                    talk(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.getsockname()[1]}"
        finally:
            thread.join(10)


def drip_headers(connection: socket.socket) -> None:
    connection.sendall(b"HTTP/1.1 200 OK\r\nX: ")
    for _ in range(40):
        connection.sendall(b"x")
        time.sleep(0.1)


def drip_interim_answers(connection: socket.socket) -> None:
    for _ in range(40):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        time.sleep(0.1)


def say_nothing(connection: socket.socket) -> None:
    while connection.recv(1000):
        pass


@pytest.mark.parametrize("talk", [drip_headers, drip_interim_answers, say_nothing])
def test_the_time_limit_holds_before_the_first_byte_of_the_body(
    ours: ArtifactStore, talk: Callable[[socket.socket], None]
) -> None:
    with listening(talk) as uri:
        begin = time.monotonic()
        with pytest.raises(StoreUnreachableError, match="the answer takes too long"):
            ours.get_scores(bytes(32), uri)
        assert time.monotonic() - begin < 3


def test_a_packed_answer_is_not_unpacked(ours: ArtifactStore) -> None:
    async def packed(request: web.Request) -> web.StreamResponse:
        return web.Response(body=gzip.compress(bytes(10_000_000)), headers={"Content-Encoding": "gzip"})

    with serving(answering(packed)) as uri, pytest.raises(ArtifactCorruptError):
        ours.get_scores(bytes(32), uri)


def test_a_name_is_resolved_once_for_check_and_connection(
    theirs: ArtifactStore, ours: ArtifactStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    root, asked = theirs.put_scores(SCORES), []

    def resolve(host: str, port: int, timeout: float) -> tuple[str, ...]:
        asked.append(host)
        return ("127.0.0.1",)

    monkeypatch.setattr(remote, "resolve", resolve)
    with serving(make_app(folder_of(theirs))) as uri:
        named = uri.replace("127.0.0.1", "artifacts.invalid")
        assert ours.get_scores(root, named).tolist() == SCORES.tolist()
    assert asked == ["artifacts.invalid"]
