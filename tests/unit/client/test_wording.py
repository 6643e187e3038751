"""Amounts and digests as people read them."""

from anh_rollup.client.wording import short, show_ether
from anh_rollup.primitives import ETHER


def test_amounts_and_digests_are_shown_short() -> None:
    assert show_ether(1_500 * ETHER + ETHER // 8) == "1,500.1250 ETH"
    assert short(bytes(range(32))) == "0x00010203"
