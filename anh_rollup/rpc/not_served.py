"""Methods that clients know and are not answered, each with what to do instead."""

from collections.abc import Mapping
from typing import Final

FOLLOWER_REMEDY: Final = "Ask a follower (`anh follower`): it executes; the sequencer only orders."
LEDGER_REMEDY: Final = "Ask a follower, or anh_getLedgerAccount for the nonce and the cleared balance."
POSITION_REMEDY: Final = "Ask anh_getPosition for the transaction's place in the order."
SUBSCRIPTION_REMEDY: Final = "Open a WebSocket at a follower's address, or poll a filter (eth_newFilter)."
PROOF_REMEDY: Final = "No block commits to the state: run a follower of your own, and ask it."
TRACING_REMEDY: Final = "Use eth_call, eth_getTransactionReceipt and eth_getLogs."
SIGNING_REMEDY: Final = "Sign with your own wallet and send the result with eth_sendRawTransaction."
SENDING_REMEDY: Final = "Use eth_sendRawTransaction and wait for anh_getPosition."
SENDER_REMEDY: Final = "Look the transaction up by its hash (eth_getTransactionByHash)."
POOL_REMEDY: Final = "Ask txpool_content of a follower, or anh_syncStatus for how many wait."
CHAIN_REMEDY: Final = "Ask eth_chainId, anh_syncStatus, or read docs/ledger.md."
RAW_REMEDY: Final = "Ask eth_getBlockByNumber, eth_getRawTransactionByHash or eth_getBlockReceipts."

REFUSED: Final[Mapping[str, str]] = {
    **dict.fromkeys(("eth_getProof", "eth_getBlockAccessList"), PROOF_REMEDY),
    **dict.fromkeys(("eth_subscribe", "eth_unsubscribe"), SUBSCRIPTION_REMEDY),
    **dict.fromkeys(
        (
            "eth_simulateV1",
            "debug_traceBlockByHash",
            "debug_traceBlockByNumber",
            "debug_traceCall",
            "debug_traceTransaction",
            "trace_block",
            "trace_call",
            "trace_filter",
            "trace_transaction",
        ),
        TRACING_REMEDY,
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
    "eth_sendRawTransactionConditional": SENDING_REMEDY,
    "eth_getTransactionBySenderAndNonce": SENDER_REMEDY,
    "txpool_inspect": POOL_REMEDY,
    **dict.fromkeys(
        (
            "eth_capabilities",
            "eth_coinbase",
            "eth_config",
            "eth_hashrate",
            "eth_mining",
            "eth_protocolVersion",
        ),
        CHAIN_REMEDY,
    ),
    **dict.fromkeys(
        (
            "debug_getBadBlocks",
            "debug_getRawBlock",
            "debug_getRawHeader",
            "debug_getRawReceipts",
            "debug_getRawTransaction",
        ),
        RAW_REMEDY,
    ),
}
"""What no node answers, and the remedy; eth_subscribe and eth_unsubscribe are for WebSockets only."""

FOLLOWERS_ONLY: Final = (
    "anh_getBalance",
    "anh_getClosure",
    "anh_getPublication",
    "anh_getWaiting",
    "anh_getLedgerClaims",
    "anh_getWithdrawal",
    "eth_call",
    "eth_createAccessList",
    "eth_getBalance",
    "eth_getBlockReceipts",
    "eth_getCode",
    "eth_getFilterChanges",
    "eth_getFilterLogs",
    "eth_getLogs",
    "eth_getStorageAt",
    "eth_getStorageValues",
    "eth_newBlockFilter",
    "eth_newFilter",
    "eth_newPendingTransactionFilter",
    "eth_sendRawTransactionSync",
    "eth_uninstallFilter",
    "txpool_content",
    "txpool_contentFrom",
    "txpool_status",
)
"""What a node with a world answers and the sequencer does not."""

NOT_SERVED: Final[Mapping[str, str]] = {
    **REFUSED,
    **dict.fromkeys(FOLLOWERS_ONLY, FOLLOWER_REMEDY),
    "eth_getBalance": LEDGER_REMEDY,
}
"""What the sequencer does not answer, and the remedy."""
