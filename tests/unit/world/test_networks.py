"""Contracts whose trainings are waited for, and what strict transactions and reorgs do to them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from eth_abi import decode

from anh_rollup.primitives import Gas, Seconds, Wei
from anh_rollup.protocol.called import UNTRAINED, Cell, TrainingRequest, called_job
from anh_rollup.protocol.jobs import terms
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.publications import CALL_GAS, WORD_GAS
from anh_rollup.world.engine import Outcome, Run
from anh_rollup.world.errors import ResultMissingError
from anh_rollup.world.network_contract import MOST_TRAINING_SECONDS, TRAIN_GAS, WAIT_GAS
from anh_rollup.world.position import Position
from tests.doubles.networks import (
    CLAIMANT,
    DEADLINE,
    GAS,
    MODEL,
    PROGRAM,
    PROPERTY,
    Networks,
    calldata,
    cell,
    error,
    job,
    sample,
    wanted,
)
from tests.doubles.ordering import ALICE, BOB, ETHER

TERMS = terms(job())


@pytest.fixture
def networks(tmp_path: Path) -> Networks:
    return Networks(tmp_path)


# --- training ---


def test_a_training_is_waited_for_and_everything_else_goes_on(networks: Networks) -> None:
    trains = networks.send("learn", *wanted(), value=ETHER)
    after = networks.send("step")
    networks.orders.transfer(BOB, CLAIMANT, 5)
    paid = networks.orders.seal().number, 0
    networks.append()
    for waiting in (trains, after):
        with pytest.raises(ResultMissingError):
            networks.world.receipt(*waiting)
    transfer = networks.world.receipt(*paid)
    assert transfer is not None
    assert transfer.status
    assert networks.world.ledger_account(CLAIMANT, networks.world.behind(*paid)).cleared == 5
    assert networks.world.requests() == {Position(*trains): TrainingRequest(job(), ETHER)}

    networks.world.learn({TERMS: cell()})
    for done in (trains, after):
        receipt = networks.world.receipt(*done)
        assert receipt is not None
        assert receipt.status
    assert networks.world.requests() == {}
    assert networks.view("model", "bytes32") == MODEL.root
    assert networks.view("score", "int64") == 12
    assert networks.view("steps", "uint256") == 1101


def test_who_filled_the_cell_is_paid_in_the_run(networks: Networks) -> None:
    trains = networks.send("learn", *wanted(), value=ETHER)
    networks.world.learn({TERMS: cell()})
    behind = networks.world.behind(*trains)
    before = networks.world.behind(trains[0] - 1)
    assert networks.world.balance(CLAIMANT, behind).uncleared == ETHER
    assert networks.world.balance(DNN, behind).total == 0
    had, has = (networks.world.balance(ALICE.address, each).total for each in (before, behind))
    assert ETHER < had - has < ETHER + GAS * 2 * 10**9


def test_the_model_is_used_in_the_same_transaction(networks: Networks) -> None:
    x, answer = sample(1)
    place = networks.send("learnAndAsk", *wanted(), x)
    networks.world.learn({TERMS: cell()})
    receipt = networks.world.receipt(*place)
    assert receipt is not None
    assert receipt.status
    assert list(networks.view("last", "int32[]")) == answer


def test_the_same_request_gives_the_same_result_and_pays_the_same_accountant(networks: Networks) -> None:
    networks.world.learn({TERMS: cell()})
    first, second = (networks.send("learn", *wanted(), value=ETHER) for _ in range(2))
    for place in (first, second):
        receipt = networks.world.receipt(*place)
        assert receipt is not None
        assert receipt.status
    assert networks.world.balance(CLAIMANT, networks.world.behind(*second)).uncleared == 2 * ETHER


@pytest.mark.parametrize("seconds", [1, 40, MOST_TRAINING_SECONDS])
def test_a_training_costs_a_constant_and_the_time_until_its_deadline(
    networks: Networks, seconds: int
) -> None:
    deadline = Seconds(networks.time + seconds)
    data = calldata("train", *wanted(deadline=deadline))
    intrinsic = 21_000 + sum(16 if byte else 4 for byte in data)
    price = CALL_GAS + TRAIN_GAS + WAIT_GAS * seconds + WORD_GAS * -(-len(data) // 32)
    named = terms(replace(job(), deadline=deadline))
    # Who cannot pay for it waits for nothing.
    assert networks.run(DNN, data, gas=intrinsic + price - 1).halt == "out of gas"
    with pytest.raises(ResultMissingError):
        networks.run(DNN, data, gas=intrinsic + price)
    networks.world.learn({named: cell()})
    outcome = networks.run(DNN, data, gas=intrinsic + price)
    assert outcome.gas_used == intrinsic + price
    assert decode(["(bytes32,int64[])"], outcome.output)[0] == (MODEL.root, (12,))
    networks.world.learn({named: UNTRAINED})
    outcome = networks.run(DNN, data, gas=intrinsic + price)
    assert (outcome.succeeded, outcome.gas_used) == (False, intrinsic + price)
    assert outcome.output == error("NotTrained", "bytes32", named)


@pytest.mark.parametrize("seconds", [-1, 0, MOST_TRAINING_SECONDS + 1, 2**63])
def test_a_deadline_that_is_over_or_too_far_is_refused_at_once(networks: Networks, seconds: int) -> None:
    now = networks.time
    for value in (0, 7):
        outcome = networks.run(DNN, calldata("train", *wanted(deadline=now + seconds)), value)
        expected = now + seconds, now + 1, now + MOST_TRAINING_SECONDS
        assert (outcome.succeeded, outcome.halt) == (False, None)
        assert outcome.output == error("DeadlineOutside", "uint64,uint64,uint64", *expected)
        assert outcome.gas_used < TRAIN_GAS


# --- trainings that nobody does ---


def test_a_call_whose_job_has_lapsed_reverts_and_everything_behind_it_goes_on(networks: Networks) -> None:
    trains = networks.send("learn", *wanted(), value=ETHER)
    after = networks.send("step")
    assert list(networks.world.requests()) == [Position(*trains)]
    networks.world.learn({TERMS: UNTRAINED})
    assert networks.world.requests() == {}
    for place, status in ((trains, False), (after, True)):
        receipt = networks.world.receipt(*place)
        assert receipt is not None
        assert receipt.status is status
    assert networks.view("steps", "uint256") == 1
    behind = networks.world.behind(*after)
    assert [networks.world.balance(who, behind).total for who in (DNN, CLAIMANT)] == [0, 0]


def test_the_caller_may_catch_it_and_keeps_its_money(networks: Networks) -> None:
    networks.world.learn({TERMS: UNTRAINED})
    outcome = networks.run(networks.customer, calldata("raw", calldata("train", *wanted())), ETHER)
    done, answer = decode(["bool", "bytes"], outcome.output)
    assert (done, answer) == (False, error("NotTrained", "bytes32", TERMS))
    assert outcome.succeeded
    customer = outcome.changes.accounts[networks.customer]
    assert customer is not None
    assert customer.balance == ETHER


@pytest.mark.parametrize("then", [None, cell()])
def test_a_lapse_that_l1_takes_back_is_undone(tmp_path: Path, then: Cell | None) -> None:
    networks = Networks(tmp_path / "one")
    trains = networks.send("learn", *wanted(), value=ETHER)
    after = networks.send("step")
    networks.world.learn({TERMS: UNTRAINED})
    assert networks.view("steps", "uint256") == 1
    told = {} if then is None else {TERMS: then}
    networks.world.learn(told)
    if then is None:
        for waiting in (trains, after):
            with pytest.raises(ResultMissingError):
                networks.world.receipt(*waiting)
        assert list(networks.world.requests()) == [Position(*trains)]
        return
    fresh = Networks(tmp_path / "two", networks.orders)
    fresh.world.learn(told)
    for each in (networks, fresh):
        assert each.view("steps", "uint256") == 1101
        assert each.world.balance(CLAIMANT, each.world.behind(*after)).uncleared == ETHER
    assert fresh.world.receipt(*trains) == networks.world.receipt(*trains)


def test_a_lapse_outlives_a_restart(tmp_path: Path) -> None:
    first = Networks(tmp_path)
    trains = first.send("learn", *wanted())
    first.world.learn({TERMS: UNTRAINED})
    assert first.world.receipt(*trains) is not None
    again = Networks(tmp_path, first.orders)
    executed = again.world.executed
    again.world.learn({TERMS: UNTRAINED})
    receipt = again.world.receipt(*trains)
    assert receipt is not None
    assert not receipt.status
    assert again.world.executed == executed


def test_nobody_is_paid_by_a_run_that_fails_afterwards(networks: Networks) -> None:
    networks.world.learn({TERMS: cell()})
    needed = networks.run(networks.customer, calldata("learn", *wanted())).gas_used
    place = networks.send("learn", *wanted(), value=ETHER, gas=needed - 5_000)
    receipt = networks.world.receipt(*place)
    assert receipt is not None
    assert not receipt.status
    assert networks.world.balance(CLAIMANT, networks.world.behind(*place)).total == 0


# --- strict transactions ---


Listed = tuple[tuple[str, tuple[str, ...]], ...]


def listed(networks: Networks, data: bytes, value: int = 0) -> tuple[Listed, Gas]:
    """The access list that the node makes for a call of the customer, and the gas to send it with."""
    world = networks.world
    run = Run(ALICE.address, 99, networks.customer, Wei(value), data, Gas(GAS), Wei(0))
    found, gas = world.access_list(run, world.behind(world.head))
    assert DNN in [who for who, _ in found]
    return tuple(("0x" + who.hex(), tuple(f"{key:#066x}" for key in keys)) for who, keys in found), gas


def test_a_strict_transaction_infers_with_the_list_that_the_node_makes(networks: Networks) -> None:
    x, answer = sample(1)
    arguments = (PROGRAM.root, MODEL.root, x)
    access, gas = listed(networks, calldata("ask", *arguments))
    receipt = networks.world.receipt(*networks.send("ask", *arguments, accessList=access, gas=gas))
    assert receipt is not None
    assert receipt.status
    assert list(networks.view("last", "int32[]")) == answer


def test_a_strict_training_pays_whom_its_list_lets_it_pay(networks: Networks) -> None:
    networks.world.learn({TERMS: cell()})
    access, gas = listed(networks, calldata("learn", *wanted()), ETHER)
    without = tuple(each for each in access if each[0] != "0x" + CLAIMANT.hex())
    assert len(without) == len(access) - 1
    for given, status in ((without, False), (access, True)):
        place = networks.send("learn", *wanted(), value=ETHER, accessList=given, gas=gas)
        receipt = networks.world.receipt(*place)
        assert receipt is not None
        assert receipt.status is status
    assert networks.world.balance(CLAIMANT, networks.world.behind(*place)).uncleared == ETHER


def test_a_strict_transaction_that_waits_holds_up_what_it_touches_alone(networks: Networks) -> None:
    networks.world.learn({TERMS: cell()})
    access, gas = listed(networks, calldata("learn", *wanted()))
    networks.world.learn({})
    waits = networks.send("learn", *wanted(), accessList=access, gas=gas)
    with pytest.raises(ResultMissingError):
        networks.world.receipt(*waits)
    assert networks.world.balance(BOB.address, networks.world.behind(*waits)).total > 0
    with pytest.raises(ResultMissingError):
        networks.world.balance(ALICE.address, networks.world.behind(*waits))


# --- what L1 takes back ---


def test_what_was_executed_with_a_claim_that_l1_takes_back_is_undone(tmp_path: Path) -> None:
    networks = Networks(tmp_path / "one")
    before = networks.send("step")
    trains = networks.send("learn", *wanted(), value=ETHER)
    after = networks.send("step")
    networks.world.learn({TERMS: cell()})
    assert networks.view("steps", "uint256") == 1102

    networks.world.learn({})
    executed = networks.world.executed
    assert networks.world.receipt(*before) is not None
    assert networks.world.executed == executed
    for waiting in (trains, after):
        with pytest.raises(ResultMissingError):
            networks.world.receipt(*waiting)

    another = replace(cell(b"\7" * 32, score=99), claimant=BOB.address)
    networks.world.learn({TERMS: another})
    fresh = Networks(tmp_path / "two", networks.orders)
    fresh.world.learn({TERMS: another})
    for world in (networks, fresh):
        assert world.view("model", "bytes32") == b"\7" * 32
        assert world.view("steps", "uint256") == 1102
        assert world.world.balance(CLAIMANT, world.world.behind(*after)).total == 0
        assert world.world.balance(BOB.address, world.world.behind(*after)).uncleared == ETHER
    assert fresh.world.receipt(*trains) == networks.world.receipt(*trains)


def test_cells_outlive_a_restart(tmp_path: Path) -> None:
    first = Networks(tmp_path)
    first.world.learn({TERMS: cell()})
    trains = first.send("learn", *wanted())
    again = Networks(tmp_path, first.orders)
    again.world.learn({TERMS: cell()})
    receipt = again.world.receipt(*trains)
    assert receipt is not None
    assert receipt.status
    executed = again.world.executed
    again.world.learn({TERMS: cell()})
    assert again.view("model", "bytes32") == MODEL.root
    assert again.world.executed == executed


def test_a_run_that_waits_is_not_run_again_before_its_cell_is_filled(networks: Networks) -> None:
    place = networks.send("learn", *wanted())
    with pytest.raises(ResultMissingError):
        networks.world.receipt(*place)
    engine, ran = networks.world._execution._engine, []
    run = engine.run
    engine.run = lambda *given: ran.append(given) or run(*given)  # type: ignore[method-assign, func-returns-value]
    with pytest.raises(ResultMissingError):
        networks.world.receipt(*place)
    assert ran == []
    networks.world.learn({TERMS: cell()})
    assert networks.world.receipt(*place) is not None
    assert len(ran) == 1


def test_what_a_run_waited_for_is_forgotten_with_the_cell_that_it_had_used(networks: Networks) -> None:
    """Its second request follows from the first one's result."""
    second = {model: called_job(model, [PROPERTY], DEADLINE, "") for model in (MODEL.root, b"\7" * 32)}
    place = networks.send("learnTwice", *wanted())
    for model, other in second.items():
        networks.world.learn({TERMS: cell(model)})
        assert networks.world.requests() == {Position(*place): TrainingRequest(other, Wei(0))}
    networks.world.learn({TERMS: cell(b"\7" * 32), terms(second[b"\7" * 32]): cell(b"\6" * 32)})
    assert networks.world.requests() == {}
    assert networks.view("model", "bytes32") == b"\6" * 32


def test_a_cell_that_changes_during_a_run_makes_it_run_again(networks: Networks) -> None:
    place = networks.send("learnTwice", *wanted())
    networks.world.learn({TERMS: cell()})
    engine, changed = networks.world._execution._engine, []
    run = engine.run

    def change(*given: Any) -> Outcome:
        try:
            return run(*given)
        finally:
            if not changed:
                changed.append(networks.world.learn({TERMS: cell(b"\7" * 32)}))

    engine.run = change  # type: ignore[method-assign]
    other = called_job(b"\7" * 32, [PROPERTY], DEADLINE, "")
    assert networks.world.requests() == {Position(*place): TrainingRequest(other, Wei(0))}
