"""What is wrong with a claim, and which call says so."""

from dataclasses import replace

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.merkle import root_from_proof
from anh_rollup.encoding.scores import ScoreTree
from anh_rollup.encoding.tensors import opening_tree_root
from anh_rollup.encoding.transactions import decode_record, encode_record
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.checks import (
    MOST_SHOWN_BYTES,
    Subject,
    check_order,
    check_scores,
    check_sources,
    check_terms,
    scores_root,
)
from anh_rollup.protocol.claims import Scores
from anh_rollup.protocol.game import TensorPath
from anh_rollup.protocol.jobs import MOST_PROPERTIES, MOST_URI_BYTES, NO_ROOT, Job, JobKind, Property
from anh_rollup.protocol.ledger import Effect, effect_of
from anh_rollup.protocol.refutations import (
    OpenGame,
    RefuteCount,
    RefuteIndex,
    RefutePlace,
    RefuteRange,
    RefuteRecord,
    RefuteResult,
    RefuteShape,
    RefuteThreshold,
)
from anh_rollup.tensor.program import Kind
from tests.doubles.claimed import COUNT, batch_of, inference_case, training_case, void_batch
from tests.doubles.ordering import ALICE, decoded


@pytest.fixture
def case(tmp_path):
    return training_case(tmp_path)


@pytest.fixture
def answering(tmp_path):
    return inference_case(tmp_path)


def ordered(case, claim, batch=None, recorded=None):
    return check_order(claim, case.job, batch or case.order.batches[0], recorded, L2_CHAIN_ID)


def subject(case, **changes):
    held = {"dataset": case.dataset, "model": case.model, "answers": case.answers, **changes}
    return Subject(case.claim, case.job, 0, case.program, **held)


def changed(array, place, value):
    copy = array.copy()
    copy.reshape(-1)[place] = value
    return copy


# --- the order


def test_an_ordered_job_is_where_the_claim_says(case):
    assert ordered(case, case.claim) is None


def test_a_place_behind_the_batch_is_refuted_even_where_the_batch_is_void(case):
    claim, void = replace(case.claim, index=3), void_batch(1)

    assert ordered(case, claim) == RefuteIndex(claim, *[case.order.batches[0].header] * 2)
    assert ordered(case, claim, void) == RefuteIndex(claim, void.header, void.header)


def test_a_forced_order_stands_behind_the_batchs_own_transactions(case):
    own, other = case.order.batches[0].records
    before = batch_of([other], number=1)
    batch = replace(batch_of([other], number=2), forced=(b"garbage", own), previous=before.header)
    claim = replace(case.claim, batch=2, index=2)

    assert ordered(case, claim, batch) is None
    for index in (1, 3):
        moved = replace(claim, index=index)
        assert ordered(case, moved, batch) == RefuteIndex(moved, batch.header, before.header)
    other_job = replace(claim, index=1, transaction=keccak256(b"garbage"))
    assert ordered(case, other_job, batch) == RefuteRecord(other_job, b"garbage")


def test_another_transaction_at_the_place_is_shown(case):
    claim, batch = replace(case.claim, index=1), case.order.batches[0]
    found = ordered(case, claim)

    assert found == RefutePlace(claim, batch.header, keccak256(batch.records[1]), found.proof)
    assert root_from_proof(found.leaf, 1, found.proof, 1) == batch.header.transactions_root


def test_an_order_of_another_job_is_shown(case):
    other = case.order.batches[0].records[1]
    claim = replace(case.claim, index=1, transaction=keccak256(other))

    assert ordered(case, claim) == RefuteRecord(claim, other)


def test_a_record_is_shown_only_where_it_fits_a_transaction(case):
    for size in (MOST_SHOWN_BYTES, MOST_SHOWN_BYTES + 1):
        record = b"\1" * size
        claim = replace(case.claim, index=0, transaction=keccak256(record))
        shown = RefuteRecord(claim, record) if size == MOST_SHOWN_BYTES else None
        assert ordered(case, claim, batch_of([record], number=1)) == shown


def test_the_longest_order_is_far_shorter_than_what_can_be_shown():
    job = Job(
        JobKind.TRAINING, b"\1" * 32, NO_ROOT,
        tuple(Property(bytes([0, 255] * 16), bytes([255, 0] * 16), -1) for _ in range(MOST_PROPERTIES)),
        2**64 - 1, "x" * MOST_URI_BYTES,
    )  # fmt: skip
    record = encode_record(decoded(ALICE.order(0, 2**255, job, gas=2**40)))

    assert effect_of(decode_record(record)) is Effect.ORDER
    assert len(record) < MOST_SHOWN_BYTES // 10


