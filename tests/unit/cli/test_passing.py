"""A role's loops go on after what passes, and a fault that lasts ends the command."""

import asyncio
import importlib
import time
from types import SimpleNamespace
from typing import Any

import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.errors import AnhError
from anh_rollup.l1.abi import AbiError
from anh_rollup.l1.errors import L1UnreachableError
from anh_rollup.node import PollingService

WORDS = ["--l1", "http://127.0.0.1:1", "--deployment", "none.json", "--key-file", "none.key"]

#: By role: what stands for it in its command's module, its loops, the folder's option, what is stubbed.
ROLES = {
    "accountant": (
        "Accountant",
        ("defend", "work"),
        "--store",
        ("read_account", "open_rollup", "TransactionSender", "DisputeChain", "OrderReader", "BatchDataReader",
         "Worker", "make_evaluator", "make_trainer", "make_answerer", "CalledJobs", "CalledLapser",
         "LedgerDisputes", "InboxReader", "ledger_service"),
    ),
    "challenger": (
        "Challenger",
        ("play", "examine"),
        "--store",
        ("read_account", "open_rollup", "TransactionSender", "DisputeChain", "OrderReader", "BatchDataReader",
         "Examiner", "make_evaluator", "LedgerDisputes", "InboxReader", "ledger_service"),
    ),
    "sequencer": ("open_sequencer", ("follow", "seal", "post"), "--data", ("make_app",)),
}  # fmt: skip


class Tired:
    """A role of which one loop raises one error after another; the other one has nothing to do."""

    def __init__(self, loops: tuple[str, ...], fails: str, errors: list[AnhError]) -> None:
        self.errors = errors
        self.chain = SimpleNamespace(contracts=SimpleNamespace(claims=None))
        for name in loops:
            setattr(self, name, self.fail if name == fails else lambda: None)

    def fail(self) -> None:
        raise self.errors.pop(0)

    def close(self) -> None:
        """A role is closed in the end."""


def idle(*_given: Any) -> PollingService:
    return PollingService("idle", lambda: None, 60)


def stub(*_given: Any, **_named: Any) -> Any:
    rules = SimpleNamespace(settlement=1)
    return SimpleNamespace(balance=lambda _account: 0), SimpleNamespace(l2_chain_id=1, rules=rules)


def account(*_given: Any) -> Any:
    return SimpleNamespace(address="0x01")


def called(*_given: Any) -> Any:
    return SimpleNamespace(called=list, poll=lambda: None)


STUBS = {"read_account": account, "ledger_service": idle, "CalledJobs": called}


@pytest.mark.parametrize(
    ("role", "fails"), [(role, name) for role, (_, loops, _, _) in ROLES.items() for name in loops]
)
def test_a_loop_goes_on_after_what_passes_and_stops_at_what_lasts(
    role: str, fails: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    wired, loops, folder, stubbed = ROLES[role]
    module = importlib.import_module(f"anh_rollup.cli.{role}")
    errors: list[AnhError] = [
        L1UnreachableError("l1", 3, "refused"),
        AbiError("no such function"),
        AnhError("too late", remedy="Nothing."),
    ]
    tired = Tired(loops, fails, errors)
    monkeypatch.setattr(module, wired, lambda *_given, **_named: tired)
    monkeypatch.setattr("anh_rollup.node.sleep_until", lambda _stop, _seconds: no_wait())
    if hasattr(module, "HttpService"):
        monkeypatch.setattr(module, "HttpService", idle)
    for name in stubbed:
        monkeypatch.setattr(module, name, STUBS.get(name, stub))

    result = CliRunner().invoke(main, [role, *WORDS, folder, str(tmp_path)])

    assert f"Error: {AbiError('no such function').message}\n" in result.output
    assert [type(each) for each in tired.errors] == [AnhError]


def test_an_accountant_ends_trainings_by_the_clock_while_half_of_its_least_time_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Any
) -> None:
    module = importlib.import_module("anh_rollup.cli.accountant")
    wired, loops, folder, stubbed = ROLES["accountant"]
    tired = Tired(loops, loops[0], [AbiError("no such function")])
    given: list[Any] = []
    monkeypatch.setattr(module, wired, lambda *_given, **_named: tired)
    monkeypatch.setattr(module, "HttpService", idle)
    for name in stubbed:
        monkeypatch.setattr(module, name, STUBS.get(name, stub))
    monkeypatch.setattr(module, "make_trainer", lambda *words: given.extend(words))

    CliRunner().invoke(main, ["accountant", *WORDS, folder, str(tmp_path), "--least-time", "500"])

    assert given[-2:] == [250, time.time]


async def no_wait() -> None:
    """Lets other loops go on."""
    await asyncio.sleep(0.001)
