// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

// Numbers here are small, and texts short.
// forge-lint: disable-start(unsafe-typecast)

import { AccessLists } from "contracts/libraries/AccessLists.sol";
import { SignedTransactions } from "contracts/libraries/SignedTransactions.sol";
import { Transaction } from "contracts/types/Transaction.sol";
import { VectorTest } from "tests/contracts/libraries/VectorTest.sol";

/// @title Records of transactions
/// @notice tests/differential/test_transaction_arbiter.py compares many more with Python.
contract SignedTransactionsTest is VectorTest {
    uint256 private constant CHAIN_ID = 210_614_763;

    function test_recordsOfPythonAreRead() external view {
        string memory json = vectors("records");
        bytes[] memory records = vm.parseJsonBytesArray(json, ".records.record");
        address[] memory senders = vm.parseJsonAddressArray(json, ".records.sender");
        address[] memory recipients = vm.parseJsonAddressArray(json, ".records.to");
        uint256[] memory hasTo = vm.parseJsonUintArray(json, ".records.has_to");
        uint256[] memory nonces = vm.parseJsonUintArray(json, ".records.nonce");
        uint256[] memory fees = vm.parseJsonUintArray(json, ".records.max_fee");
        bytes[] memory data = vm.parseJsonBytesArray(json, ".records.data");
        assertGt(records.length, 0);
        for (uint256 i; i < records.length; ++i) {
            (bool sound, Transaction memory read) = SignedTransactions.decode(records[i], CHAIN_ID);
            assertTrue(sound);
            assertEq(read.sender, senders[i]);
            assertEq(read.to, recipients[i]);
            assertEq(read.creates, hasTo[i] == 0);
            assertEq(read.nonce, nonces[i]);
            assertEq(read.maxFee, fees[i]);
            assertEq(read.dataBytes, data[i].length);
        }
    }

    function test_badRecordsOfPythonAreNone() external view {
        bytes[] memory records = vm.parseJsonBytesArray(vectors("records"), ".bad_records.record");
        assertGt(records.length, 0);
        for (uint256 i; i < records.length; ++i) {
            (bool sound,) = SignedTransactions.decode(records[i], CHAIN_ID);
            assertFalse(sound);
        }
    }

    function testFuzz_noBytesRevert(bytes memory record, uint8 head) external pure {
        if (record.length != 0) record[0] = bytes1(head & 0x1f);
        (bool sound, Transaction memory read) = SignedTransactions.decode(record, CHAIN_ID);
        if (sound) assertNotEq(uint256(uint160(read.sender)), 0);
    }

    function testFuzz_anotherChainHasAnotherSender(uint64 chainId) external view {
        chainId = uint64(bound(chainId, 0, (type(uint64).max - 36) / 2));
        if (chainId == CHAIN_ID) return;
        bytes memory record = vm.parseJsonBytesArray(vectors("records"), ".records.record")[0];
        (, Transaction memory here) = SignedTransactions.decode(bytes.concat(record), CHAIN_ID);
        (bool sound, Transaction memory there) = SignedTransactions.decode(record, chainId);
        assertTrue(!sound || here.sender != there.sender);
    }

    // --- access lists ---

    function testFuzz_accessListsAreCounted(uint8 entries, uint8 keys) external pure {
        uint256 addresses = bound(entries, 1, 20);
        uint256 each = bound(keys, 0, 40);
        bytes memory entry = _list(bytes.concat(hex"94", new bytes(20), _list(_repeated(_key(), each))));
        bytes memory list = _list(_repeated(entry, addresses));
        (bool sound, uint256 foundAddresses, uint256 foundKeys) = AccessLists.count(list);
        assertTrue(sound);
        assertEq(foundAddresses, addresses);
        assertEq(foundKeys, addresses * each);
    }

    function testFuzz_aCutOrLongerAccessListIsNone(uint8 entries, uint16 end, bytes1 more) external pure {
        bytes memory entry = _list(bytes.concat(hex"94", new bytes(20), _list(_key())));
        bytes memory list = _list(_repeated(entry, bound(entries, 1, 20)));
        (bool sound,,) = AccessLists.count(slice(list, 0, end % list.length));
        assertFalse(sound);
        (sound,,) = AccessLists.count(bytes.concat(list, more));
        assertFalse(sound);
    }

    function test_otherListsAreNone() external pure {
        bytes[7] memory lists = [
            bytes(hex"c0"),
            hex"80",
            _list(hex"c0"),
            _list(_list(bytes.concat(hex"94", new bytes(20)))),
            _list(_list(bytes.concat(hex"94", new bytes(20), hex"80"))),
            _list(_list(bytes.concat(hex"95", new bytes(21), hex"c0"))),
            bytes.concat(hex"f817d694", new bytes(20), hex"c0")
        ];
        for (uint256 i; i < lists.length; ++i) {
            (bool sound,,) = AccessLists.count(lists[i]);
            assertFalse(sound);
        }
        (bool short,,) = AccessLists.count(bytes.concat(hex"d7d694", new bytes(20), hex"c0"));
        assertTrue(short);
    }

    function testFuzz_noListReverts(bytes memory list) external pure {
        (bool sound, uint256 addresses,) = AccessLists.count(list);
        assertTrue(!sound || addresses != 0);
    }

    function _key() private pure returns (bytes memory) {
        return bytes.concat(hex"a0", bytes32("key"));
    }

    function _repeated(bytes memory part, uint256 count) private pure returns (bytes memory all) {
        for (uint256 i; i < count; ++i) {
            all = bytes.concat(all, part);
        }
    }

    function _list(bytes memory items) private pure returns (bytes memory) {
        uint256 size = items.length;
        if (size < 56) return bytes.concat(bytes1(uint8(0xc0 + size)), items);
        if (size < 256) return bytes.concat(hex"f8", bytes1(uint8(size)), items);
        return bytes.concat(hex"f9", bytes2(uint16(size)), items);
    }
}
