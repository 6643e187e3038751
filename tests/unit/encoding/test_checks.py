import pytest

from anh_rollup.encoding.checks import digest, in_range
from anh_rollup.encoding.errors import EncodingError, EncodingReason
from anh_rollup.errors import AnhError


def test_bytes_of_the_right_size_become_digests() -> None:
    assert digest(bytes(32)) == bytes(32)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_digest_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(EncodingError) as caught:
        digest(bytes(size), name="the model root")
    assert caught.value.message == f"the model root has {size} bytes instead of 32"
    assert caught.value.reason is EncodingReason.WRONG_LENGTH


@pytest.mark.parametrize("value", [-3, 0, 7])
def test_a_number_inside_its_range_is_returned(value: int) -> None:
    assert in_range(value, -3, 7, name="it") == value


@pytest.mark.parametrize("value", [-4, 8])
def test_a_number_outside_its_range_is_refused(value: int) -> None:
    with pytest.raises(EncodingError, match=rf"^it is {value}, outside -3 to 7$"):
        in_range(value, -3, 7, name="it")


def test_a_stranger_cannot_make_an_error_text_long() -> None:
    with pytest.raises(EncodingError) as caught:
        in_range(1 << 100_000, 0, 7, name="it")
    assert caught.value.message == "it is a number of 100001 bits, outside 0 to 7"


@pytest.mark.parametrize("reason", list(EncodingReason))
def test_every_reason_has_a_remedy(reason: EncodingReason) -> None:
    error = EncodingError(reason, "it")
    assert isinstance(error, AnhError)
    assert error.remedy.endswith(".")
