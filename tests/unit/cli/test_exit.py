"""`anh exit`: its words, and what it says of an exit that is queued on L1."""

from typing import Any

import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.cli.exit import parse_amount, queue_lines
from anh_rollup.cli.options import AmountOptionError
from anh_rollup.l1.contracts.inbox import Forced, InboxRules
from anh_rollup.primitives import ETHER, L2_CHAIN_ID, Seconds, Wei

RULES = InboxRules(L2_CHAIN_ID, "0x", Seconds(600), Seconds(1_200), Wei(ETHER // 1_000), 5_000)


def test_an_amount_is_ether_or_all() -> None:
    assert (parse_amount("0.5"), parse_amount("all")) == (ETHER // 2, None)
    with pytest.raises(AmountOptionError):
        parse_amount("ALL")


def test_a_queued_exit_is_told_with_its_times() -> None:
    first, due, free = queue_lines(Forced(4, b"", Seconds(0), b""), RULES)
    assert "forced transaction 4" in first
    assert "1970-01-01 00:10:00" in due
    assert "1970-01-01 00:20:00" in free


def invoke(*words: str) -> Any:
    return CliRunner().invoke(main, ["exit", *words, "--l1", "http://127.0.0.1:1", "--key-file", "none"])


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["1"], "there is neither an --l2 to send the exit to nor --force"),
        (["much", "--force"], "'much' is no amount of ether"),
    ],
)
def test_words_that_make_no_sense_end_with_2(words: list[str], told: str) -> None:
    result = invoke(*words)
    assert result.exit_code == 2
    assert told in result.output
