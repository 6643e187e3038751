"""docs/json-rpc.md names every method, and no others."""

import re
from pathlib import Path

from anh_rollup.rpc.dispatch import METHODS
from anh_rollup.rpc.errors import Code
from anh_rollup.rpc.not_served import NOT_SERVED

TEXT = (Path(__file__).resolve().parents[3] / "docs" / "json-rpc.md").read_text()
SERVED, _, REST = TEXT.partition("## Not served")
METHOD = re.compile(r"`((?:anh|debug|eth|net|trace|txpool|web3)_\w+)`")


def test_every_served_method_has_a_row() -> None:
    rows = set(re.findall(r"^\| `(\w+)", SERVED, re.M))
    assert {name for name in rows if "_" in name} == set(METHODS)


def test_every_method_that_is_not_served_is_named() -> None:
    assert set(METHOD.findall(REST)) - set(METHODS) == set(NOT_SERVED)


def test_every_error_code_is_explained() -> None:
    assert [code for code in Code if f"| {int(code)} |" not in SERVED] == []
