"""What ethereum/execution-apis says that answers look like, written after its OpenRPC schemas."""

from typing import Any

Schema = dict[str, Any]


def matching(pattern: str) -> Schema:
    return {"type": "string", "pattern": pattern}


def listed(items: Schema) -> Schema:
    return {"type": "array", "items": items}


def either(*schemas: Schema) -> Schema:
    return {"oneOf": list(schemas)}


def record(required: Schema, optional: Schema | None = None) -> Schema:
    return {
        "type": "object",
        "properties": {**required, **(optional or {})},
        "required": list(required),
        "additionalProperties": False,
    }


# --- base types ---

UINT = matching(r"^0x(0|[1-9a-f][0-9a-f]*)$")
UINT64 = matching(r"^0x(0|[1-9a-f][0-9a-f]{0,15})$")
UINT256 = matching(r"^0x(0|[1-9a-f][0-9a-f]{0,63})$")
BYTES = matching(r"^0x([0-9a-f]{2})*$")
BYTES8 = matching(r"^0x[0-9a-f]{16}$")
BYTES32 = matching(r"^0x[0-9a-f]{64}$")
BYTES256 = matching(r"^0x[0-9a-f]{512}$")
HASH = BYTES32
ADDRESS = matching(r"^0x[0-9a-fA-F]{40}$")
NULL: Schema = {"type": "null"}
BOOLEAN: Schema = {"type": "boolean"}
TEXT: Schema = {"type": "string"}

# --- transactions ---

ACCESS_LIST = listed(record({"address": ADDRESS, "storageKeys": listed(HASH)}))
PLACE = {
    "blockHash": either(HASH, NULL),
    "blockNumber": either(UINT, NULL),
    "transactionIndex": either(UINT, NULL),
    "from": ADDRESS,
    "hash": HASH,
}
UNSIGNED = {
    "nonce": UINT64,
    "to": either(ADDRESS, NULL),
    "gas": UINT64,
    "value": UINT256,
    "input": BYTES,
    "gasPrice": UINT256,
}
SIGNATURE = {"r": UINT256, "s": UINT256, "v": UINT256}
LISTING = {"chainId": UINT64, "accessList": ACCESS_LIST, "yParity": matching("^0x[01]$")}
FEES = {"maxFeePerGas": UINT256, "maxPriorityFeePerGas": UINT256}


def transaction_type(number: int) -> Schema:
    return {"type": matching(f"^0x{number}$")}


TRANSACTION = either(
    record({**PLACE, **UNSIGNED, **SIGNATURE, **transaction_type(0)}, {"chainId": UINT64}),
    record({**PLACE, **UNSIGNED, **SIGNATURE, **LISTING, **transaction_type(1)}),
    record({**PLACE, **UNSIGNED, **SIGNATURE, **LISTING, **FEES, **transaction_type(2)}),
)

# --- receipts ---

LOG = record(
    {
        "removed": BOOLEAN,
        "logIndex": UINT,
        "transactionIndex": UINT,
        "transactionHash": HASH,
        "blockHash": HASH,
        "blockNumber": UINT,
        "address": ADDRESS,
        "data": BYTES,
        "topics": {"type": "array", "items": BYTES32, "maxItems": 4},
    }
)
RECEIPT = record(
    {
        "type": matching("^0x[0-9a-f]{1,2}$"),
        "transactionHash": HASH,
        "transactionIndex": UINT,
        "blockHash": HASH,
        "blockNumber": UINT,
        "from": ADDRESS,
        "to": either(ADDRESS, NULL),
        "cumulativeGasUsed": UINT,
        "gasUsed": UINT,
        "contractAddress": either(ADDRESS, NULL),
        "logs": listed(LOG),
        "logsBloom": BYTES256,
        "status": matching("^0x[01]$"),
        "effectiveGasPrice": UINT,
    }
)

# --- blocks ---

