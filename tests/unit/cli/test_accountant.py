"""An accountant says who it is when it starts."""

import pytest

from anh_rollup.cli.accountant import introduce
from anh_rollup.primitives import ETHER

ADDRESS, URL = "0x" + "12" * 20, "http://127.0.0.1:8650"


def test_it_names_account_balance_and_address(capsys: pytest.CaptureFixture[str]) -> None:
    introduce(ADDRESS, URL, 3 * ETHER // 2)
    assert capsys.readouterr().out.splitlines() == [
        f"account {ADDRESS} with 1.5000 ETH on L1",
        f"artifacts are served at {URL}",
    ]


def test_it_warns_without_a_wei(capsys: pytest.CaptureFixture[str]) -> None:
    introduce(ADDRESS, URL, 0)
    assert capsys.readouterr().out.splitlines()[2:] == [
        "warning: without ether there is no bond and no claim; send some to the account on L1"
    ]
    introduce(ADDRESS, URL, 1)
    assert "warning" not in capsys.readouterr().out
