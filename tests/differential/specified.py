"""A whole state on which the specification processes signed transactions by itself."""

from dataclasses import dataclass

from coincurve import PrivateKey
from ethereum.crypto.hash import Hash32
from ethereum.forks.cancun.blocks import Receipt, decode_receipt
from ethereum.forks.cancun.fork import process_transaction
from ethereum.forks.cancun.fork_types import Account as SpecifiedAccount
from ethereum.forks.cancun.state import State, get_account, set_account, set_account_balance, set_storage
from ethereum.forks.cancun.transactions import Access, FeeMarketTransaction, signing_hash_1559
from ethereum.forks.cancun.trie import trie_get
from ethereum.forks.cancun.vm import BlockEnvironment, BlockOutput
from ethereum_types.bytes import Bytes0, Bytes20, Bytes32
from ethereum_types.numeric import U64, U256, Uint

from anh_rollup.encoding.rlp import encode_uint
from anh_rollup.primitives import Address
from anh_rollup.world.engine import Account, Block, Log, Run
from tests.doubles.state import MemoryState


@dataclass(frozen=True)
class Processed:
    """What the specification says came of a transaction."""

    succeeded: bool
    gas_used: int
    logs: tuple[Log, ...]


class SpecifiedChain:
    """The specification's state, and transactions on it.

    Args:
        state: What it begins with.
    """

    def __init__(self, state: MemoryState) -> None:
        self._state = State()
        for address, account in state.accounts.items():
            whole = SpecifiedAccount(Uint(account.nonce), U256(account.balance), account.code)
            set_account(self._state, Bytes20(address), whole)
        for (address, key), value in state.slots.items():
            set_storage(self._state, Bytes20(address), Bytes32(key.to_bytes(32, "big")), U256(value))

    def process(self, run: Run, block: Block, key: PrivateKey) -> Processed:
        """Processes a run as the transaction of whoever has the key, whose nonce is the run's."""
        output = BlockOutput()
        process_transaction(_environment(block, self._state), output, _signed(run, block, key), Uint(0))
        receipt = decode_receipt(trie_get(output.receipts_trie, encode_uint(0)))
        assert isinstance(receipt, Receipt)
        return Processed(bool(receipt.succeeded), int(output.block_gas_used), _logs(output))

    def pay(self, address: Address, amount: int) -> None:
        """Adds to a balance, or takes from it."""
        balance = int(get_account(self._state, Bytes20(address)).balance)
        set_account_balance(self._state, Bytes20(address), U256(balance + amount))

    def accounts(self) -> dict[Address, Account]:
        """Every account."""
        return {
            Address(bytes(address)): Account(int(each.nonce), int(each.balance), bytes(each.code))
            for address, each in self._state._main_trie._data.items()
            if each is not None
        }

    def slots(self) -> dict[tuple[Address, int], int]:
        """Every element of storage that is not zero."""
        return {
            (Address(bytes(address)), int.from_bytes(key, "big")): int(value)
            for address, trie in self._state._storage_tries.items()
            for key, value in trie._data.items()
        }


def _environment(block: Block, state: State) -> BlockEnvironment:
    heights = range(max(block.number - 256, 0), block.number)
    return BlockEnvironment(
        chain_id=U64(block.chain_id),
        state=state,
        block_gas_limit=Uint(block.gas_limit),
        block_hashes=[Hash32(block.hash_of(height)) for height in heights],
        coinbase=Bytes20(block.fee_recipient),
        number=Uint(block.number),
        base_fee_per_gas=Uint(block.base_fee),
        time=U256(block.time),
        prev_randao=Bytes32(block.randomness),
        excess_blob_gas=U64(0),
        parent_beacon_block_root=Hash32(bytes(32)),
    )


def _signed(run: Run, block: Block, key: PrivateKey) -> FeeMarketTransaction:
    """The transaction, whose maximum fee is what it pays."""
    fields = {
        "chain_id": U64(block.chain_id),
        "nonce": U256(run.nonce),
        "max_priority_fee_per_gas": Uint(run.gas_price - block.base_fee),
        "max_fee_per_gas": Uint(run.gas_price),
        "gas": Uint(run.gas_limit),
        "to": Bytes0() if run.to is None else Bytes20(run.to),
        "value": U256(run.value),
        "data": run.data,
        "access_list": tuple(
            Access(Bytes20(address), tuple(Bytes32(slot.to_bytes(32, "big")) for slot in slots))
            for address, slots in run.access_list
        ),
    }
    unsigned = FeeMarketTransaction(**fields, y_parity=U256(0), r=U256(0), s=U256(0))
    signature = key.sign_recoverable(signing_hash_1559(unsigned), hasher=None)
    r, s = (U256.from_be_bytes(signature[at : at + 32]) for at in (0, 32))
    return FeeMarketTransaction(**fields, y_parity=U256(signature[64]), r=r, s=s)


def _logs(output: BlockOutput) -> tuple[Log, ...]:
    return tuple(
        Log(Address(bytes(log.address)), tuple(map(bytes, log.topics)), bytes(log.data))
        for log in output.block_logs
    )
