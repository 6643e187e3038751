"""What an own game is about stays on a challenger's disk, however little room there is; nothing else does."""

from types import SimpleNamespace

import pytest

from anh_rollup.challenger.examine import Examiner
from anh_rollup.challenger.service import Challenger
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.l1.docket import Docket, GameRecord
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.protocol.game import Phase, Position
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from tests.doubles.claimed import CLAIMANT, training_case

ME, SOMEBODY, ZERO = "0x" + "11" * 20, "0x" + "33" * 20, bytes(32)


def chain_with(record, challenger):
    """A chain on which somebody challenges a claim."""
    at = Position(
        record.identifier, CLAIMANT, challenger, 0, Phase.TRACE, 0, 0, ZERO, ZERO, 0, ZERO, 0, 0, 0, 0, ZERO,
        ZERO, 0, 0, ZERO,
    )  # fmt: skip
    docket = Docket()
    docket.claims[record.identifier] = record
    docket.games[ZERO] = GameRecord(ZERO, at)
    return SimpleNamespace(
        docket=docket,
        address=ME,
        rules=None,
        refresh=lambda: SimpleNamespace(time=1000),
        status=docket.claims.get,
        sender=SimpleNamespace(balance=lambda: 0),
        contracts=SimpleNamespace(bonds=SimpleNamespace(credit_of=lambda _address: 0)),
    )


@pytest.mark.parametrize(("challenger", "stays"), [(ME, True), (SOMEBODY, False)])
def test_what_an_own_game_is_about_stays(tmp_path, challenger, stays):
    case = training_case(tmp_path)
    record = case.says()
    store = ArtifactStore(tmp_path / "full", RemotePolicy(file_roots=(tmp_path,)), most_cache=0)
    examiner = Examiner(store, ReferenceEvaluator(), case.order, L2_CHAIN_ID)
    one = Challenger(chain_with(record, challenger), examiner)
    one.look()
    store.get_program(case.program.root, case.job.uri)
    store.get_dataset(case.dataset.root, case.job.uri)
    store.get_model(record.claim.result, record.claim.uri)
    kinds = {
        ArtifactKind.PROGRAM: case.program.root,
        ArtifactKind.DATASET: case.dataset.root,
        ArtifactKind.MODEL: record.claim.result,
    }
    assert [store.has(kind, root) for kind, root in kinds.items()] == [stays] * 3
