"""State and block overrides of eth_call and its like, as clients write them (go-ethereum's shapes)."""

from collections.abc import Mapping
from typing import Any, Final

from anh_rollup.encoding.transactions import MOST_TRANSACTION_BYTES
from anh_rollup.primitives import Address
from anh_rollup.protocol.ledger import DNN
from anh_rollup.rpc.errors import Code, RpcError, invalid_params
from anh_rollup.rpc.wire import address, read_address, read_data, read_quantity
from anh_rollup.world.overrides import AccountOverride, BlockOverride, Overrides
from anh_rollup.world.strict import PRECOMPILED

MOST_OVERRIDDEN: Final = 10_000
"""Accounts and elements of storage of one call (choice)."""

NONCE_BITS: Final = 64
"""Of a nonce (EIP-2681)."""

BLOCK_BITS: Final = 63
"""Of a height, a time or a gas limit: what a database counts with."""

WEI_BITS: Final = 256
"""Of an amount of wei."""

ACCOUNT_MEMBERS: Final = ("balance", "nonce", "code", "state", "stateDiff", "movePrecompileToAddress")
"""What an account's override may hold."""

BLOCK_MEMBERS: Final = (
    *("number", "time", "gasLimit", "feeRecipient", "prevRandao", "baseFeePerGas"),
    *("difficulty", "blobBaseFee", "beaconRoot", "withdrawals"),
)
"""What a block's override may hold; the difficulty means nothing, and the last three are refused."""


def read_overrides(state: Any, block: Any = None) -> Overrides:
    """The overrides that a client wrote; None stands for none.

    Raises:
        RpcError: They are none, or cannot be pretended here.
    """
    accounts = _object(state, "the state overrides")
    read = {read_address(name, "an overridden address"): each for name, each in accounts.items()}
    overridden = {owner: _account(owner, each) for owner, each in read.items()}
    elements = sum(1 + len(each.storage or each.slots) for each in overridden.values())
    if elements > MOST_OVERRIDDEN:
        raise invalid_params(f"more than {MOST_OVERRIDDEN} accounts and storage elements are overridden")
    return Overrides(overridden, _block(block))


def _account(owner: Address, value: Any) -> AccountOverride:
    given = _object(value, f"the override of {address(owner)}")
    _require_known(given, ACCOUNT_MEMBERS, "account")
    code = None if given.get("code") is None else read_data(given["code"], "the overridden code")
    if given.get("movePrecompileToAddress") is not None or (
        code is not None and owner in {*PRECOMPILED, DNN}
    ):
        raise RpcError(
            Code.NOT_SERVED,
            f"the code of precompiled contracts cannot be overridden: {address(owner)}",
            remedy="Override the account that calls it.",
        )
    if len(code or b"") > MOST_TRANSACTION_BYTES:
        raise invalid_params(f"overridden code has at most {MOST_TRANSACTION_BYTES} bytes")
    if given.get("state") is not None and given.get("stateDiff") is not None:
        raise _refused(f"account {address(owner)} has both 'state' and 'stateDiff'")
    return AccountOverride(
        balance=_number(given, "balance", WEI_BITS),
        nonce=_number(given, "nonce", NONCE_BITS),
        code=code,
        storage=None if given.get("state") is None else _elements(given["state"], "state"),
        slots=_elements(given.get("stateDiff"), "stateDiff"),
    )


def _block(value: Any) -> BlockOverride:
    given = _object(value, "the block overrides")
    _require_known(given, BLOCK_MEMBERS, "block")
    for name in ("blobBaseFee", "beaconRoot", "withdrawals"):
        if given.get(name) is not None:
            raise _refused(f'block override "{name}" is not supported for this RPC method')
    recipient, randomness = given.get("feeRecipient"), given.get("prevRandao")
    return BlockOverride(
        number=_number(given, "number", BLOCK_BITS),
        time=_number(given, "time", BLOCK_BITS),
        base_fee=_number(given, "baseFeePerGas", WEI_BITS),
        gas_limit=_number(given, "gasLimit", BLOCK_BITS),
        fee_recipient=None if recipient is None else read_address(recipient, "feeRecipient"),
        randomness=None if randomness is None else read_data(randomness, "prevRandao", 32),
    )


def _object(value: Any, name: str) -> Mapping[str, Any]:
    given = {} if value is None else value
    if not isinstance(given, Mapping):
        raise invalid_params(f"{name}: an object is expected")
    return given


def _elements(value: Any, name: str) -> dict[int, int]:
    return {_word(key, name): _word(each, name) for key, each in _object(value, f"the {name}").items()}


def _word(value: Any, name: str) -> int:
    return int.from_bytes(read_data(value, f"an element of {name}", 32), "big")


def _number(given: Mapping[str, Any], name: str, bits: int) -> int | None:
    value = given.get(name)
    number = None if value is None else read_quantity(value, f"the overridden {name}")
    if number is not None and number >> bits:
        raise invalid_params(f"the overridden {name} has at most {bits} bits")
    return number


def _require_known(given: Mapping[str, Any], known: tuple[str, ...], what: str) -> None:
    """What is not known would be passed over, and the answer mistaken for one with it."""
    unknown = sorted(given.keys() - set(known))
    if unknown:
        raise invalid_params(f"{what} overrides have no member {unknown[0][:64]!r}")


def _refused(message: str) -> RpcError:
    return RpcError(Code.SERVER, message, remedy="See docs/json-rpc.md.")
