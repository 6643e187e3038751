"""Methods that try a call: eth_call, eth_estimateGas, eth_createAccessList."""

from collections.abc import Sequence
from typing import Any, Final

from anh_rollup.primitives import Gas, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS, call_gas
from anh_rollup.protocol.ledger import DNN, is_order
from anh_rollup.rpc.call_objects import CallObject, access_list_object, read_call
from anh_rollup.rpc.errors import Code, RpcError
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.reverts import halted, reverted, uncovered
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import data, quantity
from anh_rollup.world.engine import Run
from anh_rollup.world.position import Position
from anh_rollup.world.strict import is_strict

LEAST_RUNNING_GAS: Final = TRANSFER_GAS + 1
"""With exactly 21,000 and no data a transaction is a plain transfer, which runs no code (docs/ledger.md)."""


def call(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_call."""
    wanted, name, overrides, block_overrides = exactly(parameters, 1, 4)
    _refuse_overrides(overrides, block_overrides)
    position = service.position(name)
    asked = read_call(wanted, service.limits.call_gas)
    run = _run(service, asked, position)
    _require_cover(service, asked, run, position)
    outcome = service.world.call(run, position)
    if outcome.succeeded:
        return data(outcome.output)
    raise reverted(outcome.output) if outcome.halt is None else halted(outcome.halt)


def estimate_gas(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_estimateGas; an order and a plain transfer need no execution, unless code would receive it."""
    wanted, name, overrides, block_overrides = exactly(parameters, 1, 4)
    _refuse_overrides(overrides, block_overrides)
    asked = read_call(wanted, service.limits.call_gas)
    position = service.position(name)
    run = _run(service, asked, position)
    if run.to == DNN and not run.access_list and is_order(run.data):
        return quantity(call_gas(run.data))
    plain = run.to not in (None, DNN) and not run.access_list and not run.data
    if plain and _stays_plain(service, asked, run, position):
        return quantity(TRANSFER_GAS)
    _require_cover(service, asked, run, position)
    gas = service.world.estimate_gas(run, position)
    return quantity(max(gas, LEAST_RUNNING_GAS) if plain else gas)


def create_access_list(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any]:
    """eth_createAccessList: a strict list, with which a transaction depends on little (docs/world.md)."""
    wanted, name, overrides = exactly(parameters, 1, 3)
    _refuse_overrides(overrides, None)
    position = service.position(name)
    asked = read_call(wanted, service.limits.call_gas)
    run = _run(service, asked, position)
    _require_cover(service, asked, run, position)
    listed, gas = service.world.access_list(run, position)
    return {"accessList": access_list_object(listed), "gasUsed": quantity(gas)}


def _run(service: WorldService, asked: CallObject, position: Position) -> Run:
    """A call as an engine runs it."""
    nonce = asked.nonce
    if nonce is None:
        nonce = service.world.ledger_account(asked.sender, position).nonce
    return Run(
        sender=asked.sender,
        nonce=nonce,
        to=asked.to,
        value=Wei(asked.value),
        data=asked.data,
        gas_limit=Gas(asked.gas_limit),
        gas_price=Wei(asked.price(service.backend.chain.next_base_fee)),
        access_list=asked.access_list,
        is_strict=is_strict(asked.access_list),
    )


def _require_cover(service: WorldService, asked: CallObject, run: Run, position: Position) -> None:
    """Checks that the sender can pay the value and, where gas and price are named, these.

    Raises:
        RpcError: It cannot.
    """
    want = run.value + (run.gas_limit * run.gas_price if asked.names_gas else 0)
    if want == 0:
        return
    have = service.world.balance(run.sender, position).total
    if have < want:
        raise uncovered(have, want)


def _stays_plain(service: WorldService, asked: CallObject, run: Run, position: Position) -> bool:
    """Whether a call without data is best sent as a plain transfer.

    It is not where its recipient has code that would not run, nor where cleared money does not cover it: a
    plain transfer cannot spend uncleared money.
    """
    price = max(run.gas_price, service.backend.chain.next_base_fee)
    cleared = service.world.ledger_account(run.sender, position).cleared
    covered = not asked.names_sender or cleared >= run.value + TRANSFER_GAS * price
    return covered and run.to is not None and not service.world.account(run.to, position).code


def _refuse_overrides(*overrides: Any) -> None:
    """Calls run on the state of the chain.

    Raises:
        RpcError: State or block overrides were given.
    """
    if any(overrides):
        raise RpcError(
            Code.NOT_SERVED,
            "state and block overrides are not served by this node",
            remedy="Leave the overrides out; a call runs on the state behind a block.",
        )
