// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { ECDSA } from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import { AccessLists } from "contracts/libraries/AccessLists.sol";
import { ByteCursor, ByteCursors } from "contracts/libraries/ByteCursor.sol";
import { Orders } from "contracts/libraries/Orders.sol";
import { Rlp } from "contracts/libraries/Rlp.sol";
import { ZeroRuns } from "contracts/libraries/ZeroRuns.sol";
import { Transaction } from "contracts/types/Transaction.sol";

/// @title From a record to a transaction and who signed it
/// @notice As strict as docs/encoding.md says, "Transaction records": a record is sound if it is the one record of a
/// transaction that consensus accepts by itself. Never reverts. Twin: anh_rollup/encoding/transactions.py.
library SignedTransactions {
    /// @notice Most bytes of a record.
    uint256 internal constant MOST_RECORD_BYTES = 1 << 16;

    /// @dev Most bytes of a signed transaction.
    uint256 private constant MOST_BYTES = 1 << 17;

    uint256 private constant UNUSED_BITS = 0xe0;
    uint256 private constant TYPE_BITS = 3;
    uint256 private constant PARITY_BIT = 4;
    uint256 private constant TO_BIT = 8;
    uint256 private constant ACCESS_LIST_BIT = 16;
    uint256 private constant DYNAMIC_FEE = 2;
    uint256 private constant EIP155_BASE = 35;
    uint8 private constant FIRST_V = 27;

    /// @dev A record's bytes as they are read.
    struct Raw {
        uint256 kind;
        uint256 parity;
        uint256 r;
        uint256 s;
        bytes accessList;
        bytes data;
        bool sound;
    }

    /// @notice The transaction of a record.
    /// @param record Any bytes.
    /// @param chainId The L2's, at most (2^64 - 37) / 2.
    /// @return sound Whether it is one; nothing else counts if not.
    /// @return transaction What it says.
    function decode(bytes memory record, uint256 chainId)
        internal
        pure
        returns (bool sound, Transaction memory transaction)
    {
        if (record.length > MOST_RECORD_BYTES) return (false, transaction);
        Raw memory raw = _read(record, transaction);
        if (!raw.sound) return (false, transaction);
        (bytes32 digest, uint256 size) = _signingHash(raw, transaction, chainId);
        if (size > MOST_BYTES) return (false, transaction);
        // A parity is 0 or 1.
        // forge-lint: disable-next-line(unsafe-typecast)
        uint8 v = FIRST_V + uint8(raw.parity);
        (address signer, ECDSA.RecoverError wrong,) =
            ECDSA.tryRecover(digest, v, bytes32(raw.r), bytes32(raw.s));
        transaction.sender = signer;
        sound = wrong == ECDSA.RecoverError.NoError;
        transaction.orders = Orders.isOrder(raw.data);
    }

    /// @dev Reads all fields into `transaction`.
    function _read(bytes memory record, Transaction memory transaction)
        private
        pure
        returns (Raw memory raw)
    {
        ByteCursor memory cursor = ByteCursors.over(record);
        uint256 head = cursor.take(1);
        raw.kind = head & TYPE_BITS;
        if (head & UNUSED_BITS != 0 || raw.kind > DYNAMIC_FEE) return raw;
        raw.parity = head & PARITY_BIT == 0 ? 0 : 1;
        (raw.r, raw.s) = (cursor.take(32), cursor.take(32));
        transaction.creates = head & TO_BIT == 0;
        if (!transaction.creates) transaction.to = address(uint160(cursor.take(20)));
        transaction.nonce = _number(cursor);
        transaction.gasLimit = _number(cursor);
        transaction.maxFee = _number(cursor);
        transaction.priorityFee = raw.kind == DYNAMIC_FEE ? _number(cursor) : transaction.maxFee;
        transaction.value = _number(cursor);
        bool listed = head & ACCESS_LIST_BIT != 0;
        if (listed) raw.accessList = cursor.part(cursor.take(3));
        if (cursor.failed || !_inRange(transaction) || (listed && raw.kind == 0)) return raw;
        if (listed) {
            (listed, transaction.addresses, transaction.keys) = AccessLists.count(raw.accessList);
            if (!listed) return raw;
        }
        (raw.sound, raw.data, transaction.zeros) = ZeroRuns.unpack(record, cursor.place, MOST_BYTES);
        transaction.dataBytes = raw.data.length;
    }

    /// @dev A length byte and so many bytes, the first of which is not zero.
    function _number(ByteCursor memory cursor) private pure returns (uint256 value) {
        uint256 size = cursor.take(1);
        if (size > 32) cursor.failed = true;
        else value = cursor.take(size);
        if (size != 0 && value >> (8 * (size - 1)) == 0) cursor.failed = true;
    }

    function _inRange(Transaction memory transaction) private pure returns (bool) {
        bool small = transaction.nonce < type(uint64).max && transaction.gasLimit <= type(uint64).max;
        return small && transaction.priorityFee <= transaction.maxFee;
    }

    /// @dev What was signed, and how long the signed transaction is.
    function _signingHash(Raw memory raw, Transaction memory transaction, uint256 chainId)
        private
        pure
        returns (bytes32 digest, uint256 size)
    {
        bytes memory chain = Rlp.number(chainId);
        bytes memory front = _front(raw.kind, transaction);
        bytes memory head = Rlp.stringHead(raw.data);
        uint256 body = front.length + head.length + raw.data.length;
        uint256 signature = Rlp.numberSize(raw.r) + Rlp.numberSize(raw.s);
        if (raw.kind == 0) {
            signature += Rlp.numberSize(2 * chainId + EIP155_BASE + raw.parity);
            size = Rlp.listSize(body + signature);
            bytes memory list = Rlp.listHead(body + chain.length + 2);
            digest = keccak256(bytes.concat(list, front, head, raw.data, chain, hex"8080"));
        } else {
            bytes memory accesses = raw.accessList.length == 0 ? bytes(hex"c0") : raw.accessList;
            uint256 items = chain.length + body + accesses.length;
            // The parity takes one byte, the type another.
            size = 1 + Rlp.listSize(items + 1 + signature);
            // As a number a type is itself.
            bytes memory list = bytes.concat(Rlp.number(raw.kind), Rlp.listHead(items), chain);
            digest = keccak256(bytes.concat(list, front, head, raw.data, accesses));
        }
    }

    /// @dev The fields from the nonce to the value.
    function _front(uint256 kind, Transaction memory transaction) private pure returns (bytes memory) {
        bytes memory fees = Rlp.number(transaction.maxFee);
        if (kind == DYNAMIC_FEE) fees = bytes.concat(Rlp.number(transaction.priorityFee), fees);
        return bytes.concat(
            Rlp.number(transaction.nonce),
            fees,
            Rlp.number(transaction.gasLimit),
            Rlp.recipient(!transaction.creates, transaction.to),
            Rlp.number(transaction.value)
        );
    }
}
