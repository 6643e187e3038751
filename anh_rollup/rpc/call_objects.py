"""The call object of eth_call and its like, as clients write it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from anh_rollup.encoding.transactions import MOST_TRANSACTION_BYTES
from anh_rollup.primitives import ZERO_ADDRESS, Address
from anh_rollup.rpc.errors import invalid_params
from anh_rollup.rpc.wire import address, data, read_address, read_data, read_quantity
from anh_rollup.world.engine import AccessList

MOST_LISTED: Final = 10_000
"""Addresses and keys of an access list (choice: more do not fit a transaction)."""

NOT_HERE: Final = ("blobVersionedHashes", "blobs", "maxFeePerBlobGas", "authorizationList")
"""Members of transactions that the L2 does not know."""


@dataclass(frozen=True, slots=True)
class CallObject:
    """A call.

    Attributes:
        sender: Who calls; the zero address where nobody is named.
        names_sender: Whether somebody is.
        to: The account called; None creates a contract.
        value: Wei.
        data: Calldata or init code.
        gas_limit: Gas, within the node's limit.
        names_gas: Whether a limit was named.
        gas_price: Wei a gas for both kinds of fees, if named.
        max_fee: The most wei a gas, if named.
        priority_fee: Wei a gas on top of the base fee.
        nonce: If named.
        access_list: Addresses with storage keys.
    """

    sender: Address
    names_sender: bool
    to: Address | None
    value: int
    data: bytes
    gas_limit: int
    names_gas: bool
    gas_price: int | None
    max_fee: int | None
    priority_fee: int
    nonce: int | None
    access_list: AccessList

    def price(self, base_fee: int) -> int:
        """What GASPRICE gives: 0 where the call names no fee, as Ethereum's clients have it."""
        if self.gas_price is not None:
            return self.gas_price
        return 0 if self.max_fee is None else min(self.max_fee, base_fee + self.priority_fee)


def read_call(value: Any, most_gas: int) -> CallObject:
    """A call that a client wrote; members that mean nothing here are passed over.

    Args:
        value: The object.
        most_gas: A higher gas limit is cut to it; one that is missing is it.

    Raises:
        RpcError: It is none.
    """
    if not isinstance(value, Mapping):
        raise invalid_params("the call is an object")
    if any(value.get(name) is not None for name in NOT_HERE):
        raise invalid_params("there are neither blobs nor authorizations on this chain")
    sender, to = value.get("from"), value.get("to")
    gas, max_fee = _number(value, "gas"), _number(value, "maxFeePerGas")
    if value.get("gasPrice") is not None and max_fee is not None:
        raise invalid_params("both gasPrice and (maxFeePerGas or maxPriorityFeePerGas) specified")
    return CallObject(
        sender=ZERO_ADDRESS if sender is None else read_address(sender, "from"),
        names_sender=sender is not None,
        to=None if to is None else read_address(to, "to"),
        value=_number(value, "value") or 0,
        data=_payload(value),
        gas_limit=most_gas if gas is None else min(gas, most_gas),
        names_gas=gas is not None,
        gas_price=_number(value, "gasPrice"),
        max_fee=max_fee,
        priority_fee=_number(value, "maxPriorityFeePerGas") or 0,
        nonce=_nonce(value),
        access_list=read_access_list(value.get("accessList")),
    )


def read_access_list(value: Any) -> AccessList:
    """An access list that a client wrote; None stands for an empty one.

    Raises:
        RpcError: It is none.
    """
    entries = [] if value is None else value
    if not isinstance(entries, list) or not all(isinstance(each, Mapping) for each in entries):
        raise invalid_params("the access list is a list of objects with address and storageKeys")
    read = tuple([(read_address(each.get("address"), "a listed address"), _keys(each)) for each in entries])
    if sum(1 + len(keys) for _, keys in read) > MOST_LISTED:
        raise invalid_params(f"the access list has more than {MOST_LISTED} addresses and keys")
    return read


def access_list_object(listed: AccessList) -> list[dict[str, Any]]:
    """An access list as JSON has it."""
    return [
        {"address": address(target), "storageKeys": [data(key.to_bytes(32, "big")) for key in keys]}
        for target, keys in listed
    ]


def _keys(entry: Mapping[str, Any]) -> tuple[int, ...]:
    keys: Sequence[Any] | None = entry.get("storageKeys")
    if keys is None:
        return ()
    if not isinstance(keys, list):
        raise invalid_params("storageKeys is a list")
    return tuple([int.from_bytes(read_data(key, "a storage key", 32), "big") for key in keys])


def _payload(call: Mapping[str, Any]) -> bytes:
    """`input`, or `data`, its older name."""
    given = {name: read_data(call[name], name) for name in ("input", "data") if call.get(name) is not None}
    if len(set(given.values())) > 1:
        raise invalid_params('both "data" and "input" are set and not equal')
    payload = next(iter(given.values()), b"")
    if len(payload) > MOST_TRANSACTION_BYTES:
        raise invalid_params(f"no transaction carries more than {MOST_TRANSACTION_BYTES} bytes of data")
    return payload


def _nonce(call: Mapping[str, Any]) -> int | None:
    nonce = _number(call, "nonce")
    if nonce is not None and nonce >= 1 << 64:
        raise invalid_params("the nonce has at most 64 bits")
    return nonce


def _number(call: Mapping[str, Any], name: str) -> int | None:
    value = call.get(name)
    return None if value is None else read_quantity(value, name)
