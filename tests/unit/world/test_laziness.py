"""A lazy world answers what executing everything in order answers, whatever is asked, in whatever order."""

import random
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from anh_rollup.primitives import Address
from anh_rollup.protocol.ledger import Payout
from anh_rollup.world.answers import Kind
from anh_rollup.world.engine import AccessList, Account, Run
from anh_rollup.world.position import Position
from anh_rollup.world.strict import ACCOUNT_KEY, Scope
from anh_rollup.world.world import World
from tests.doubles.naive_world import NaiveWorld, Place
from tests.doubles.ordering import ALICE, BOB, ETHER, MALLORY, SEQUENCER, empty_ledger
from tests.doubles.toy_engine import Step, ToyEngine, program
from tests.doubles.worlds import CONTRACTS, FEE, Orders, appended, world_in

WALLETS = (ALICE, BOB, MALLORY)
PEOPLE = tuple(wallet.address for wallet in WALLETS)
EVERYBODY = (*PEOPLE, *CONTRACTS, SEQUENCER)
KEYS = (0, 1, 2)

keys = st.sampled_from(KEYS)
contracts = st.sampled_from(CONTRACTS)
steps: st.SearchStrategy[Step] = st.one_of(
    st.tuples(st.just("add"), keys, st.integers(1, 3)),
    st.tuples(st.just("copy"), contracts.map(bytes.hex), keys, keys),
    st.tuples(st.just("pay"), st.sampled_from(EVERYBODY).map(bytes.hex), st.sampled_from([1, 2, ETHER])),
    st.tuples(st.just("balance"), st.sampled_from(EVERYBODY).map(bytes.hex), keys),
    st.tuples(st.just("log"), st.integers(0, 2)),
    st.tuples(st.just("unless"), keys, st.just(["add", 2, 5])),
    st.sampled_from([("create",), ("create",), ("revert",)]),
).map(list)
sends = st.tuples(
    st.just("send"),
    st.sampled_from(WALLETS),
    st.sampled_from([*CONTRACTS[:2] * 3, *CONTRACTS[2:], None]),
    st.lists(steps, max_size=4),
    st.sampled_from([None, *["whole"] * 6, "half"]),
    st.sampled_from([0, 0, 0, 1, ETHER]),
)
transfers = st.tuples(
    st.just("transfer"), st.sampled_from(WALLETS), st.sampled_from(EVERYBODY), st.sampled_from([1, ETHER])
)
others = st.sampled_from([("seal",), ("seal",), ("order", ALICE), ("pay out",), ("wrong nonce", BOB)])
plans = st.lists(st.one_of(sends, sends, transfers, others), min_size=12, max_size=24)


def listed(to: Address, program_steps: Iterable[Step], wallet: Any, part: str) -> AccessList:
    """The list that a program needs, or every other entry of it."""
    wanted: dict[Address, set[int]] = {to: set()}
    for name, *rest in program_steps:
        if name in ("add", "unless"):
            wanted[to] |= {rest[0], 2}
        elif name in ("copy", "balance"):
            wanted.setdefault(Address(bytes.fromhex(rest[0])), set()).update(rest[1:-1])
            wanted[to].add(rest[-1])
        elif name in ("pay", "create"):
            wanted[to].add(ACCOUNT_KEY)
            for who in rest[:1]:
                wanted.setdefault(Address(bytes.fromhex(who)), set()).add(ACCOUNT_KEY)
    entries = [(who, tuple(sorted(each))) for who, each in sorted(wanted.items())]
    return tuple(entries if part == "whole" else entries[::2])


def ordered(plan: list[Any]) -> Orders:
    """The order of a plan: Mallory has money for gas only, and contracts have some that is cleared."""
    orders = Orders().fund(ALICE, BOB).fund(MALLORY, wei=5 * 200_000 * FEE)
    orders.deposit(CONTRACTS[0], ETHER)
    jobs = []
    for kind, *rest in plan:
        if kind == "send":
            wallet, to, what, part, value = rest
            access = None if part is None or to is None else listed(to, what, wallet, part)
            orders.send(wallet, *what, to=to, access=access, value=value)
        elif kind == "transfer":
            orders.transfer(*rest)
        elif kind == "order":
            jobs.append(orders.order(rest[0], 3))
        elif kind == "wrong nonce":
            orders.add(rest[0], nonce=99)
        else:
            orders.seal(*[Payout(each, BOB.address) for each in jobs if kind == "pay out"])
    orders.seal()
    return orders


def executed(orders: Orders) -> NaiveWorld:
    naive = NaiveWorld(empty_ledger(), ToyEngine())
    for block, origins in orders.blocks:
        naive.append(block, origins)
    return naive


Question = Callable[[World], tuple[object, object]]


