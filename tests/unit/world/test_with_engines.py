"""The world on the engines that it has in a node: real EVM code, deployed, called, estimated, listed."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from anh_rollup.primitives import Gas, Wei
from anh_rollup.world.engine import Run
from anh_rollup.world.engines import load_engine
from anh_rollup.world.errors import RunHaltedError, RunRevertedError
from anh_rollup.world.strict import STRICT_MARKER, created_address
from anh_rollup.world.world import World
from tests.doubles.ordering import ALICE, BOB, ETHER, MALLORY
from tests.doubles.worlds import FEE, Orders, appended, world_in

COUNTER = bytes.fromhex("60005460010160005560005460005260206000f3")
"""Adds one to element 0 and returns it."""

REVERTER = bytes.fromhex("602a60005260206000fd")
"""Reverts with 42."""

LOOPER = bytes.fromhex("5b600056")
"""Runs until it is out of gas."""


def init_code(code: bytes) -> bytes:
    """Deploys code: copies it from behind these 12 bytes."""
    size = f"{len(code):02x}"
    return bytes.fromhex(f"60{size}600c60003960{size}6000f3") + code


CONTRACT = created_address(ALICE.address, 0)


def deployed(folder: Path, code: bytes, *more: dict[str, Any]) -> World:
    """A world in which Alice has deployed code, and sent more transactions to it."""
    orders = Orders().fund()
    orders.add(ALICE, to=None, data=init_code(code), gas=200_000)
    for fields in more:
        orders.add(ALICE, **{"to": "0x" + CONTRACT.hex(), "gas": 100_000, **fields})
    orders.seal()
    return appended(world_in(folder, load_engine()), orders.blocks)


def call_of(**fields: Any) -> Run:
    base = {"sender": BOB.address, "nonce": 0, "to": CONTRACT, "value": Wei(0), "data": b""}
    return Run(**{**base, "gas_limit": Gas(1_000_000), "gas_price": Wei(0), **fields})


def test_a_contract_is_deployed_and_counts(tmp_path: Path) -> None:
    listed = ((STRICT_MARKER, ()), (CONTRACT, ("0x" + "00" * 32,)))
    strict = {"accessList": tuple(("0x" + who.hex(), keys) for who, keys in listed)}
    world = deployed(tmp_path, COUNTER, {}, strict, {"value": 5})
    head = world.behind(2)
    assert world.account(CONTRACT, head).code == COUNTER
    assert world.slot(CONTRACT, 0, head) == 3
    assert world.balance(CONTRACT, head).total == 5
    receipts = [world.receipt(2, index) for index in range(4)]
    assert [each and (each.status, each.created) for each in receipts] == [
        (True, CONTRACT),
        (True, None),
        (True, None),
        (True, None),
    ]
    assert world.executed == 4


def test_a_call_gives_what_the_contract_returns_and_changes_nothing(tmp_path: Path) -> None:
    world = deployed(tmp_path, COUNTER, {})
    for _ in range(2):
        outcome = world.call(call_of(), world.behind(2))
        assert (outcome.succeeded, outcome.output) == (True, (2).to_bytes(32, "big"))
    assert world.slot(CONTRACT, 0, world.behind(2)) == 1
    assert world.call(call_of(), world.behind(2, 0)).output == (1).to_bytes(32, "big")


def test_a_value_that_the_sender_lacks_fails_a_call(tmp_path: Path) -> None:
    world = deployed(tmp_path, COUNTER)
    outcome = world.call(call_of(value=101 * ETHER), world.behind(2))
    assert outcome.halt == "insufficient balance for transfer"


def test_an_estimate_suffices_and_hardly_anything_less_does(tmp_path: Path) -> None:
    world = deployed(tmp_path, COUNTER)
    head = world.behind(2)
    gas = world.estimate_gas(call_of(), head)
    assert world.call(call_of(gas_limit=gas), head).succeeded
    assert not world.call(call_of(gas_limit=gas * 63 // 65), head).succeeded


def test_a_plain_transfer_needs_the_gas_of_one(tmp_path: Path) -> None:
    world = deployed(tmp_path, COUNTER)
    head = world.behind(2)
    assert world.estimate_gas(call_of(to=MALLORY.address, value=Wei(1)), head) == 21_000


def test_a_transfer_of_uncleared_money_needs_gas_that_makes_it_run(tmp_path: Path) -> None:
    orders = Orders().fund(ALICE)
    price = Wei(FEE)
    orders.deposit(BOB.address, 22_000 * FEE)
    orders.add(ALICE, to="0x" + BOB.address.hex(), value=5 * ETHER, gas=30_000)
    orders.seal()
    world = appended(world_in(tmp_path, load_engine()), orders.blocks)
    run = call_of(to=MALLORY.address, value=Wei(2 * ETHER), gas_price=price)
    assert world.estimate_gas(run, world.behind(2)) == 21_001


def test_what_reverts_whatever_it_is_given_is_told_with_its_data(tmp_path: Path) -> None:
    world = deployed(tmp_path, REVERTER)
    for ask in (world.estimate_gas, world.access_list):
        with pytest.raises(RunRevertedError) as raised:
            ask(call_of(), world.behind(2))
        assert raised.value.output == (42).to_bytes(32, "big")


def test_what_never_ends_is_told_as_out_of_gas(tmp_path: Path) -> None:
    world = deployed(tmp_path, LOOPER)
    with pytest.raises(RunHaltedError, match="the call stops: out of gas"):
        world.estimate_gas(call_of(gas_limit=Gas(60_000)), world.behind(2))


def test_a_run_with_its_list_is_strict_and_does_the_same(tmp_path: Path) -> None:
    world = deployed(tmp_path, COUNTER)
    head = world.behind(2)
    listed, gas = world.access_list(call_of(), head)
    assert listed == ((STRICT_MARKER, ()), (CONTRACT, (0,)))
    outcome = world.call(call_of(access_list=listed, is_strict=True), head)
    assert (outcome.succeeded, outcome.gas_used) == (True, gas)
    assert world.call(call_of(is_strict=True), head).halt == "outside the access list"


def test_nothing_is_imported_to_order() -> None:
    names = "anh_rollup.world.world", "ethereum", "pyrevm", "anh_rollup.world.specification"
    show = f"import sys, {names[0]}; print([each for each in {names} if each in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", show], capture_output=True, text=True, check=True)
    assert ran.stdout == f"{[names[0]]}\n"
