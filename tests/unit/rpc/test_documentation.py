"""docs/json-rpc.md names every method, and no others."""

import re
from pathlib import Path

from anh_rollup.rpc.dispatch import METHODS
from anh_rollup.rpc.errors import Code
from anh_rollup.rpc.logs import MOST_CHOICES, MOST_KEPT_CHOICES
from anh_rollup.rpc.not_served import FOLLOWERS_ONLY, REFUSED
from anh_rollup.rpc.service import WorldLimits
from anh_rollup.rpc.subscriptions import Topic
from anh_rollup.rpc.websocket_client import SocketLimits

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "json-rpc.md").read_text()
SERVED, _, REST = TEXT.partition("## Not served")
BY_WEBSOCKET = ("eth_subscribe", "eth_unsubscribe")
METHOD = re.compile(r"`((?:anh|debug|eth|net|trace|txpool|web3)_\w+)`")


def test_every_served_method_has_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)", SERVED, re.M))
    assert {name for name in rows if "_" in name} == {*METHODS, *FOLLOWERS_ONLY, *BY_WEBSOCKET}


def test_every_method_that_is_not_served_is_named() -> None:
    assert set(METHOD.findall(REST)) == set(REFUSED)


def test_every_topic_of_subscriptions_is_named() -> None:
    assert [topic for topic in Topic if f"| `eth_subscribe` | `{topic}`" not in SERVED] == []


def test_every_limit_is_the_one_that_holds() -> None:
    limits, sockets = WorldLimits(), SocketLimits()
    execution = limits.execution
    shown = [
        f"| {limits.call_gas:,} |",
        f"| {execution.seconds:g} seconds; what was executed",
        f"| {execution.waiting}, of which {execution.threads} at the same time; others wait half",
        f"| {limits.blocks:,} | -32005 `block range is larger than {limits.blocks}` |",
        f"| {limits.logs:,} | -32005 `query returned more than {limits.logs} results` |",
        f"| {limits.filters:,}; one that nobody asks for {limits.filter_seconds:g} seconds",
        f"| {limits.slots:,} |",
        f"| {MOST_CHOICES:,} of a place in `eth_getLogs`, {MOST_KEPT_CHOICES} together",
        f"that wait for a transaction's block | {limits.waiting} |",
        f"of more than {limits.closure:,} the last",
        f"(default {limits.sync_seconds[0] * 1000:,.0f}, at most {limits.sync_seconds[1] * 1000:,.0f})",
        f"| {sockets.connections}, with frames of {sockets.frame >> 20} MiB and {sockets.subscriptions} sub",
        f"| {sockets.messages:,} messages, {sockets.waiting >> 20} MiB, {sockets.seconds:g} seconds for each",
    ]
    assert [each for each in shown if each not in SERVED] == []


def test_every_error_code_is_explained() -> None:
    assert [code for code in Code if f"| {int(code)} |" not in SERVED] == []
