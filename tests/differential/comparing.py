"""What engines disagree about, transaction by transaction."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import dataclass, field, replace
from functools import lru_cache
from random import Random

from anh_rollup.primitives import Address, Gas
from anh_rollup.protocol.fees import floor_gas
from anh_rollup.world.engine import (
    AccessList,
    Block,
    Engine,
    Outcome,
    Run,
    StateReader,
    SystemContract,
)
from anh_rollup.world.revm import RevmEngine
from anh_rollup.world.specification import SpecificationEngine
from anh_rollup.world.strict import ACCOUNT_KEY, STRICT_MARKER, Scope
from tests.differential.specified import SpecifiedChain
from tests.differential.transactions import KEYS, Contracts, Transactions, deployed
from tests.doubles.state import MemoryState, block

BLOCKS_EACH = 4
LENGTH = 100
"""Transactions that follow one another from a fresh state."""


@dataclass
class Counted:
    """How many runs of each kind were compared.

    Attributes:
        succeeded: Runs that succeeded.
        failed: Runs that did not.
        on_revm: Strict runs that revm executed.
        handed_on: Strict runs that it handed on.
        outside: Strict runs that failed for what they looked at or changed.
    """

    succeeded: int = 0
    failed: int = 0
    on_revm: int = 0
    handed_on: int = 0
    outside: int = 0


@dataclass
class Disagreements:
    """All that was found, with the seed and the number of the transaction that shows it."""

    found: list[object] = field(default_factory=list)
    counted: Counted = field(default_factory=Counted)


class HandedOn:
    """The specification's engine, counting."""

    def __init__(self, counted: Counted) -> None:
        self._engine = SpecificationEngine()
        self._counted = counted

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        self._counted.handed_on += 1
        return self._engine.run(run, block, state, systems)


@lru_cache(1)
def _deployed() -> Contracts:
    return deployed()


def compare(count: int, seed: int) -> Disagreements:
    """Compares on so many transactions, a hundred from each fresh state."""
    result = Disagreements()
    for start in range(0, count, LENGTH):
        _compare_chain(Random(f"{seed}/{start}"), (seed, start), result)
    return result


def _compare_chain(random: Random, name: tuple[int, int], result: Disagreements) -> None:
    world = deepcopy(_deployed())
    chain, transactions = SpecifiedChain(world.state), Transactions(world, random)
    engine = SpecificationEngine()
    for number in range(LENGTH):
        here = block(1_000 + number // BLOCKS_EACH)
        run = transactions.run(here)
        before = _prepaid(world.state, run)
        outcome = engine.run(run, here, before, {})
        found = _strictly(run, here, before, outcome, random, result.counted)
        found += _against_chain(chain, world.state, before, run, here, outcome)
        result.found += [(*name, number, *each) for each in found]
        result.counted.succeeded += outcome.succeeded
        result.counted.failed += not outcome.succeeded
        world.seen(outcome)


def _prepaid(state: MemoryState, run: Run) -> MemoryState:
    """The state as the engine sees it: the sender has paid for its gas, its nonce counts the transaction."""
    sender = state.accounts[run.sender]
    paid = replace(sender, nonce=sender.nonce + 1, balance=sender.balance - run.gas_limit * run.gas_price)
    return MemoryState(state.accounts | {run.sender: paid}, state.slots)


def _against_chain(
    chain: SpecifiedChain, state: MemoryState, before: MemoryState, run: Run, here: Block, outcome: Outcome
) -> list[tuple[str, object, object]]:
    """Processes the run on the specification's own state, and makes its changes on ours."""
    sender = state.accounts[run.sender]
    if sender.balance < run.gas_limit * run.gas_price + run.value:
        return []
    processed = chain.process(run, here, KEYS[run.sender])
    gas = Gas(max(processed.gas_used, floor_gas(run.data)))
    chain.pay(run.sender, (processed.gas_used - gas) * run.gas_price)
    state.accounts, state.slots = before.accounts, before.slots
    state.apply(outcome.changes)
    refund = (run.gas_limit - outcome.gas_used) * run.gas_price
    after = state.accounts[run.sender]
    state.accounts[run.sender] = replace(after, balance=after.balance + refund)
    compared: list[tuple[str, object, object]] = [
        ("status", outcome.succeeded, processed.succeeded),
        ("gas", outcome.gas_used, gas),
        ("logs", outcome.logs, processed.logs),
        ("accounts", state.accounts, chain.accounts()),
        ("slots", state.slots, chain.slots()),
    ]
    return [each for each in compared if each[1] != each[2]]


def _strictly(
    run: Run, here: Block, state: MemoryState, free: Outcome, random: Random, counted: Counted
) -> list[tuple[str, object, object]]:
    """Compares revm with the specification on the run with the list that it needs, or nearly so."""
    listed = _damaged(_needed(run, free), random)
    strict = replace(run, access_list=((STRICT_MARKER, ()), *listed), is_strict=True)
    strict = replace(strict, gas_limit=Gas(run.gas_limit + 2_400 * (len(listed) + 1) + 1_900 * _keys(listed)))
    expected = SpecificationEngine().run(strict, here, state, {})
    handed_on = counted.handed_on
    engine: Engine = RevmEngine(HandedOn(counted))
    found = engine.run(strict, here, state, {})
    counted.on_revm += counted.handed_on == handed_on
    counted.outside += expected.halt == "outside the access list"
    return [] if _comparable(found) == _comparable(expected) else [("strict", found, expected)]


def _needed(run: Run, free: Outcome) -> AccessList:
    """What the run looked at, with permission for what it changed."""
    keys: dict[Address, list[int]] = {address: [] for address in sorted(free.reads.accounts)}
    for address, key in sorted(free.reads.slots):
        keys.setdefault(address, []).append(key)
    for address in sorted(free.changes.accounts.keys() - Scope(run).writable):
        keys.setdefault(address, []).append(ACCOUNT_KEY)
    return tuple((address, tuple(listed)) for address, listed in keys.items())


def _damaged(listed: AccessList, random: Random) -> AccessList:
    """Mostly the list; now and then without an address or a key of it."""
    if not listed or random.random() < 0.7:
        return listed
    at = random.randrange(len(listed))
    address, keys = listed[at]
    if not keys or random.random() < 0.3:
        return listed[:at] + listed[at + 1 :]
    gone = random.randrange(len(keys))
    return (*listed[:at], (address, keys[:gone] + keys[gone + 1 :]), *listed[at + 1 :])


def _keys(listed: AccessList) -> int:
    return sum(len(keys) for _, keys in listed)


def _comparable(outcome: Outcome) -> Outcome:
    """The outcome with whether it halted instead of the words for it."""
    return replace(outcome, halt=None if outcome.halt is None else "halted")
