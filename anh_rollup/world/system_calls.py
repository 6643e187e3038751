"""System contracts among the specification's precompiled contracts, for the run that names them alone."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import partial
from typing import Any, Final

from ethereum.forks.cancun.state import move_ether
from ethereum.forks.cancun.vm import Evm, interpreter
from ethereum.forks.cancun.vm.exceptions import Revert
from ethereum.forks.cancun.vm.gas import charge_gas
from ethereum.forks.cancun.vm.precompiled_contracts.mapping import PRE_COMPILED_CONTRACTS
from ethereum_types.bytes import Bytes20
from ethereum_types.numeric import Uint

from anh_rollup.primitives import Address, Gas, Seconds, Wei
from anh_rollup.world.engine import SystemCall, SystemContract
from anh_rollup.world.errors import SystemRevertError
from anh_rollup.world.native import NATIVE

Computation = Callable[[Evm], None]
"""What carries out a frame of a precompiled contract."""

_OURS: Final[ContextVar[Mapping[Address, Computation]]] = ContextVar("computations")


class _Precompiled(dict[Any, Computation]):
    """The specification's table, and before it what the run that looks something up has of its own.

    Each thread and task has its own run, and outside of one the table is what it was.
    """

    def __contains__(self, address: object) -> bool:
        return super().__contains__(address) or address in _OURS.get({})

    def __getitem__(self, address: Address) -> Computation:
        return _OURS.get({}).get(address) or super().__getitem__(address)


interpreter.PRE_COMPILED_CONTRACTS = _Precompiled(PRE_COMPILED_CONTRACTS)  # type: ignore[attr-defined]


@contextmanager
def system_contracts(contracts: Mapping[Address, SystemContract]) -> Iterator[None]:
    """While it is open, the specification carries out calls of these addresses by these contracts.

    The precompiled contracts that it is slow at are computed natively.
    """
    systems = {address: partial(_call, contract) for address, contract in contracts.items()}
    token = _OURS.set({**NATIVE, **systems})
    try:
        yield
    finally:
        _OURS.reset(token)


def _call(contract: SystemContract, evm: Evm) -> None:
    """Carries out a frame; a delegated one is refused, since its caller is not who makes the call."""
    message = evm.message
    if message.code_address != message.current_target:
        raise Revert
    call = SystemCall(
        Address(bytes(message.caller)),
        bytes(message.data),
        Gas(int(evm.gas_left)),
        Wei(int(message.value)),
        Seconds(int(message.block_env.time)),
        is_direct=message.depth == 0,
    )
    try:
        answer = contract.call(call)
    except SystemRevertError as refusal:
        charge_gas(evm, Uint(refusal.gas))
        evm.output = refusal.data
        raise Revert from refusal
    charge_gas(evm, Uint(answer.gas))
    evm.output = answer.output
    if answer.payee is not None and call.value:
        state, payee = message.block_env.state, Bytes20(answer.payee)
        move_ether(state, message.current_target, payee, message.value)
