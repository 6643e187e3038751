"""Every method that a node with a world answers beside those of the order, bound to its service."""

import time
from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from anh_rollup.rpc import calls, dispatch, ledger_methods, logs, receipts, sending, state
from anh_rollup.rpc.backend import Backend
from anh_rollup.rpc.errors import Code, RpcError
from anh_rollup.rpc.ethereum import Handler
from anh_rollup.rpc.filters import Filters
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.publications import publication
from anh_rollup.rpc.requests import missing, place, waiting
from anh_rollup.rpc.reverts import halted, reverted
from anh_rollup.rpc.sending import Waiting
from anh_rollup.rpc.service import Reader, WorldService
from anh_rollup.rpc.wire import quantity, read_digest
from anh_rollup.world.errors import (
    ResultMissingError,
    RunHaltedError,
    RunRevertedError,
    TimeLimitError,
    UnknownPositionError,
)
from anh_rollup.world.time_limit import require_time, time_limit


def closure(service: WorldService, parameters: Sequence[Any]) -> dict[str, Any] | None:
    """anh_getClosure: what a transaction depends on, in order, itself last; null until it has a block."""
    (digest,) = exactly(parameters, 1)
    chain = service.backend.chain
    placed = chain.placement(read_digest(digest, "the transaction hash"))
    if placed is None or placed.block is None:
        return None
    found = service.world.closure(placed.block.number, placed.index)
    listed = found[-service.limits.closure :]
    return {"count": quantity(len(found)), "transactions": [place(service, each) for each in listed]}


def syncing(service: WorldService, parameters: Sequence[Any]) -> dict[str, str] | bool:
    """eth_syncing: false at the head, else where it began, where it is and the highest known block."""
    exactly(parameters, 0)
    blocks = service.backend.syncing
    if blocks is None:
        return False
    names = ("startingBlock", "currentBlock", "highestBlock")
    return {name: quantity(number) for name, number in zip(names, blocks, strict=True)}


def method_table(service: WorldService) -> Mapping[str, Handler]:
    """All methods of a node with a world, those of the order included."""
    ready = {**READY, **Filters(service).methods(), **Waiting(service.limits.waiting).methods()}
    bound = {name: partial(_answer, service, reader) for name, reader in ready.items()}
    executing = {name: partial(_execute, service, reader) for name, reader in EXECUTING.items()}
    return {**dispatch.METHODS, **bound, **executing}


def _answer(service: WorldService, reader: Reader, _backend: Backend, parameters: Sequence[Any]) -> Any:
    """A method's result, with the world's errors in JSON-RPC's words."""
    try:
        return reader(service, parameters)
    except RunRevertedError as error:
        raise reverted(error.output) from error
    except RunHaltedError as error:
        raise halted(error.reason) from error
    except ResultMissingError as error:
        raise RpcError(Code.UNAVAILABLE, missing(error), remedy=error.remedy) from error
    except TimeLimitError as error:
        raise RpcError(Code.SERVER, error.message, remedy=error.remedy) from error
    except UnknownPositionError as error:
        raise RpcError(Code.SERVER, "header not found", remedy=error.remedy) from error


def _execute(service: WorldService, reader: Reader, backend: Backend, parameters: Sequence[Any]) -> Any:
    """The same, in a thread for execution; what it tries ends when its client's time is over."""
    asked = time.monotonic()

    def question() -> Any:
        with time_limit(service.limits.execution.seconds, since=asked):
            require_time()
            return _answer(service, reader, backend, parameters)

    return service.execution.run(question)


EXECUTING: Final[Mapping[str, Reader]] = {
    "eth_getBalance": state.balance,
    "eth_getCode": state.code,
    "eth_getStorageAt": state.storage_at,
    "eth_getStorageValues": state.storage_values,
    "eth_getTransactionCount": state.transaction_count,
    "eth_call": calls.call,
    "eth_estimateGas": calls.estimate_gas,
    "eth_createAccessList": calls.create_access_list,
    "eth_getBlockReceipts": receipts.block_receipts,
    "eth_getLogs": logs.get_logs,
    "anh_getBalance": state.split_balance,
    "anh_getClosure": closure,
    "anh_getPublication": publication,
    "anh_getWaiting": waiting,
}
"""Methods that may execute: they have threads of their own, and a time limit."""

READY: Final[Mapping[str, Reader]] = {
    "eth_syncing": syncing,
    "anh_getLedgerAccount": state.ledger_account,
    "anh_getLedgerClaims": ledger_methods.ledger_claims,
    "anh_getWithdrawal": ledger_methods.withdrawal,
    **sending.METHODS,
}
"""Methods that are answered at once."""
