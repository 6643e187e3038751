"""Nodes' words for a refused transaction are understood."""

import pytest

from anh_rollup.l1.errors import L1RejectedError
from anh_rollup.l1.refusals import Refusal, classify


@pytest.mark.parametrize(
    ("words", "meaning"),
    [
        ("already known", Refusal.KNOWN),
        ("AlreadyKnown", Refusal.KNOWN),
        ("transaction already imported", Refusal.KNOWN),
        ("nonce too low: next nonce 5, tx nonce 4", Refusal.NONCE_TOO_LOW),
        ("nonce too low", Refusal.NONCE_TOO_LOW),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", Refusal.NONCE_TOO_LOW),
        (
            "the tx doesn't have the correct nonce. account has nonce of: 1 tx has nonce of: 0",
            Refusal.NONCE_TOO_LOW,
        ),
        ("replacement transaction underpriced", Refusal.UNDERPRICED),
        ("max fee per gas less than block base fee", Refusal.UNDERPRICED),
        ("address already reserved", Refusal.RESERVED),
        ("insufficient funds for gas * price + value", Refusal.FUNDS),
        ("Insufficient funds for gas * price + value", Refusal.FUNDS),
        ("sender doesn't have enough funds to send tx", Refusal.FUNDS),
        ("intrinsic gas too low", Refusal.OTHER),
        ("", Refusal.OTHER),
    ],
)
def test_words_have_a_meaning(words: str, meaning: Refusal) -> None:
    assert classify(L1RejectedError("eth_sendRawTransaction", -32000, words)) is meaning