OWN_BLOCK_FIELDS = {"l1OriginNumber": UINT, "l1OriginHash": HASH, "orderedGas": UINT, "totalDifficulty": UINT}
BLOCK = record(
    {
        "hash": HASH,
        "parentHash": HASH,
        "sha3Uncles": HASH,
        "miner": ADDRESS,
        "stateRoot": HASH,
        "transactionsRoot": HASH,
        "receiptsRoot": HASH,
        "logsBloom": BYTES256,
        "number": UINT,
        "difficulty": UINT,
        "gasLimit": UINT,
        "gasUsed": UINT,
        "timestamp": UINT,
        "extraData": BYTES,
        "mixHash": HASH,
        "nonce": BYTES8,
        "baseFeePerGas": UINT,
        "size": UINT,
        "transactions": {"anyOf": [listed(HASH), listed(TRANSACTION)]},
        "uncles": listed(HASH),
    },
    OWN_BLOCK_FIELDS,
)
FEE_HISTORY = record(
    {
        "oldestBlock": UINT,
        "baseFeePerGas": listed(UINT),
        "gasUsedRatio": listed({"type": "number", "minimum": 0, "maximum": 1}),
    },
    {"reward": listed(listed(UINT))},
)
SYNCING = either(
    {"const": False}, record({"startingBlock": UINT, "currentBlock": UINT, "highestBlock": UINT})
)
BY_NONCE: Schema = {
    "type": "object",
    "patternProperties": {"^(0|[1-9][0-9]*)$": TRANSACTION},
    "additionalProperties": False,
}
BY_SENDER: Schema = {
    "type": "object",
    "patternProperties": {"^0x[0-9a-fA-F]{40}$": BY_NONCE},
    "additionalProperties": False,
}
STORAGE: Schema = {
    "type": "object",
    "patternProperties": {"^0x[0-9a-fA-F]{40}$": listed(BYTES32)},
    "additionalProperties": False,
}

RESULTS: dict[str, Schema] = {
    "web3_clientVersion": TEXT,
    "web3_sha3": HASH,
    "net_version": matching("^[1-9][0-9]*$"),
    "net_listening": BOOLEAN,
    "net_peerCount": UINT,
    "eth_chainId": UINT,
    "eth_syncing": SYNCING,
    "eth_accounts": listed(ADDRESS),
    "eth_blockNumber": UINT,
    "eth_getBlockByNumber": either(NULL, BLOCK),
    "eth_getBlockByHash": either(NULL, BLOCK),
    "eth_getBlockTransactionCountByNumber": either(NULL, UINT),
    "eth_getBlockTransactionCountByHash": either(NULL, UINT),
    "eth_getUncleCountByBlockNumber": either(NULL, UINT),
    "eth_getUncleCountByBlockHash": either(NULL, UINT),
    "eth_getUncleByBlockNumberAndIndex": NULL,
    "eth_getUncleByBlockHashAndIndex": NULL,
    "eth_getTransactionCount": UINT,
    "eth_gasPrice": UINT,
    "eth_maxPriorityFeePerGas": UINT,
    "eth_baseFee": UINT,
    "eth_blobBaseFee": UINT,
    "eth_feeHistory": FEE_HISTORY,
    "eth_sendRawTransaction": HASH,
    "eth_sendRawTransactionSync": RECEIPT,
    "eth_getTransactionByHash": either(NULL, TRANSACTION),
    "eth_getRawTransactionByHash": either(NULL, BYTES),
    "eth_getRawTransactionByBlockNumberAndIndex": either(NULL, BYTES),
    "eth_getRawTransactionByBlockHashAndIndex": either(NULL, BYTES),
    "eth_getTransactionByBlockNumberAndIndex": either(NULL, TRANSACTION),
    "eth_getTransactionByBlockHashAndIndex": either(NULL, TRANSACTION),
    "eth_getTransactionReceipt": either(NULL, RECEIPT),
    "eth_getBlockReceipts": either(NULL, listed(RECEIPT)),
    "eth_estimateGas": UINT,
    "eth_createAccessList": record({"accessList": ACCESS_LIST, "gasUsed": UINT}, {"error": TEXT}),
    "eth_call": BYTES,
    "eth_getBalance": UINT,
    "eth_getCode": BYTES,
    "eth_getStorageAt": BYTES32,
    "eth_getStorageValues": STORAGE,
    "eth_getLogs": listed(LOG),
    "eth_newFilter": UINT,
    "eth_newBlockFilter": UINT,
    "eth_newPendingTransactionFilter": UINT,
    "eth_getFilterChanges": {"anyOf": [listed(HASH), listed(LOG)]},
    "eth_getFilterLogs": listed(LOG),
    "eth_uninstallFilter": BOOLEAN,
    "txpool_status": record({"pending": UINT, "queued": UINT}),
    "txpool_content": record({"pending": BY_SENDER, "queued": BY_SENDER}),
    "txpool_contentFrom": record({"pending": BY_NONCE, "queued": BY_NONCE}),
}
"""The result of every standard method that is answered."""

CODES = {3, 4, -32700, -32600, -32601, -32602, -32603, *range(-32005, -31999)}
ERROR = {
    "type": "object",
    "properties": {"code": {"enum": sorted(CODES)}, "message": TEXT, "data": TEXT},
    "required": ["code", "message", "data"],
    "additionalProperties": False,
}
"""An error of any method; JSON-RPC 2.0's codes, EIP-1474's, and those of reverts and EIP-7966."""
