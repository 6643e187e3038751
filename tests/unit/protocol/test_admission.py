import pytest

from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.protocol.admission import REJECTED, REMEDIES, RejectedError, RejectReason, rejection_of
from anh_rollup.protocol.ledger import SkipReason


def test_a_rejection_says_its_reason_with_the_values_that_matter() -> None:
    error = RejectedError(RejectReason.NONCE_TOO_LOW, "next nonce 5, tx nonce 4")
    assert str(error) == "nonce too low: next nonce 5, tx nonce 4"
    assert error.remedy == "Use the nonce that eth_getTransactionCount gives for `pending`."


def test_every_reason_has_a_remedy() -> None:
    assert set(REMEDIES) == set(RejectReason)


def test_everything_that_the_ledger_would_skip_is_rejected() -> None:
    assert set(REJECTED) == set(SkipReason)


@pytest.mark.parametrize("reason", [each for each in SkipReason if each is not SkipReason.UNDECODABLE])
def test_what_the_ledger_would_skip_is_rejected_in_the_same_words(reason: SkipReason) -> None:
    assert REJECTED[reason].value == reason.value


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        (EncodingReason.WRONG_CHAIN, RejectReason.WRONG_CHAIN),
        (EncodingReason.BAD_SIGNATURE, RejectReason.BAD_SIGNATURE),
        (EncodingReason.TOO_LARGE, RejectReason.TOO_LARGE),
        (EncodingReason.UNSUPPORTED, RejectReason.UNSUPPORTED),
        (EncodingReason.TRUNCATED, RejectReason.MALFORMED),
    ],
)
def test_unsound_bytes_are_rejected_in_the_words_of_clients(
    found: EncodingReason, expected: RejectReason
) -> None:
    error = rejection_of(EncodingError(found, "detail"))
    assert (error.reason, str(error)) == (expected, f"{expected.value}: detail")
