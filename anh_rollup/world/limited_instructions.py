"""The specification's instructions that make loops and frames, each of which looks at the time first.

Between two of them a run takes no longer than its code, whose size is bounded.
"""

from collections.abc import Callable
from typing import Final

from ethereum.forks.cancun.vm import Evm, interpreter
from ethereum.forks.cancun.vm.instructions import Ops, op_implementation

from anh_rollup.world.time_limit import require_time

LIMITED: Final = (
    Ops.JUMP,
    Ops.JUMPI,
    Ops.CALL,
    Ops.CALLCODE,
    Ops.DELEGATECALL,
    Ops.STATICCALL,
    Ops.CREATE,
    Ops.CREATE2,
)
"""What every loop and every frame begins with."""


def _limited(instruction: Callable[[Evm], None]) -> Callable[[Evm], None]:
    def look_first(evm: Evm) -> None:
        require_time()
        instruction(evm)

    return look_first


interpreter.op_implementation = {  # type: ignore[attr-defined]
    **op_implementation,
    **{op: _limited(op_implementation[op]) for op in LIMITED},
}
