"""What a stranger's URI may do to this machine: nothing but a bounded read of an allowed place."""

import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from yarl import URL

from anh_rollup.protocol.jobs import MOST_URI_BYTES
from anh_rollup.storage import files, remote
from anh_rollup.storage.errors import (
    FileSystemMissingError,
    FolderRefusedError,
    OtherHostRefusedError,
    StoreUnreachableError,
    UriRefusedError,
)
from anh_rollup.storage.files import PACKAGES
from anh_rollup.storage.http_client import Download
from anh_rollup.storage.remote import RemotePolicy, fetch

NAME = "scores/" + "00" * 32


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    folder = tmp_path / "allowed" / "scores"
    folder.mkdir(parents=True)
    (folder / ("00" * 32)).write_bytes(b"content")
    return tmp_path / "allowed"


def test_an_allowed_folder_is_read(allowed: Path) -> None:
    policy = RemotePolicy(file_roots=(allowed,))
    assert fetch(allowed.as_uri(), NAME, policy) == b"content"
    assert fetch(allowed.as_uri(), "scores/" + "11" * 32, policy) is None


@pytest.mark.parametrize("path", ["", "/..", "/scores/../..", "/%2e%2e", "/link"])
def test_nothing_outside_an_allowed_folder_is_read(allowed: Path, path: str) -> None:
    (allowed / "link").symlink_to(allowed.parent)
    inner = allowed / "scores"
    with pytest.raises(UriRefusedError, match="it is not below an allowed folder"):
        fetch(allowed.as_uri() + path, NAME, RemotePolicy(file_roots=(inner,)))


def test_a_refused_folder_is_told_with_those_that_are_allowed_and_what_to_do(tmp_path: Path) -> None:
    allowed = (tmp_path / "devnet" / "user", tmp_path / "more")
    with pytest.raises(FolderRefusedError) as raised:
        fetch("file:///srv/artifacts", NAME, RemotePolicy(file_roots=allowed))
    assert raised.value.allowed == allowed
    assert raised.value.message == (
        "the URI 'file:///srv/artifacts' is refused: it is not below an allowed folder "
        f"({allowed[0]}, {allowed[1]})"
    )
    assert raised.value.remedy == (
        "Put the artifacts below such a folder (of a devnet: --store devnet/user), or serve them over HTTP "
        "(--uri http://HOST:PORT), and order again; or start this role with --allow-folder for theirs, if "
        "you trust their source."
    )
    with pytest.raises(FolderRefusedError, match=r"not below an allowed folder \(none\)$"):
        fetch("file:///srv/artifacts", NAME, RemotePolicy())


@pytest.mark.parametrize("folder", ["allowed", "other"])
def test_a_folder_of_another_host_is_refused_whichever_it_is(tmp_path: Path, folder: str) -> None:
    uri = f"file://elsewhere{tmp_path}/{folder}"
    with pytest.raises(OtherHostRefusedError) as raised:
        fetch(uri, NAME, RemotePolicy(file_roots=(tmp_path / "allowed",)))
    assert raised.value.message == f"the URI {uri!r} is refused: it names a folder of another host"
    assert raised.value.remedy == "Serve that folder over HTTP (--uri http://HOST:PORT), and order again."


def test_a_folder_of_this_host_may_name_it(allowed: Path) -> None:
    policy = RemotePolicy(file_roots=(allowed,))
    assert fetch(f"file://localhost{allowed}", NAME, policy) == b"content"


@pytest.mark.parametrize(
    "uri",
    [
        "/etc",
        "ftp://example.org",
        "memory://x",
        "sftp://a",
        "github://o:r@/",
        "simplecache::http://x",
        "",
        "local:///a",
    ],
)
def test_other_schemes_are_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match="is not allowed"):
        fetch(uri, NAME, RemotePolicy())


@pytest.mark.parametrize(
    "uri",
    [
        "http://127.0.0.1:1/", "http://localhost:1/", "http://[::1]/", "http://10.0.0.1/", "http://169.254.169.254/",
        "http://0.0.0.0/", "http://2130706433/",
    ],
)  # fmt: skip
def test_this_machine_and_its_network_are_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match="its host is not on the public network"):
        fetch(uri, NAME, RemotePolicy())


@pytest.mark.parametrize("uri", ["http://", "http://[", "http://a:b/", "https:///x", "http://xn--/"])
def test_malformed_uris_are_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match=r"it is malformed|it names no host"):
        fetch(uri, NAME, RemotePolicy())


@pytest.mark.parametrize("error", [KeyError("token"), RuntimeError(), MemoryError(), RecursionError()])
def test_whatever_a_strangers_place_fails_in_is_a_typed_error(
    monkeypatch: pytest.MonkeyPatch, error: Exception
) -> None:
    def fail(_: Download) -> bytes:
        raise error

    monkeypatch.setattr(socket, "getaddrinfo", answers_to(["93.184.215.14"]))
    monkeypatch.setattr(remote, "download", fail)
    with pytest.raises(StoreUnreachableError, match=type(error).__name__):
        fetch("https://strange.example", NAME, RemotePolicy())


