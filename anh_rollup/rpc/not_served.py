"""Methods that clients know and this node does not answer, each with what to do instead."""

from collections.abc import Mapping
from typing import Final

LEDGER_REMEDY: Final = "Ask anh_getLedgerAccount for the nonce and the cleared balance."
POSITION_REMEDY: Final = "Ask anh_getPosition for the transaction's place in the order."
EXECUTION_REMEDY: Final = "Ask a node that executes; this one only orders."
POLLING_REMEDY: Final = "Poll eth_blockNumber and eth_getBlockByNumber; what logs say needs execution."
SIGNING_REMEDY: Final = "Sign with your own wallet and send the result with eth_sendRawTransaction."
SENDING_REMEDY: Final = "Use eth_sendRawTransaction and wait for anh_getPosition."
FEE_REMEDY: Final = "Ask eth_gasPrice or eth_feeHistory; the L2 has no blobs."
POOL_REMEDY: Final = "There is no pool: what is accepted is ordered. See anh_getPosition and anh_syncStatus."
CHAIN_REMEDY: Final = "Ask eth_chainId, anh_syncStatus, or read docs/ledger.md."

NOT_SERVED: Final[Mapping[str, str]] = {
    "eth_getBalance": LEDGER_REMEDY,
    "eth_getTransactionBySenderAndNonce": POSITION_REMEDY,
    **dict.fromkeys(
        (
            "eth_call",
            "eth_createAccessList",
            "eth_getBlockAccessList",
            "eth_getBlockReceipts",
            "eth_getCode",
            "eth_getProof",
            "eth_getStorageAt",
            "eth_getStorageValues",
            "eth_simulateV1",
            "debug_getRawReceipts",
            "debug_traceBlockByHash",
            "debug_traceBlockByNumber",
            "debug_traceCall",
            "debug_traceTransaction",
            "trace_block",
            "trace_call",
            "trace_filter",
            "trace_transaction",
        ),
        EXECUTION_REMEDY,
    ),
    **dict.fromkeys(
        (
            "eth_getFilterChanges",
            "eth_getFilterLogs",
            "eth_getLogs",
            "eth_newBlockFilter",
            "eth_newFilter",
            "eth_newPendingTransactionFilter",
            "eth_subscribe",
            "eth_uninstallFilter",
            "eth_unsubscribe",
        ),
        POLLING_REMEDY,
    ),
    **dict.fromkeys(
        (
            "eth_fillTransaction",
            "eth_requestAccounts",
            "eth_sendTransaction",
            "eth_sign",
            "eth_signTransaction",
            "eth_signTypedData",
            "eth_signTypedData_v4",
        ),
        SIGNING_REMEDY,
    ),
    **dict.fromkeys(("eth_sendRawTransactionConditional", "eth_sendRawTransactionSync"), SENDING_REMEDY),
    **dict.fromkeys(("eth_baseFee", "eth_blobBaseFee"), FEE_REMEDY),
    **dict.fromkeys(("txpool_content", "txpool_contentFrom", "txpool_inspect", "txpool_status"), POOL_REMEDY),
    **dict.fromkeys(
        (
            "debug_getBadBlocks",
            "debug_getRawBlock",
            "debug_getRawHeader",
            "debug_getRawTransaction",
            "eth_capabilities",
            "eth_coinbase",
            "eth_config",
            "eth_getRawTransactionByBlockHashAndIndex",
            "eth_getRawTransactionByBlockNumberAndIndex",
            "eth_getUncleByBlockHashAndIndex",
            "eth_getUncleByBlockNumberAndIndex",
            "eth_hashrate",
            "eth_mining",
            "eth_protocolVersion",
        ),
        CHAIN_REMEDY,
    ),
}
"""The method and its remedy."""
