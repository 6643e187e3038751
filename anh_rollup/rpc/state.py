"""Methods that read accounts and storage behind a block."""

from collections.abc import Mapping, Sequence
from typing import Any

from anh_rollup.rpc.errors import invalid_params
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.rollup import account_object
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import address, data, quantity, read_address, read_quantity


def balance(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_getBalance; `pending` takes off what accepted transactions without a block pay."""
    text, name = exactly(parameters, 1, 2)
    owner = read_address(text, "the address")
    total = service.world.balance(owner, service.position(name)).total
    if name == "pending":
        chain = service.backend.chain
        behind, accepted = chain.account(owner, pending=False), chain.account(owner, pending=True)
        total += accepted.cleared - behind.cleared
    return quantity(max(total, 0))


def split_balance(service: WorldService, parameters: Sequence[Any]) -> dict[str, str]:
    """anh_getBalance: cleared, uncleared (may be below zero), total, and the gas that believing it costs."""
    text, name = exactly(parameters, 1, 2)
    found = service.world.balance(read_address(text, "the address"), service.position(name))
    return {
        "cleared": quantity(found.cleared),
        "uncleared": quantity(found.uncleared),
        "total": quantity(found.total),
        "validationCost": quantity(found.validation_cost),
    }


def ledger_account(service: WorldService, parameters: Sequence[Any]) -> dict[str, str]:
    """anh_getLedgerAccount at any block: nonce, cleared and withdrawn wei."""
    text, name = exactly(parameters, 1, 2)
    owner = read_address(text, "the address")
    if name == "pending":
        found = service.backend.chain.account(owner, pending=True)
    else:
        found = service.world.ledger_account(owner, service.position(name))
    return account_object(found)


def transaction_count(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_getTransactionCount: the ledger's nonce, which needs no execution; else a contract's."""
    text, name = exactly(parameters, 1, 2)
    owner = read_address(text, "the address")
    position = service.position(name)
    nonce = service.world.ledger_account(owner, position).nonce
    if name == "pending":
        nonce = max(nonce, service.backend.chain.account(owner, pending=True).nonce)
    return quantity(nonce or service.world.account(owner, position).nonce)


def code(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_getCode."""
    text, name = exactly(parameters, 1, 2)
    owner = read_address(text, "the address")
    return data(service.world.account(owner, service.position(name)).code)


def storage_at(service: WorldService, parameters: Sequence[Any]) -> str:
    """eth_getStorageAt."""
    text, key, name = exactly(parameters, 2, 3)
    owner, slot = read_address(text, "the address"), read_quantity(key, "the storage key")
    return _word(service.world.slot(owner, slot, service.position(name)))


def storage_values(service: WorldService, parameters: Sequence[Any]) -> dict[str, list[str]]:
    """eth_getStorageValues: several elements of several accounts."""
    wanted, name = exactly(parameters, 1, 2)
    if not isinstance(wanted, Mapping) or not all(isinstance(keys, list) for keys in wanted.values()):
        raise invalid_params("the first parameter maps addresses to lists of storage keys")
    if sum(map(len, wanted.values())) > service.limits.slots:
        raise invalid_params(f"at most {service.limits.slots} storage keys are read at once")
    asked = [
        (read_address(text, "the address"), [read_quantity(key, "the storage key") for key in keys])
        for text, keys in wanted.items()
    ]
    position = service.position(name)
    return {
        address(owner): [_word(service.world.slot(owner, key, position)) for key in keys]
        for owner, keys in asked
    }


def _word(value: int) -> str:
    return data(value.to_bytes(32, "big"))
