"""Texts of strangers: URIs that nobody fetches unseen, and what of them reaches a screen."""

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console
from rich.table import Table

from anh_rollup.cli.options import MOST_SHOWN, visible
from anh_rollup.cli.root import report
from anh_rollup.client.wording import show_time
from anh_rollup.errors import MOST_MESSAGE, AnhError
from anh_rollup.storage import remote
from anh_rollup.storage.errors import ArtifactError, StoreUnreachableError
from anh_rollup.storage.remote import RemotePolicy, fetch
from tests.unit.fuzz.mangling import attempt
from tests.unit.fuzz.test_words import LONG, ODD

URIS = ["http://", "https://a", "http://[::1", "http://a..b/", "http://a:99999", "http://" + "a" * 64]
URIS += ["s3://", "ipfs://x", "file://%00", "file:///etc", "http://user:key@127.0.0.1", "http://0x7f.1"]
URIS += ["http://[::ffff:127.0.0.1]", "a::b"]
STRANGE = st.sampled_from([*URIS, *ODD, *LONG]) | st.text(max_size=40)
SCHEMES = st.sampled_from(["http", "https", "file", "s3"])
STRANGE |= st.builds(lambda scheme, rest: f"{scheme}://{rest}", SCHEMES, st.text())
TEXTS = STRANGE | st.text(st.characters(categories=("Cc", "Cf", "Cs", "Zl", "Co", "Ps", "Pe")), max_size=40)
TEXTS |= st.sampled_from(["[/]", "[red]", "[link=x]y", "\x1b]0;title\x07", "a\nError: b", "\u202e"])


@pytest.fixture
def no_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every name leads to this machine, which strangers' URIs must not reach."""
    monkeypatch.setattr(remote, "resolve", lambda host, port, seconds: ("127.0.0.1",))


def printed(console_text: object) -> str:
    out = io.StringIO()
    Console(file=out, width=200, color_system=None).print(console_text)
    return out.getvalue()


@pytest.mark.usefixtures("no_network")
@given(uri=STRANGE)
def test_no_uri_breaks_a_fetch_or_reaches_this_machine(uri: str) -> None:
    found, refusal = attempt(lambda: fetch(uri, "model/00", RemotePolicy(timeout=0.5)), ArtifactError)
    assert refusal is not None
    assert found is None


@given(text=TEXTS)
def test_a_text_is_shown_as_what_it_is(text: str) -> None:
    shown = visible(text)
    assert shown.spans == []
    assert shown.plain.isprintable()
    assert len(shown.plain) <= 10 * MOST_SHOWN
    assert text.isprintable() is False or shown.plain == text[:MOST_SHOWN]


@given(text=TEXTS)
def test_a_text_in_a_table_changes_nothing_around_it(text: str) -> None:
    table = Table(show_header=False, box=None)
    table.add_row("artifacts", visible(text))
    lines = printed(table).splitlines()
    assert all(line.isprintable() for line in lines)
    assert lines[0].lstrip().startswith("artifacts")


@given(text=TEXTS)
def test_a_report_has_two_lines_whatever_the_message(text: str) -> None:
    out = io.StringIO()
    report(AnhError(text, remedy="Do it."), Console(file=out, color_system=None))
    lines = out.getvalue().split("\n")
    assert [lines[0][:7], *lines[1:]] == ["Error: ", "Next:  Do it.", ""]
    assert lines[0].isprintable()


@pytest.mark.parametrize("seconds", [0, 2**31, 2**40, 2**64 - 1, 2**255])
def test_any_time_of_l1_is_shown(seconds: int) -> None:
    assert show_time(seconds).endswith("UTC") or show_time(seconds) == f"second {seconds}"


def test_a_message_is_cut_where_it_is_too_long() -> None:
    error = StoreUnreachableError("x" * 5_000, "y" * 5_000)
    assert len(error.message) <= MOST_MESSAGE
    assert AnhError("z" * 5_000, remedy="r").message == "z" * (MOST_MESSAGE - 3) + "..."
    assert str(AnhError("short", remedy="r")) == "short"
