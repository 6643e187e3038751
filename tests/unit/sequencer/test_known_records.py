from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.sequencer.known_records import KnownRecords
from tests.doubles.ordering import ALICE, BOB, pair

RECORD, TRANSACTION = pair(ALICE.transfer(0, BOB.address, 1))
OTHER, ANOTHER = pair(ALICE.transfer(1, BOB.address, 1))


def test_a_known_record_is_answered_once_without_decoding() -> None:
    known = KnownRecords()
    known.note(RECORD, TRANSACTION)
    assert known.decode(RECORD, L2_CHAIN_ID) is TRANSACTION
    again = known.decode(RECORD, L2_CHAIN_ID)
    assert again == TRANSACTION
    assert again is not TRANSACTION


def test_any_other_record_is_decoded() -> None:
    known = KnownRecords()
    known.note(RECORD, TRANSACTION)
    assert known.decode(OTHER, L2_CHAIN_ID) == ANOTHER
    assert known.decode(b"no record", L2_CHAIN_ID) is None