def test_an_endless_uri_is_refused() -> None:
    with pytest.raises(UriRefusedError, match=f"it is longer than {MOST_URI_BYTES} bytes") as caught:
        fetch("http://" + "a" * 10_000, NAME, RemotePolicy())
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("uri", ["s3://bucket::file:///etc", "ipfs://a::memory://b"])
def test_chains_of_file_systems_are_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match="it chains file systems"):
        fetch(uri, NAME, RemotePolicy())


def no_file_system(_: str) -> None:
    raise ImportError("no such thing")


@pytest.mark.parametrize("scheme", PACKAGES)
def test_a_scheme_without_its_package_is_refused_with_the_packages_name(
    monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setattr(files, "find_spec", lambda _: None)
    monkeypatch.setattr(files.fsspec.core, "url_to_fs", no_file_system)
    with pytest.raises(FileSystemMissingError) as refused:
        fetch(f"{scheme}://folder", NAME, RemotePolicy())
    package = PACKAGES[scheme]
    assert str(refused.value) == (
        f"{scheme}://folder cannot be read or written: the package {package} is not installed"
    )
    assert refused.value.remedy == f"Install it beside this program: pip install {package}."


def test_another_fault_of_a_file_system_is_told_in_its_own_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "find_spec", lambda _: "found")
    monkeypatch.setattr(files.fsspec.core, "url_to_fs", no_file_system)
    with pytest.raises(
        StoreUnreachableError, match=r"^s3://folder cannot be read or written: no such thing$"
    ):
        fetch("s3://folder", NAME, RemotePolicy())


@pytest.mark.parametrize(
    "uri", ["http://exämple.org/", "http://a\u2024b/", "file:///\udcff", "http://a\n.org/"]
)
def test_a_uri_that_is_not_printable_ascii_is_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match="a URI is printable ASCII") as caught:
        fetch(uri, NAME, RemotePolicy(private_hosts=True))
    assert caught.value.message.isascii()


def answers_to(*rounds: list[str]) -> Callable[..., list[Any]]:
    """A resolver of names that gives other addresses each time that it is asked."""
    left = iter(rounds)
    return lambda *_, **__: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (each, 80)) for each in next(left)]


def test_what_is_connected_to_is_what_was_checked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Download] = []
    monkeypatch.setattr(socket, "getaddrinfo", answers_to(["93.184.215.14"], ["127.0.0.1"]))
    monkeypatch.setattr(remote, "download", asked.append)

    fetch("http://rebinding.example:81/a/", NAME, RemotePolicy(most_bytes=7, timeout=5.0), lambda: 0.0)

    url = URL(f"http://rebinding.example:81/a/{NAME}")
    assert asked == [Download(url, ("93.184.215.14",), 7, 5.0)]


def test_one_private_address_among_public_ones_is_enough_to_refuse(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers_to(["93.184.215.14", "10.0.0.1"]))
    with pytest.raises(UriRefusedError, match="its host is not on the public network"):
        fetch("https://mixed.example", NAME, RemotePolicy())


@pytest.mark.parametrize("uri", ["http://a..b/", "http://" + "a" * 70 + ".org/"])
def test_a_name_that_no_host_can_have_is_a_typed_error(uri: str) -> None:
    with pytest.raises((UriRefusedError, StoreUnreachableError)):
        fetch(uri, NAME, RemotePolicy())


def test_the_time_that_a_name_takes_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "getaddrinfo", answers_to(["93.184.215.14"]))
    times = iter([0.0, 1.0, 121.0])
    with pytest.raises(StoreUnreachableError, match="the time for it is over"):
        fetch("https://slow.example", NAME, RemotePolicy(), lambda: next(times))


def test_a_deadline_for_all_fetches_shortens_the_last_one(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Download] = []
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answers_to(["93.184.215.14"])())
    monkeypatch.setattr(remote, "download", asked.append)
    policy = RemotePolicy(timeout=120.0, deadline=1_000.0)

    for now in (0.0, 990.0):
        fetch("https://slow.example", NAME, policy, lambda now=now: now)  # type: ignore[misc]
    with pytest.raises(StoreUnreachableError, match="the time for it is over"):
        fetch("https://slow.example", NAME, policy, lambda: 1_000.0)
    assert [each.timeout for each in asked] == [120.0, 10.0]


def test_a_name_server_that_does_not_answer_is_left(monkeypatch: pytest.MonkeyPatch) -> None:
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: released.wait(10))
    with pytest.raises(StoreUnreachableError, match="its name is not resolved in time"):
        fetch("https://silent.example", NAME, RemotePolicy(timeout=0.05))
    released.set()


@pytest.mark.parametrize(
    ("uri", "place"),
    [
        ("http://127.0.0.1:1", "http://127.0.0.1:1"),
        ("http://user:secret@[::1]:8650/store", "http://[::1]:8650"),
        ("https://example.org/store", "https://example.org"),
    ],
)
def test_a_server_is_named_with_its_port_and_without_secrets(uri: str, place: str) -> None:
    assert Download(URL(uri), (), 1, 1.0).place == place
