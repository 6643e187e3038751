"""What clients ask before they sign: the gas that a call needs, and the list with which it is strict."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from typing import Final

from anh_rollup.primitives import Address, Gas
from anh_rollup.world.engine import AccessList, Outcome, Run, Slot
from anh_rollup.world.errors import RunHaltedError, RunRevertedError
from anh_rollup.world.strict import ACCOUNT_KEY, PRECOMPILED, STRICT_MARKER, Scope

Ask = Callable[[Run], Outcome]
"""Runs something on a state that stays as it is."""

CALL_STIPEND: Final = 2_300
"""Gas that a call with value gives on top (yellow paper, G_callstipend)."""

TOLERANCE: Final = 64
"""An estimate may be this part too high (choice; go-ethereum's is 1.5 %)."""


def require_success(outcome: Outcome) -> Outcome:
    """An outcome, where it is no failure.

    Raises:
        RunRevertedError: The run reverted.
        RunHaltedError: It stopped without a revert.
    """
    if outcome.succeeded:
        return outcome
    if outcome.halt is None:
        raise RunRevertedError(outcome.output)
    raise RunHaltedError(outcome.halt)


def least_gas(ask: Ask, run: Run) -> Gas:
    """The least gas limit, up to the run's own, with which a run succeeds: a binary search.

    Raises:
        RunRevertedError: It reverts whatever it is given.
        RunHaltedError: It stops without a revert whatever it is given.
    """
    used = require_success(ask(run)).gas_used

    def suffices(gas: int) -> bool:
        return ask(replace(run, gas_limit=Gas(gas))).succeeded

    low, high = int(used), int(run.gas_limit)
    if high <= low or suffices(low):
        return Gas(min(low, high))
    likely = (used + CALL_STIPEND) * 64 // 63  # a call passes on at most 63 of 64 parts (EIP-150)
    if low < likely < high:
        low, high = (low, likely) if suffices(likely) else (likely, high)
    while high - low > 1 + low // TOLERANCE:
        middle = (low + high) // 2
        low, high = (low, middle) if suffices(middle) else (middle, high)
    return Gas(high)


def strict_list(ask: Ask, run: Run, fee_recipient: Address) -> tuple[AccessList, Gas]:
    """The access list with which a run is strict and does what it does without, and the gas to run it with.

    The list is what the run looks at; since a list changes the gas that is left, it runs again until it
    looks at nothing new.

    Raises:
        RunRevertedError: The run reverts.
        RunHaltedError: It stops without a revert.
    """
    listed: defaultdict[Address, set[Slot]] = defaultdict(set)
    for address, keys in run.access_list:
        listed[address].update(keys)
    listed[STRICT_MARKER] = set()
    while True:
        free = replace(run, access_list=_frozen(listed), is_strict=False)
        size = _size(listed)
        _grow(listed, free, require_success(ask(free)), fee_recipient)
        if _size(listed) == size:
            break
    strict = replace(run, access_list=_frozen(listed), is_strict=True)
    return strict.access_list, least_gas(ask, strict)


def _grow(
    listed: defaultdict[Address, set[Slot]], run: Run, outcome: Outcome, fee_recipient: Address
) -> None:
    """Adds what a run has looked at and changed."""
    bare = Scope(replace(run, access_list=(), is_strict=True))
    for address in outcome.reads.accounts - bare.accounts - PRECOMPILED - {fee_recipient, STRICT_MARKER}:
        listed[address]  # an entry without keys
    for address, key in outcome.reads.slots | outcome.changes.slots.keys():
        listed[address].add(key)
    for address in outcome.changes.accounts.keys() - bare.writable:
        listed[address].add(ACCOUNT_KEY)


def _frozen(listed: defaultdict[Address, set[Slot]]) -> AccessList:
    return tuple((address, tuple(sorted(keys))) for address, keys in sorted(listed.items()))


def _size(listed: defaultdict[Address, set[Slot]]) -> int:
    return len(listed) + sum(len(keys) for keys in listed.values())