def questions(naive: NaiveWorld) -> Iterator[Question]:
    """Each gives what a world answers and what is true."""
    for place, moment in naive.moments.items():
        position = Position(*place)
        for who in EVERYBODY:
            expected = moment.account(who) or Account()
            yield lambda world, p=position, w=who, e=expected: (world.account(w, p), e)
            money = (moment.ledger.account(who).cleared, moment.total.get(who, 0))
            yield lambda world, p=position, w=who, m=money: (split(world, w, p), m)
        for who in CONTRACTS:
            for key in KEYS:
                value = moment.slots.get((who, key), 0)
                yield lambda world, p=position, w=who, k=key, v=value: (world.slot(w, k, p), v)
        outcome = naive.engine.run(PROBE, None, moment, {})  # type: ignore[arg-type]
        yield lambda world, p=position, o=outcome: (world.call(PROBE, p), o)
    for place, result in naive.outcomes.items():
        truth = (Kind.PREPAID, result.succeeded, result.gas_used, result.created, result.logs)
        yield lambda world, p=place, t=truth: (came_of(world, p), t)
    for who in CONTRACTS:
        logs = [(place, log) for place, log in naive.logs if log.address == who]
        yield lambda world, w=who, found=logs: (found_logs(world, {w}), found)
    yield lambda world: (found_logs(world, set()), naive.logs)


PROBE = Run(
    ALICE.address,
    99,
    CONTRACTS[1],
    0,
    program(["copy", CONTRACTS[2].hex(), 0, 1], ["add", 0, 1]),
    100_000,
    0,  # type: ignore[arg-type]
)


def split(world: World, who: Address, position: Position) -> tuple[int, int]:
    balance = world.balance(who, position)
    return balance.cleared, balance.total


def came_of(world: World, place: Place) -> object:
    receipt = world.receipt(*place)
    assert receipt is not None
    return receipt.kind, receipt.status, receipt.gas_used, receipt.created, receipt.logs


def found_logs(world: World, addresses: set[Address]) -> object:
    return [((each.block, each.index), each.log) for each in world.logs(0, world.head, frozenset(addresses))]


@settings(max_examples=25, deadline=None)
@given(plans, st.integers(0, 2**32))
def test_questions_in_any_order_are_answered_as_if_everything_was_executed(
    plan: list[Any], seed: int
) -> None:
    orders, chance = ordered(plan), random.Random(seed)
    asked = list(questions(executed(orders)))
    with tempfile.TemporaryDirectory() as folder:
        world = appended(world_in(Path(folder)), orders.blocks)
        for question in chance.sample(asked, min(len(asked), 120)):
            answer, truth = question(world)
            assert answer == truth
            if chance.random() < 0.03:
                world = world_in(Path(folder))
            if chance.random() < 0.03:
                number = chance.randint(1, world.head)
                world.truncate(number)
                appended(world, orders.blocks[number - 1 :])


@settings(max_examples=25, deadline=None)
@given(plans)
def test_money_is_conserved(plan: list[Any]) -> None:
    orders = ordered(plan)
    naive = executed(orders)
    with tempfile.TemporaryDirectory() as folder:
        world = appended(world_in(Path(folder)), orders.blocks)
        head = world.behind(world.head)
        people = {*EVERYBODY, *naive.moments[head.block, head.index].total}
        balances = [world.balance(who, head) for who in people]
        escrow = sum(each.reward for each in orders.ledger.escrows.values())
        cleared = sum(each.cleared for each in balances)
        uncleared = sum(each.uncleared for each in balances)
        assert cleared + uncleared + naive.spent + escrow == orders.ledger.deposited
        assert all(world.account(who, head).balance >= 0 for who in people)


# --- closures, by their definition ---


def reads_of(run: Run) -> set[Any]:
    scope = Scope(run)
    return {*scope.accounts, *scope.slots}


def writes_of(run: Run) -> set[Any]:
    scope = Scope(run)
    return {*scope.writable, *scope.slots}


def closure_by_definition(runs: dict[Place, Run], place: Place) -> list[Place]:
    """Follows each item to its latest writer, one transaction at a time."""
    found, ahead = set(), [place]
    while ahead:
        at = ahead.pop()
        found.add(at)
        before = sorted(each for each in runs if each < at)
        open_ones = [each for each in before if not runs[each].is_strict]
        if runs[at].is_strict:
            writers = [
                [each for each in before if not runs[each].is_strict or item in writes_of(runs[each])]
                for item in reads_of(runs[at])
            ]
            ahead += [each[-1] for each in (*writers, open_ones) if each]
        else:
            ahead += [each for each in before if each not in found]
    return sorted(found)


@settings(max_examples=25, deadline=None)
@given(plans)
def test_a_closure_is_what_its_definition_says(plan: list[Any]) -> None:
    orders = ordered(plan)
    naive = executed(orders)
    with tempfile.TemporaryDirectory() as folder:
        world = appended(world_in(Path(folder)), orders.blocks)
        for place in naive.runs:
            closure = [(each.block, each.index) for each in world.closure(*place)]
            assert closure == closure_by_definition(naive.runs, place)
            done = world.executed
            fresh = [each for each in closure if not world._results.is_executed(Position(*each).key)]
            world.receipt(*place)
            assert world.executed - done == len(fresh)
            gas = sum(naive.outcomes[each].gas_used for each in closure)
            cost = world.balance(naive.runs[place].sender, Position(*place)).validation_cost
            assert cost == gas
