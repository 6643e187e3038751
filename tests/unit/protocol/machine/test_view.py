import pytest

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import ZERO_ADDRESS, ZERO_DIGEST, Address, Digest
from anh_rollup.protocol.machine.view import Notice, NoticeKind

ADDRESS = Address(b"\xab" * 20)
TRANSACTION = Digest(b"\xcd" * 32)


@pytest.mark.parametrize(
    "notice",
    [
        Notice(NoticeKind.DEPOSIT, ADDRESS, 2**200, ZERO_DIGEST, 7),
        Notice(NoticeKind.PAYOUT, ADDRESS, 0, TRANSACTION, 2**64 - 1),
        Notice(NoticeKind.LAPSE, ZERO_ADDRESS, 0, TRANSACTION, 0),
    ],
    ids=lambda notice: notice.kind.name,
)
def test_a_notice_is_hashed_as_the_inbox_does(notice: Notice) -> None:
    fields = (notice.kind, notice.account, notice.amount, notice.transaction, notice.block_number)
    encoded = encode(["uint8", "address", "uint256", "bytes32", "uint64"], fields)
    assert notice.digest == keccak256(encoded)
