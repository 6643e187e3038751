"""Results that are shown on demand only, by somebody who shows as little as L1 lets pass."""

from dataclasses import replace

import numpy as np
import pytest
from eth_utils.crypto import keccak

from anh_rollup.accountant.answers import answer_from_model
from anh_rollup.accountant.work import Result, make_claim
from anh_rollup.challenger.strategy import Budget
from anh_rollup.encoding.artifacts import Model, ModelHeader
from anh_rollup.encoding.merkle import MerkleTree
from anh_rollup.l1.contracts.claims import ClaimState
from anh_rollup.l1.errors import L1RevertedError
from anh_rollup.protocol.claims import claim_id, commitment
from tests.scenarios.world import RULES, World

pytestmark = pytest.mark.anvil

SALT = b"\x09" * 32


@pytest.fixture
def world():
    made = World()
    yield made
    made.close()


class Withholder:
    """Claims the honest scores for a model, and answers each demand as `show` says."""

    def __init__(self, world, model, root, show):
        honest = world.accountant("withholder")
        self.chain, self.model, self.show = honest.chain, model, show
        (self.ordered,) = world.order.jobs()
        honest.worker.store.put_model(Model(world.parameters))
        evaluated = honest.worker.result(self.ordered.job, Model(world.parameters).root)
        told = Result(root, evaluated.scores)
        self.claim = make_claim(self.chain.address, self.ordered, told, "")
        self.refused = set()
        claims, made = self.chain.contracts.claims, commitment(claim_id(self.claim), SALT)
        self.chain.send("commit", claims.commit(made, RULES.claim_bond))
        self.chain.send("reveal", claims.reveal(self.claim, self.ordered.job, SALT))

    def answer(self):
        """One round: answers what it can; L1 refuses the rest."""
        self.chain.refresh()
        for demand in self.chain.docket.open_demands():
            path, opening = self.show(demand.asked, self.model)
            given = (self.claim, self.ordered.job, demand.asked, path, opening)
            try:
                self.chain.send("answer", self.chain.contracts.claims.request("answer", *given))
            except L1RevertedError as error:
                self.refused.add((demand.asked.leaf, error.reason))


def play(world, liar, challenger):
    identifier = claim_id(liar.claim)
    world.play(
        [challenger.play, challenger.examine, liar.answer],
        lambda: world.state(identifier) is not ClaimState.STANDING,
    )
    assert world.state(identifier) is ClaimState.REFUTED


def test_a_model_whose_tree_holds_something_behind_its_end_is_refuted(world):
    """All of its numbers can be had, but no bytes have its root: the challenger asks for what is behind."""
    model = Model(world.parameters)
    leaves = [each.root for each in model.tensors]
    padded = MerkleTree([*leaves, keccak(b"behind the end")])

    def show(asked, held):
        path, opening = answer_from_model(asked, held)
        leaf = min(asked.leaf, len(leaves) - 1)
        return replace(path, tree_root=padded.root, proof=tuple(padded.proof(leaf))), opening

    liar = Withholder(world, model, ModelHeader(len(leaves), padded.root).root, show)
    challenger = world.challenger()
    play(world, liar, challenger)

    assert liar.refused == {(len(leaves), "DirtyPadding")}
    assert challenger.chain.spending.calls["refuteUnanswered"] == 1


def test_a_wrong_shape_beside_a_wrong_root_is_refuted(world):
    """L1 does not look at the root that an answer names beside its opening, so that may be any."""
    first, *rest = world.parameters
    flat = Model([first.reshape(1, -1), *rest])

    def show(asked, held):
        path, opening = answer_from_model(asked, held)
        return replace(path, chunks_root=keccak(b"any root")), opening

    challenger = world.challenger()
    play(world, Withholder(world, flat, flat.root, show), challenger)

    assert challenger.chain.spending.calls["refuteShape"] == 1


def test_a_strangers_demand_behind_the_end_does_not_mislead_the_challenger(world):
    spare = Model([*world.parameters, np.zeros(3, np.int32)])
    liar, challenger = Withholder(world, spare, spare.root, answer_from_model), world.challenger()
    stranger = world.challenger("stranger").chain
    challenger.play()
    asked = replace(first_demand(challenger, liar), leaf=900, field=7)
    stranger.send("demand", stranger.contracts.claims.demand(asked, RULES.demand_fee))
    liar.answer()

    play(world, liar, challenger)
    assert challenger.chain.spending.calls["refuteResult"] == 1


def first_demand(challenger, liar):
    """The first demand that a challenger would make."""
    challenger.examine()
    return challenger._verdicts[claim_id(liar.claim)].missing[0]


def test_what_costs_too_much_is_asked_for_once_and_left(world):
    model = Model(world.parameters)
    liar, challenger = Withholder(world, model, model.root, answer_from_model), world.challenger()
    challenger.budget = Budget(most_demand_fees=2 * RULES.demand_fee)
    for _ in range(6):
        challenger.play()
        challenger.examine()
        liar.answer()

    assert challenger.chain.spending.calls == {"demand": 1}
    assert world.state(claim_id(liar.claim)) is ClaimState.STANDING
