"""An engine whose programs are lists in calldata: what an EVM run reads and writes, without an EVM."""

import json
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import Address, Gas
from anh_rollup.world.engine import (
    Account,
    Block,
    Changes,
    Log,
    Outcome,
    Reads,
    Run,
    Slot,
    StateReader,
    SystemCall,
    SystemContract,
)
from anh_rollup.world.strict import OUTSIDE, Scope, ScopedState

Step = list[Any]
GAS_PER_STEP = 1_000
BASE_GAS = 21_000


def program(*steps: Step) -> bytes:
    """Calldata that carries out steps, at the recipient's address.

    ["add", key, n], ["copy", address, key, own key], ["pay", address, wei], ["balance", address, own key],
    ["unless", key, steps...] while an element is zero, ["log", topic], ["create"], ["ask", text], ["revert"].
    """
    return json.dumps(steps).encode()


class ProgramRevertError(Exception):
    """A program undid itself."""


class ToyEngine:
    """Runs programs; counts its runs."""

    def __init__(self, before: Callable[[Run], None] = lambda _: None) -> None:
        self.runs = 0
        self._before = before

    def run(
        self, run: Run, block: Block, state: StateReader, systems: Mapping[Address, SystemContract]
    ) -> Outcome:
        self.runs += 1
        self._before(run)
        scope = Scope(run)
        machine = Machine(run, ScopedState(state, scope) if run.is_strict else state, systems)
        outcome = machine.outcome()
        if run.is_strict and not scope.permits(outcome.reads, outcome.changes, block.fee_recipient):
            return Outcome(False, run.gas_limit, b"", None, (), Changes(), scope.reads, OUTSIDE)
        return replace(outcome, reads=scope.reads) if run.is_strict else outcome


class Machine:
    """One run."""

    def __init__(self, run: Run, state: StateReader, systems: Mapping[Address, SystemContract]) -> None:
        self.run, self.state, self.systems = run, state, systems
        self.target = run.to or Address(keccak256(run.sender + bytes([run.nonce]))[12:])
        self.accounts: dict[Address, Account] = {}
        self.slots: dict[tuple[Address, Slot], int] = {}
        self.read_accounts: set[Address] = set()
        self.read_slots: set[tuple[Address, Slot]] = set()
        self.logs: list[Log] = []
        self.gas = BASE_GAS

    def outcome(self) -> Outcome:
        if self.account(self.run.sender).balance < self.run.value:
            return self.failed(b"", "insufficient balance for transfer")
        try:
            self.move(self.run.sender, self.target, self.run.value)
            for step in json.loads(self.run.data or b"[]"):
                self.step(*step)
        except ProgramRevertError:
            return self.failed(b"no", None)
        if self.gas > self.run.gas_limit:
            return self.failed(b"", "out of gas")
        changes = Changes(
            {
                who: each
                for who, each in self.accounts.items()
                if each != (self.state.account(who) or Account())
            },
            {place: value for place, value in self.slots.items() if value != self.state.slot(*place)},
        )
        created = self.target if self.run.to is None else None
        return Outcome(True, Gas(self.gas), b"", created, tuple(self.logs), changes, self.reads)

    def failed(self, output: bytes, halt: str | None) -> Outcome:
        gas = self.run.gas_limit if halt == "out of gas" else min(self.gas, self.run.gas_limit)
        return Outcome(False, Gas(gas), output, None, (), Changes(), self.reads, halt)

    @property
    def reads(self) -> Reads:
        return Reads(frozenset(self.read_accounts), frozenset(self.read_slots))

    def account(self, who: Address) -> Account:
        self.read_accounts.add(who)
        if who not in self.accounts:
            self.accounts[who] = self.state.account(who) or Account()
        return self.accounts[who]

    def slot(self, who: Address, key: Slot) -> int:
        self.read_slots.add((who, key))
        if (who, key) not in self.slots:
            self.slots[who, key] = self.state.slot(who, key)
        return self.slots[who, key]

    def move(self, sender: Address, to: Address, wei: int) -> None:
        if self.account(sender).balance < wei:
            raise ProgramRevertError
        self.accounts[sender] = replace(self.account(sender), balance=self.account(sender).balance - wei)
        self.accounts[to] = replace(self.account(to), balance=self.account(to).balance + wei)

    def step(self, name: str, *arguments: Any) -> None:
        self.gas += GAS_PER_STEP
        getattr(self, f"do_{name}")(*arguments)

    def do_add(self, key: Slot, number: int) -> None:
        self.slots[self.target, key] = self.slot(self.target, key) + number

    def do_copy(self, other: str, key: Slot, own: Slot) -> None:
        who = Address(bytes.fromhex(other))
        self.account(who)
        value = self.slot(who, key)
        self.slot(self.target, own)
        self.slots[self.target, own] = value

    def do_pay(self, to: str, wei: int) -> None:
        self.move(self.target, Address(bytes.fromhex(to)), wei)

    def do_balance(self, other: str, own: Slot) -> None:
        balance = self.account(Address(bytes.fromhex(other))).balance
        self.slot(self.target, own)
        self.slots[self.target, own] = balance

    def do_unless(self, key: Slot, *steps: Step) -> None:
        if self.slot(self.target, key) == 0:
            for step in steps:
                self.step(*step)

    def do_log(self, topic: int) -> None:
        self.logs.append(Log(self.target, (topic.to_bytes(32, "big"),), b"data"))

    def do_create(self) -> None:
        own = self.account(self.target)
        self.accounts[self.target] = replace(own, nonce=own.nonce + 1)
        child = Address(keccak256(self.target + bytes([own.nonce]))[12:])
        self.accounts[child] = replace(self.account(child), nonce=1, code=b"child")

    def do_ask(self, text: str) -> None:
        for system in self.systems.values():
            system.call(SystemCall(self.target, text.encode(), Gas(0)))

    def do_revert(self) -> None:
        raise ProgramRevertError
