"""Methods that try a call: eth_call, eth_estimateGas, eth_createAccessList."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from anh_rollup.primitives import Address, Gas, Wei
from anh_rollup.protocol.fees import TRANSFER_GAS, call_gas
from anh_rollup.protocol.ledger import DNN, is_order
from anh_rollup.rpc.call_objects import CallObject, access_list_object, read_call
from anh_rollup.rpc.override_objects import read_overrides
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.reverts import halted, reverted, uncovered
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import data, quantity
from anh_rollup.world.engine import AccessList, Run
from anh_rollup.world.errors import RunHaltedError, RunRevertedError
from anh_rollup.world.overrides import Overrides
from anh_rollup.world.position import Position
from anh_rollup.world.questions import require_success
from anh_rollup.world.strict import is_strict

LEAST_RUNNING_GAS: Final = TRANSFER_GAS + 1
"""With exactly 21,000 and no data a transaction is a plain transfer, which runs no code (docs/ledger.md)."""


@dataclass(frozen=True, slots=True)
class Question:
    """A call as it is asked.

    Attributes:
        asked: What the client wrote.
        run: What an engine runs.
        position: Behind what.
        overrides: What is otherwise than it is there.
    """

    asked: CallObject
    run: Run
    position: Position
    overrides: Overrides


def call(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_call."""
    wanted, name, state, block = exactly(parameters, 1, 4)
    question = _question(service, wanted, name, read_overrides(state, block))
    _require_cover(service, question)
    outcome = service.world.call(question.run, question.position, question.overrides)
    if outcome.succeeded:
        return data(outcome.output)
    raise reverted(outcome.output) if outcome.halt is None else halted(outcome.halt)


def estimate_gas(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_estimateGas; an order and a plain transfer need no execution, unless code would receive it."""
    wanted, name, state, block = exactly(parameters, 1, 4)
    question = _question(service, wanted, name, read_overrides(state, block))
    run = question.run
    if run.to == DNN and not run.access_list and is_order(run.data):
        return quantity(call_gas(run.data))
    plain = run.to not in (None, DNN) and not run.access_list and not run.data
    if plain and _stays_plain(service, question):
        return quantity(TRANSFER_GAS)
    _require_cover(service, question)
    most = question.overrides.block.gas_limit
    if most is not None:
        run = replace(run, gas_limit=Gas(min(run.gas_limit, most)))
    gas = service.world.estimate_gas(run, question.position, question.overrides)
    return quantity(max(gas, LEAST_RUNNING_GAS) if plain else gas)


def create_access_list(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any]:
    """eth_createAccessList: a strict list, with which a transaction depends on little (docs/world.md).

    With the list a call costs more: where the gas that is named suffices without it only, `gasUsed` is more.
    """
    wanted, name, state = exactly(parameters, 1, 3)
    question = _question(service, wanted, name, read_overrides(state))
    _require_cover(service, question)
    listed, gas = _access_list(service, question)
    return {"accessList": access_list_object(listed), "gasUsed": quantity(gas)}


def _access_list(service: WorldService, question: Question) -> tuple[AccessList, int]:
    run, place = question.run, (question.position, question.overrides)
    try:
        return service.world.access_list(run, *place)
    except (RunHaltedError, RunRevertedError):
        if not question.asked.names_gas:
            raise
        require_success(service.world.call(run, *place))
        return service.world.access_list(replace(run, gas_limit=Gas(service.limits.call_gas)), *place)


def _question(service: WorldService, wanted: Any, name: Any, overrides: Overrides) -> Question:
    """A call as an engine runs it."""
    position = service.position(name)
    asked = read_call(wanted, service.limits.call_gas)
    pretended = overrides.accounts.get(asked.sender)
    nonce = asked.nonce if asked.nonce is not None or pretended is None else pretended.nonce
    if nonce is None:
        nonce = service.world.ledger_account(asked.sender, position).nonce
    base_fee = overrides.block.base_fee
    price = asked.price(service.backend.chain.next_base_fee if base_fee is None else base_fee)
    run = Run(
        sender=asked.sender,
        nonce=nonce,
        to=asked.to,
        value=Wei(asked.value),
        data=asked.data,
        gas_limit=Gas(asked.gas_limit),
        gas_price=Wei(price),
        access_list=asked.access_list,
        is_strict=is_strict(asked.access_list),
    )
    return Question(asked, run, position, overrides)


def _require_cover(service: WorldService, question: Question) -> None:
    """Checks that the sender can pay the value and, where gas and price are named, these.

    Raises:
        RpcError: It cannot.
    """
    run = question.run
    want = run.value + (run.gas_limit * run.gas_price if question.asked.names_gas else 0)
    if want == 0:
        return
    have = question.overrides.balance(run.sender)
    if have is None:
        have = service.world.balance(run.sender, question.position).total
    if have < want:
        raise uncovered(have, want)


def _stays_plain(service: WorldService, question: Question) -> bool:
    """Whether a call without data is best sent as a plain transfer.

    It is not where its recipient has code that would not run, nor where cleared money does not cover it: a
    plain transfer cannot spend uncleared money.
    """
    run, position = question.run, question.position
    price = max(run.gas_price, service.backend.chain.next_base_fee)
    cleared = question.overrides.balance(run.sender)
    if cleared is None:
        cleared = service.world.ledger_account(run.sender, position).cleared
    covered = not question.asked.names_sender or cleared >= run.value + TRANSFER_GAS * price
    return covered and run.to is not None and not _code(service, question, run.to)


def _code(service: WorldService, question: Question, owner: Address) -> bytes:
    pretended = question.overrides.accounts.get(owner)
    if pretended is not None and pretended.code is not None:
        return pretended.code
    return service.world.account(owner, question.position).code
