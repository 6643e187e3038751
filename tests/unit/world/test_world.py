import logging
import shutil
import sqlite3
import threading
from contextlib import closing
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Gas
from anh_rollup.protocol.fees import call_gas
from anh_rollup.protocol.jobs import order_calldata
from anh_rollup.protocol.ledger import Account as LedgerAccount
from anh_rollup.protocol.ledger import Payout
from anh_rollup.world import execution
from anh_rollup.world.answers import Balance, Kind, Receipt
from anh_rollup.world.engine import Account, Changes, Log, Outcome, Run
from anh_rollup.world.errors import (
    BlockOutOfOrderError,
    EngineUnsoundError,
    ResultMissingError,
    UnknownPositionError,
    WorldClosedError,
    WrongWorldError,
)
from anh_rollup.world.position import Position
from anh_rollup.world.strict import ACCOUNT_KEY
from anh_rollup.world.world import World
from tests.doubles.ordering import ALICE, BOB, ETHER, JOB, MALLORY, SEQUENCER
from tests.doubles.toy_engine import Step, ToyEngine, program
from tests.doubles.worlds import CONTRACTS, FEE, Cells, Orders, appended, world_in

ONE, TWO, THREE, FOUR = CONTRACTS
COUNT = ["add", 0, 1]


@pytest.fixture
def orders() -> Orders:
    return Orders().fund()


def built(folder: Path, orders: Orders, **options: object) -> World:
    return appended(world_in(folder, **options), orders.blocks)  # type: ignore[arg-type]


def asked(*steps: Step, gas: int = 100_000, **fields: object) -> Run:
    base = {"sender": ALICE.address, "nonce": 0, "to": ONE, "value": 0, "data": program(*steps)}
    return Run(**{**base, "gas_limit": gas, "gas_price": 0, **fields})  # type: ignore[arg-type]


# --- what costs nothing ---


def test_appending_and_the_ledger_execute_nothing(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT)
    orders.transfer(BOB, ALICE.address, 7)
    orders.seal()
    world = built(tmp_path, orders)
    behind = world.behind(2, 0)
    fee = 200_000 * FEE
    assert world.ledger_account(ALICE.address, world.behind(1)) == LedgerAccount(0, 100 * ETHER)
    assert world.ledger_account(ALICE.address, behind) == LedgerAccount(1, 100 * ETHER - fee)
    assert world.ledger_account(ALICE.address, world.behind(2)) == LedgerAccount(1, 100 * ETHER - fee + 7)
    assert (world.head, world.executed) == (2, 0)