def test_on_a_void_batch_the_record_decides_wherever_it_is_ordered(case):
    records, void = case.order.batches[0].records, void_batch(2)
    stolen = replace(case.claim, batch=2, transaction=keccak256(records[1]))
    honest = replace(case.claim, batch=2)

    assert ordered(case, stolen, void, records[1]) == RefuteRecord(stolen, records[1])
    assert ordered(case, honest, void, records[0]) is None


def test_on_a_void_batch_a_transaction_that_nobody_knows_shows_nothing(case):
    assert ordered(case, replace(case.claim, batch=2), void_batch(2), None) is None


# --- the numbers


def test_a_sum_below_the_threshold_is_refuted(tmp_path):
    case = training_case(tmp_path, threshold=COUNT + 1)

    assert check_terms(case.claim, case.job) == RefuteThreshold(case.claim, case.job, 0)


def test_a_sum_at_the_threshold_is_good_enough(tmp_path):
    honest = training_case(tmp_path)
    case = training_case(tmp_path, threshold=honest.claim.scores[0].sum)

    assert check_terms(case.claim, case.job) is None


# --- the sources


def test_sources_as_declared_are_not_refuted(case, answering):
    assert (check_sources(subject(case)), check_sources(subject(answering))) == (None, None)


def test_a_list_of_another_length_is_refuted(case):
    longer = Dataset([np.concatenate([each, each]) for each in case.dataset.fields])

    assert check_sources(subject(case, dataset=longer)) == RefuteCount(
        case.claim, case.job, 0, 2 * COUNT, longer.tree.root
    )


def test_a_spare_parameter_is_refuted_by_the_models_head(case):
    spare = Model([*case.model.parameters, np.zeros(3, np.int32)])
    head = TensorPath(3, spare.tree.root, (), ())

    assert check_sources(subject(case, model=spare)) == RefuteResult(
        case.claim, case.job, 0, case.program.header, 0, head
    )


def test_a_spare_answer_is_refuted_by_the_first_sample(answering):
    spare = Dataset([*answering.answers.fields, np.zeros(COUNT, np.int32)])
    found = check_sources(subject(answering, answers=spare))
    path = TensorPath(COUNT, spare.tree.root, spare.tensors(0), tuple(spare.tree.proof(0)))

    assert found == RefuteResult(answering.claim, answering.job, 0, answering.program.header, 0, path)


def test_a_parameter_of_another_shape_is_refuted(case):
    first, second = case.model.parameters
    flat = Model([first.reshape(1, 80), second])
    found = check_sources(subject(case, model=flat))
    path = found.path

    assert isinstance(found, RefuteShape)
    assert (found.source.value, found.sample) == (case.program.source_ids(Kind.PARAMETER)[0], 0)
    assert (path.count, path.tree_root, path.tensors) == (2, flat.tree.root, (flat.tensors[0].root,))
    assert path.chunks_root == flat.tensors[0].tree_root


@pytest.mark.parametrize(("place", "value"), [(0, 10), (79, -10)])
def test_a_parameter_outside_its_range_is_opened_where_it_stands(case, place, value):
    first, second = case.model.parameters
    wrong = Model([changed(first, place, value), second])
    found = check_sources(subject(case, model=wrong))
    opening = found.opening

    assert isinstance(found, RefuteRange)
    assert (found.element, opening.chunks) == (place, (place // 32,))
    assert opening_tree_root(first.shape, opening) == wrong.tensors[0].tree_root
    assert int(opening.elements()[0, place % 32]) == value


def test_a_field_outside_its_range_is_opened_in_its_sample(case):
    rows, labels = case.dataset.fields
    wrong = Dataset([rows, changed(labels, 3, 2)])
    found = check_sources(subject(case, dataset=wrong))

    assert isinstance(found, RefuteRange)
    assert (found.source.value, found.sample, found.element) == (1, 3, 0)
    assert found.path.tensors == wrong.tensors(3)


# --- the scores


def test_scores_that_agree_show_nothing():
    tree = ScoreTree(np.array([1, 0, 1], np.int32))
    claimed = Scores(3, 2, tree.top.hash)

    assert check_scores(0, claimed, tree, None) is None


def test_an_unknown_list_is_disputed_from_its_sum_down():
    ours = ScoreTree(np.array([1, 0, 1], np.int32))

    assert check_scores(1, Scores(3, 3, bytes(32)), ours, None) == OpenGame(1, None)


def test_a_known_list_is_disputed_at_its_first_wrong_score():
    ours, theirs = (ScoreTree(np.array(each, np.int32)) for each in ([1, 0, 0], [1, 1, 1]))
    claimed = Scores(3, 3, theirs.top.hash)

    assert check_scores(0, claimed, ours, theirs.scores) == OpenGame(0, (1, 1, tuple(theirs.proof(1))))


def test_a_list_is_found_under_its_root(case):
    assert scores_root(case.claim.scores[0]) == case.evaluated.scores.root
