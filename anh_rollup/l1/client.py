"""Reading L1: one method for each question, records as answers."""

from collections.abc import Sequence
from typing import Any, Final

from eth_utils.address import to_checksum_address

from anh_rollup.l1 import wire
from anh_rollup.l1.errors import L1RejectedError
from anh_rollup.l1.reverts import decode_revert
from anh_rollup.l1.transport import Patience, Transport
from anh_rollup.l1.types import Block, BlockId, Log, Receipt, Transaction, TransactionRequest
from anh_rollup.primitives import DIGEST_SIZE, BlockNumber, ChainId, Gas, Wei

#: JSON-RPC's code for a reverted call (execution-apis).
REVERTED: Final = 3


class L1Client:
    """A connection to one L1 chain; stateless but for the chain id, usable from several threads.

    Args:
        transport: Where and how patiently to ask.
    """

    def __init__(self, transport: Transport) -> None:
        self.transport = transport
        self._chain: ChainId | None = None

    @classmethod
    def connect(cls, url: str, patience: Patience | None = None) -> "L1Client":
        """A client of an endpoint that has answered.

        Raises:
            L1UnreachableError: Nobody answers.
        """
        client = cls(Transport(url, patience))
        client.chain_id()
        return client

    def chain_id(self) -> ChainId:
        """The chain's id, asked for once."""
        if self._chain is None:
            self._chain = ChainId(wire.quantity("the chain id", self.transport.request("eth_chainId")))
        return self._chain

    def block(self, which: BlockId = "latest") -> Block | None:
        """The canonical block of a number or tag; None where there is none (yet)."""
        answer = self.transport.request("eth_getBlockByNumber", _block_id(which), False)
        return None if answer is None else wire.block(answer)

    def block_by_hash(self, digest: bytes) -> Block | None:
        """The block of a hash, or None. It may be off the canonical chain."""
        answer = self.transport.request("eth_getBlockByHash", "0x" + digest.hex(), False)
        return None if answer is None else wire.block(answer)

    def head(self) -> Block:
        """The latest block."""
        return wire.block(self.transport.request("eth_getBlockByNumber", "latest", False))

    def balance(self, address: str, at: BlockId = "latest") -> Wei:
        """An account's wei."""
        answer = self.transport.request("eth_getBalance", address, _block_id(at))
        return Wei(wire.quantity("a balance", answer))

    def nonce(self, address: str, at: BlockId = "latest") -> int:
        """The number of an account's transactions; `pending` counts those in the pool."""
        answer = self.transport.request("eth_getTransactionCount", address, _block_id(at))
        return wire.quantity("a nonce", answer)

    def code(self, address: str, at: BlockId = "latest") -> bytes:
        """A contract's code; empty for other accounts."""
        return wire.data("code", self.transport.request("eth_getCode", address, _block_id(at)))

    def call(self, request: TransactionRequest, sender: str | None = None, at: BlockId = "latest") -> bytes:
        """What a call would return.

        Raises:
            L1RevertedError: The contract refuses it.
        """
        return wire.data(
            "a call's output", self._execute("eth_call", _arguments(request, sender), _block_id(at))
        )

    def estimate_gas(self, request: TransactionRequest, sender: str, hashes: Sequence[bytes] = ()) -> Gas:
        """The gas that a transaction would need now; `hashes` are its blobs' versioned hashes.

        Raises:
            L1RevertedError: The contract refuses it.
        """
        arguments = _arguments(request, sender)
        if hashes:
            arguments["blobVersionedHashes"] = ["0x" + digest.hex() for digest in hashes]
            arguments["maxFeePerBlobGas"] = hex(self.blob_base_fee() * 2)
        return Gas(wire.quantity("a gas estimate", self._execute("eth_estimateGas", arguments)))

    def logs(
        self,
        addresses: Sequence[str],
        first: BlockNumber,
        last: BlockNumber,
        topics: Sequence[bytes | None] = (),
    ) -> tuple[Log, ...]:
        """The events of some contracts in the blocks `first` to `last`, both included, in order."""
        query: dict[str, Any] = {"address": list(addresses), "fromBlock": hex(first), "toBlock": hex(last)}
        if topics:
            query["topics"] = [None if topic is None else "0x" + topic.hex() for topic in topics]
        answer = self.transport.request("eth_getLogs", query)
        found = (wire.log(item) for item in wire.items("logs", answer))
        return tuple(sorted(found, key=lambda log: (log.block, log.index)))

    def transaction(self, digest: bytes) -> Transaction | None:
        """A transaction, mined or pending, or None where the node knows none."""
        answer = self.transport.request("eth_getTransactionByHash", "0x" + digest.hex())
        return None if answer is None else wire.transaction(answer)

    def receipt(self, digest: bytes) -> Receipt | None:
        """A mined transaction's receipt, or None."""
        answer = self.transport.request("eth_getTransactionReceipt", "0x" + digest.hex())
        return None if answer is None else wire.receipt(answer)

    def send_raw(self, signed: bytes) -> bytes:
        """Hands a signed transaction to the node; its hash. The node's refusal is `L1RejectedError`."""
        answer = self.transport.request("eth_sendRawTransaction", "0x" + signed.hex())
        return wire.data("a transaction hash", answer, DIGEST_SIZE)

    def priority_fee(self) -> Wei | None:
        """The tip that the node suggests, in wei a gas; None where it has no opinion."""
        return self._optional("eth_maxPriorityFeePerGas")

    def gas_price(self) -> Wei:
        """The price that the node suggests on chains without a base fee, in wei a gas."""
        return Wei(wire.quantity("the gas price", self.transport.request("eth_gasPrice")))

    def blob_base_fee(self) -> Wei:
        """The next block's wei a blob gas; 0 where the node does not say."""
        return self._optional("eth_blobBaseFee") or Wei(0)

    def supports_blobs(self) -> bool:
        """Whether the chain carries EIP-4844 blobs."""
        return self.head().excess_blob_gas is not None

    def _optional(self, method: str) -> Wei | None:
        """A price from a method that old nodes lack."""
        try:
            return Wei(wire.quantity(method, self.transport.request(method)))
        except L1RejectedError:
            return None

    def _execute(self, method: str, *parameters: Any) -> Any:
        """Runs code on the node; a revert becomes the Solidity error."""
        try:
            return self.transport.request(method, *parameters)
        except L1RejectedError as error:
            if error.code == REVERTED or error.data or "revert" in error.reason.lower():
                raise decode_revert(error.data, error.reason) from error
            raise


def _block_id(which: BlockId) -> str:
    return hex(which) if isinstance(which, int) else which


def _arguments(request: TransactionRequest, sender: str | None) -> dict[str, Any]:
    """A request as JSON-RPC's transaction object."""
    arguments: dict[str, Any] = {"data": "0x" + request.data.hex(), "value": hex(request.value)}
    if request.to is not None:
        arguments["to"] = to_checksum_address(request.to)
    if sender is not None:
        arguments["from"] = sender
    if request.gas is not None:
        arguments["gas"] = hex(request.gas)
    return arguments