def test_plain_money_is_certain_without_execution(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
    orders.transfer(BOB, MALLORY.address, 7)
    orders.seal()
    world = built(tmp_path, orders)
    assert world.balance(MALLORY.address, world.behind(2)) == Balance(100 * ETHER + 7, 0, 0)
    assert world.executed == 0


def test_plain_transactions_have_receipts_without_execution(tmp_path: Path, orders: Orders) -> None:
    orders.transfer(ALICE, BOB.address, 1)
    orders.add(ALICE, nonce=9)
    orders.order(BOB, 70)
    block = orders.seal()
    world = built(tmp_path, orders)
    price = block.header.base_fee
    gas = call_gas(order_calldata(JOB))
    assert [world.receipt(2, index) for index in range(-1, 4)] == [
        None,
        Receipt(Position(2, 0), Kind.TRANSFER, True, Gas(21_000), price),
        Receipt(Position(2, 1), Kind.SKIPPED, False, Gas(0), 0),
        Receipt(Position(2, 2), Kind.ORDER, True, gas, price),
        None,
    ]
    assert world.executed == 0


# --- money ---


def test_gas_that_was_not_used_comes_back_uncleared(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, value=5)
    orders.seal()
    world = built(tmp_path, orders)
    price = orders.blocks[1][0].header.base_fee
    back = 200_000 * FEE - 22_000 * price
    cleared = 100 * ETHER - 200_000 * FEE - 5
    assert world.balance(ALICE.address, world.behind(2)) == Balance(cleared, back, 22_000)
    assert world.balance(ONE, world.behind(2)) == Balance(0, 5, 22_000)
    assert world.receipt(2, 0) == Receipt(Position(2, 0), Kind.PREPAID, True, 22_000, price)


def test_a_value_that_nobody_covers_fails_and_comes_back(tmp_path: Path) -> None:
    orders = Orders().fund(ALICE, wei=200_000 * FEE + 3)
    orders.send(ALICE, COUNT, value=5)
    orders.seal()
    world = built(tmp_path, orders)
    receipt = world.receipt(2, 0)
    assert receipt is not None
    assert not receipt.status
    spent = receipt.gas_used * receipt.effective_price
    assert world.balance(ALICE.address, world.behind(2)).total == 200_000 * FEE + 3 - spent
    assert world.slot(ONE, 0, world.behind(2)) == 0


def test_uncleared_money_pays_a_value(tmp_path: Path) -> None:
    orders = Orders().fund(ALICE).fund(MALLORY, wei=200_000 * FEE)
    orders.send(ALICE, ["pay", MALLORY.address.hex(), 9], value=9)
    orders.send(MALLORY, COUNT, value=9, to=TWO)
    orders.seal()
    world = built(tmp_path, orders)
    assert world.balance(TWO, world.behind(3)).total == 9


def test_a_contract_spends_what_plain_transfers_have_brought_it(tmp_path: Path, orders: Orders) -> None:
    orders.transfer(BOB, ONE, 8)
    orders.send(ALICE, ["pay", BOB.address.hex(), 3])
    orders.seal()
    world = built(tmp_path, orders)
    assert world.balance(ONE, world.behind(2)) == Balance(8, -3, 22_000)
    assert world.account(ONE, world.behind(2)).balance == 5


def test_the_nonce_of_a_signer_is_the_ledgers_and_that_of_a_contract_the_worlds(
    tmp_path: Path, orders: Orders
) -> None:
    orders.send(ALICE, ["create"])
    orders.transfer(ALICE, BOB.address, 1)
    orders.seal()
    world = built(tmp_path, orders)
    assert world.account(ALICE.address, world.behind(2, 0)).nonce == 1
    assert world.account(ALICE.address, world.behind(2)).nonce == 2
    assert world.account(ONE, world.behind(2)) == Account(nonce=1)


# --- how much is executed ---


def test_a_question_executes_its_closure_only_and_once(tmp_path: Path, orders: Orders) -> None:
    for number, wallet in enumerate((ALICE, BOB, MALLORY)):
        to = CONTRACTS[number]
        for _ in range(3):
            orders.send(wallet, COUNT, to=to, access=((to, (0,)),))
    orders.seal()
    world = built(tmp_path, orders)
    assert [world.slot(ONE, 0, world.behind(2, index)) for index in (0, 1, 4, 8)] == [1, 2, 3, 3]
    assert world.executed == 3
    assert world.slot(ONE, 0, world.behind(2)) == 3
    assert world.executed == 3
    assert world.closure(2, 4) == [Position(2, 3), Position(2, 4)]


def test_a_transaction_without_a_list_depends_on_all_before_it(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
    orders.transfer(BOB, ALICE.address, 1)
    orders.send(BOB, COUNT, to=TWO)
    orders.send(MALLORY, COUNT, to=THREE, access=((THREE, (0,)),))
    orders.seal()
    world = built(tmp_path, orders)
    assert world.closure(2, 3) == [Position(2, 0), Position(2, 2), Position(2, 3)]
    assert world.closure(2, 2) == [Position(2, 0), Position(2, 2)]
    assert world.closure(2, 1) == [Position(2, 1)]
    assert world.slot(FOUR, 0, world.behind(2)) == 0
    assert world.executed == 2


def test_a_call_executes_what_it_looks_at_only(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
    orders.send(BOB, COUNT, to=TWO, access=((TWO, (0,)),))
    orders.seal()
    world = built(tmp_path, orders)
    run = asked(["copy", ONE.hex(), 0, 1], ["log", 5], to=THREE)
    outcome = world.call(run, world.behind(2))
    assert dict(outcome.changes.slots) == {(THREE, 1): 1}
    assert world.executed == 1
    assert world.slot(THREE, 1, world.behind(2)) == 0


def test_a_closure_of_any_length_is_executed(tmp_path: Path) -> None:
    orders = Orders().fund(ALICE, wei=10**6 * ETHER)
    for _ in range(20):
        for _ in range(25):
            orders.send(ALICE, COUNT, access=((ONE, (0,)),))
        orders.seal()
    world = built(tmp_path, orders)
    assert world.slot(ONE, 0, world.behind(21)) == 500
    assert len(world.closure(21, 24)) == world.executed == 500


# --- validation ---


def test_what_is_final_costs_no_validation(tmp_path: Path, orders: Orders) -> None:
    for _ in range(3):
        orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
        orders.seal()
    world = built(tmp_path, orders)
    head = world.behind(4)
    costs = [world.balance(ALICE.address, head).validation_cost]
    for number in (2, 3, 4):
        world.finalize(number)
        costs.append(world.balance(ALICE.address, head).validation_cost)
    assert costs == [66_000, 44_000, 22_000, 0]


def test_open_transactions_that_are_not_final_cost_validation_of_everything(
    tmp_path: Path, orders: Orders
) -> None:
    orders.send(ALICE, COUNT)
    orders.seal()
    orders.send(BOB, COUNT, to=TWO, access=((TWO, (0,)),))
    orders.send(ALICE, COUNT)
    orders.seal()
    world = built(tmp_path, orders)
    assert world.balance(MALLORY.address, world.behind(3)) == Balance(100 * ETHER, 0, 66_000)
    world.finalize(2)
    assert world.balance(MALLORY.address, world.behind(3)).validation_cost == 44_000


# --- missing results ---


def test_what_lacks_a_result_waits_and_everything_else_goes_on(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
    orders.send(ALICE, ["ask", "cell"], COUNT, to=ONE, access=((ONE, (0,)),))
    orders.send(BOB, COUNT, to=TWO, access=((TWO, (0,)),))
    orders.seal()
    cells = Cells()
    world = built(tmp_path, orders, systems=cells.systems)
    with pytest.raises(ResultMissingError) as raised:
        world.slot(ONE, 0, world.behind(2))
    assert raised.value.request == b"cell"
    assert world.waiting() == {Position(2, 1): b"cell"}
    assert world.slot(ONE, 0, world.behind(2, 0)) == 1
    assert world.slot(TWO, 0, world.behind(2)) == 1
    assert world.executed == 2
    cells.known.add(b"cell")
    assert world.slot(ONE, 0, world.behind(2)) == 2
    assert world.waiting() == {}


# --- another order ---


def test_what_followed_from_a_replaced_order_is_forgotten(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT)
    orders.seal()
    world = built(tmp_path, orders)
    other = Orders().fund()
    other.send(ALICE, ["add", 0, 40], ["log", 1])
    other.transfer(BOB, ALICE.address, 1)
    other.seal()
    assert world.slot(ONE, 0, world.behind(2)) == 1
    world.truncate(2)
    assert (world.head, world.executed) == (1, 1)
    with pytest.raises(UnknownPositionError, match="the order has no block 2; its last block is 1"):
        world.behind(2)
    appended(world, other.blocks[1:])
    assert world.slot(ONE, 0, world.behind(2)) == 40
    assert world.ledger_account(ALICE.address, world.behind(2)) == other.ledger.account(ALICE.address)


def test_truncating_opens_escrows_again(tmp_path: Path, orders: Orders) -> None:
    record = orders.order(ALICE, 70)
    orders.seal()
    orders.seal(Payout(keccak256(record), BOB.address))
    world = built(tmp_path, orders)
    assert world.ledger_account(BOB.address, world.behind(3)).cleared == 100 * ETHER + 70
    world.truncate(3)
    assert world.ledger_account(BOB.address, world.behind(2)).cleared == 100 * ETHER
    appended(world, orders.blocks[2:])
    assert world.ledger_account(BOB.address, world.behind(3)).cleared == 100 * ETHER + 70
    assert world._ledger == orders.ledger


@pytest.mark.parametrize("number", [1, 3])
def test_a_block_follows_the_last_one(tmp_path: Path, orders: Orders, number: int) -> None:
    orders.seal()
    orders.seal()
    world = appended(world_in(tmp_path), orders.blocks[:1])
    with pytest.raises(BlockOutOfOrderError, match=f"block {number} cannot follow block 1"):
        world.append(*orders.blocks[number - 1])
    assert world.head == 1


def test_the_first_block_stays(tmp_path: Path) -> None:
    with pytest.raises(UnknownPositionError):
        world_in(tmp_path).truncate(0)


# --- restarts ---


def test_a_world_goes_on_where_it_was(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, value=4)
    orders.seal()
    orders.send(ALICE, COUNT)
    orders.transfer(ALICE, BOB.address, 3)
    orders.seal()
    first = appended(world_in(tmp_path), orders.blocks[:2])
    assert first.slot(ONE, 0, first.behind(2)) == 1
    again = appended(world_in(tmp_path), orders.blocks[2:])
    assert again._ledger == orders.ledger
    assert again.slot(ONE, 0, again.behind(3)) == 2
    assert again.executed == 1


def test_a_world_of_another_chain_is_refused(tmp_path: Path) -> None:
    world_in(tmp_path)
    other = Orders().fund().blocks[0][0].header
    with pytest.raises(WrongWorldError, match="has another first block than this chain"):
        World(tmp_path / "world.sqlite3", other, Orders().ledger.rules)


def test_blocks_of_a_transaction_are_kept_together_or_not_at_all(tmp_path: Path, orders: Orders) -> None:
    world = world_in(tmp_path)
    orders.seal()
    with pytest.raises(BlockOutOfOrderError), world.transaction():
        appended(world, [*orders.blocks, orders.blocks[0]])
    assert (world.head, world._ledger.deposited) == (0, 0)
    with world.transaction():
        appended(world, orders.blocks)
    assert world.head == 2


def test_a_closed_world_executes_nothing_more(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT)
    orders.seal()
    world = built(tmp_path, orders)
    world.close()
    with pytest.raises(WorldClosedError):
        world.slot(ONE, 0, world.behind(2))
    assert world.executed == 0


# --- places ---


def test_places_are_behind_transactions_blocks_and_origin_events(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT)
    orders.send(ALICE, COUNT)
    orders.seal()
    world = built(tmp_path, orders)
    places = [world.behind(0), world.behind(1), world.behind(2, -1), world.behind(2, 0), world.behind(2)]
    assert places == [Position(0, -1), Position(1, -1), Position(2, -1), Position(2, 0), Position(2, 1)]
    assert [Position.of_key(each.key) for each in places] == places == sorted(places)
    with pytest.raises(UnknownPositionError, match="no transaction 2 of block 2"):
        world.behind(2, 2)
    with pytest.raises(UnknownPositionError):
        world.closure(2, -1)


# --- logs ---


def test_a_search_executes_what_may_have_logged(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, ["log", 1], to=ONE, access=())
    orders.send(BOB, ["log", 1], to=TWO, access=())
    orders.send(BOB, ["log", 2], to=TWO, access=())
    orders.seal()
    world = built(tmp_path, orders)
    topic = (1).to_bytes(32, "big")
    (found,) = world.logs(1, 2, frozenset([ONE]), [frozenset([topic])])
    assert (found.block, found.index, found.place, found.log) == (2, 0, 0, Log(ONE, (topic,), b"data"))
    assert world.executed == 1
    assert [each.index for each in world.logs(2, 2, frozenset(), [frozenset([topic])])] == [0, 1]
    assert [each.index for each in world.logs(2, 2, frozenset(), [None])] == [0, 1, 2]
    assert world.logs(2, 2, frozenset(), [None, None]) == []
    assert world.logs(0, 1, frozenset(), []) == []


def test_an_open_transaction_may_log_anywhere(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, ["log", 1], to=ONE)
    orders.seal()
    world = built(tmp_path, orders)
    assert world.logs(2, 2, frozenset([TWO]), []) == []
    assert world.executed == 1


# --- gas and lists ---


def test_the_list_of_a_run_names_what_it_looks_at_and_changes(tmp_path: Path, orders: Orders) -> None:
    world = built(tmp_path, orders)
    run = asked(COUNT, ["copy", TWO.hex(), 3, 1], ["balance", THREE.hex(), 2], ["create"])
    listed, gas = world.access_list(run, world.behind(1))
    assert gas == 25_000
    child = keccak256(ONE + b"\0")[12:]
    assert {who: set(keys) for who, keys in listed} == {
        bytes.fromhex("000000000000000000000000000000000057e1c7"): set(),
        ONE: {0, 1, 2, ACCOUNT_KEY},
        TWO: {3},
        THREE: set(),
        child: {ACCOUNT_KEY},
    }
    assert world.executed == 0


def test_sequencers_money_shows_in_no_balance_yet(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT)
    orders.seal()
    world = built(tmp_path, orders)
    assert world.balance(SEQUENCER, world.behind(2)).total == 0


class Overreaching(ToyEngine):
    """Changes what it likes."""

    def run(self, run: Run, *rest: Any) -> Outcome:
        changes = Changes(slots={(TWO, 0): 1})
        return replace(super().run(run, *rest), changes=changes)


def test_an_engine_that_changes_more_than_is_listed_is_found_out(tmp_path: Path, orders: Orders) -> None:
    orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
    orders.seal()
    world = built(tmp_path, orders, engine=Overreaching())
    with pytest.raises(EngineUnsoundError, match="changed what transaction 0 of block 2 does not list"):
        world.slot(ONE, 0, world.behind(2))
    assert (world.executed, world.slot(TWO, 0, world.behind(2))) == (0, 0)


def test_places_that_cannot_be_have_no_receipt_and_no_logs(tmp_path: Path, orders: Orders) -> None:
    orders.transfer(ALICE, BOB.address, 1)
    orders.seal()
    world = built(tmp_path, orders)
    places = [(0, 0), (1, 0), (2, 1), (2, -1), (3, 0), (1, (1 << 20) + 1), (1 << 70, 0), (-1, 0)]
    assert [world.receipt(*place) for place in places] == [None] * len(places)
    assert world.logs(-5, 1 << 70, frozenset(), []) == []
    for number in (-1, 3, 1 << 70):
        with pytest.raises(UnknownPositionError):
            world.behind(number)


def test_a_job_may_have_any_deadline(tmp_path: Path, orders: Orders) -> None:
    orders.order(ALICE, 5, deadline=2**64 - 1)
    orders.seal()
    built(tmp_path, orders)
    assert world_in(tmp_path)._ledger == orders.ledger


def test_blocks_that_were_forgotten_are_gone_from_the_file_itself(tmp_path: Path, orders: Orders) -> None:
    orders.seal()
    world = built(tmp_path, orders)
    with world.transaction():
        world.truncate(2)
        world.truncate(1)
    shutil.copy(tmp_path / "world.sqlite3", tmp_path / "copy.sqlite3")
    with closing(sqlite3.connect(tmp_path / "copy.sqlite3")) as copy:
        assert copy.execute("SELECT COUNT(*) FROM block").fetchall() == [(1,)]


def test_a_call_executes_what_it_finds_on_the_way_however_deep_it_is(tmp_path: Path, orders: Orders) -> None:
    orders.send(BOB, COUNT, to=TWO, access=((TWO, (0,)),))
    orders.seal()
    world = built(tmp_path, orders)
    threads = []
    world._execution._engine._before = lambda _: threads.append(threading.current_thread().name)
    world.call(asked(["copy", TWO.hex(), 0, 1]), world.behind(2))
    assert threads == ["MainThread", "world_0"]


def test_a_long_closure_tells_how_far_it_is(
    tmp_path: Path, orders: Orders, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    for _ in range(5):
        orders.send(ALICE, COUNT, to=ONE, access=((ONE, (0,)),))
    orders.seal()
    monkeypatch.setattr(execution, "REPORT_EVERY", 2)
    caplog.set_level(logging.INFO)
    world = built(tmp_path, orders)
    assert world.slot(ONE, 0, world.behind(2)) == 5
    assert caplog.messages == [
        f"executed {done} of the 5 transactions that a question depends on" for done in (2, 4)
    ]
