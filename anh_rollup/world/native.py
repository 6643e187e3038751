"""Precompiled contracts that the specification computes slowly, computed by revm.

In Python a round of BLAKE2 takes 200 microseconds and costs one gas, so that a single transaction could keep
a node busy for hours.
"""

from collections.abc import Callable, Mapping
from typing import Any, Final

import pyrevm
from ethereum.forks.cancun.vm import Evm
from ethereum.forks.cancun.vm.exceptions import OutOfGasError
from ethereum.forks.cancun.vm.gas import charge_gas
from ethereum_types.numeric import Uint

from anh_rollup.primitives import ADDRESS_SIZE, Address
from anh_rollup.protocol.fees import base_gas

_CALLER: Final = f"0x{'11' * ADDRESS_SIZE}"
_MOST_GAS: Final = 2**63


def _precompiled(number: int) -> Address:
    return Address(number.to_bytes(ADDRESS_SIZE, "big"))


def _compute(number: int) -> Callable[[Evm], None]:
    """What stands in the specification's table for a precompiled contract."""
    name = f"0x{_precompiled(number).hex()}"

    def compute(evm: Evm) -> None:
        data = bytes(evm.message.data)
        owed = base_gas(data, creates=False, listed_keys=())
        machine: Any = pyrevm.EVM(gas_limit=_MOST_GAS)
        try:
            output = machine.message_call(_CALLER, name, data, gas=owed + int(evm.gas_left))
        except RuntimeError as failure:
            raise OutOfGasError from failure
        charge_gas(evm, Uint(machine.result.gas_used - owed))
        evm.output = bytes(output)

    return compute


ALT_BN128_ADD, ALT_BN128_MUL, ALT_BN128_PAIRING, BLAKE2F, POINT_EVALUATION = range(6, 11)

NATIVE: Final[Mapping[Address, Callable[[Evm], None]]] = {
    _precompiled(number): _compute(number)
    for number in (ALT_BN128_ADD, ALT_BN128_MUL, ALT_BN128_PAIRING, BLAKE2F, POINT_EVALUATION)
}
"""By address; each halts the frame with all of its gas where the specification does."""
