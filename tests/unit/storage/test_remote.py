"""What a stranger's URI may do to this machine: nothing but a bounded read of an allowed place."""

from pathlib import Path

import pytest

from anh_rollup.storage.errors import StoreUnreachableError, UriRefusedError
from anh_rollup.storage.remote import LONGEST_URI, RemotePolicy, fetch

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


def test_a_folder_of_another_host_is_refused(allowed: Path) -> None:
    with pytest.raises(UriRefusedError):
        fetch(f"file://elsewhere{allowed}", NAME, RemotePolicy(file_roots=(allowed,)))


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


@pytest.mark.parametrize("uri", ["http://", "http://[", "http://a:b/", "https:///x"])
def test_malformed_uris_are_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match=r"it is malformed|it names no host"):
        fetch(uri, NAME, RemotePolicy())


def test_an_endless_uri_is_refused() -> None:
    with pytest.raises(UriRefusedError, match=f"it is longer than {LONGEST_URI} bytes") as caught:
        fetch("http://" + "a" * 10_000, NAME, RemotePolicy())
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("uri", ["s3://bucket::file:///etc", "ipfs://a::memory://b"])
def test_chains_of_file_systems_are_refused(uri: str) -> None:
    with pytest.raises(UriRefusedError, match="it chains file systems"):
        fetch(uri, NAME, RemotePolicy())


def test_a_scheme_without_its_library_is_a_typed_error() -> None:
    policy = RemotePolicy(schemes=frozenset({"ipfs"}))
    with pytest.raises(StoreUnreachableError, match="ipfs"):
        fetch("ipfs://folder", NAME, policy)
