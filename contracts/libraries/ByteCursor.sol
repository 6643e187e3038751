// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @notice A place in bytes that a stranger wrote.
struct ByteCursor {
    bytes data;
    uint256 place; // of the next byte
    uint256 end; // behind the last byte that may be read
    bool failed; // whether more was asked for than there is; then whatever was read is zero
}

using ByteCursors for ByteCursor global;

/// @title Reading bytes without ever reverting
library ByteCursors {
    /// @notice All of some bytes.
    function over(bytes memory data) internal pure returns (ByteCursor memory) {
        return ByteCursor(data, 0, data.length, false);
    }

    /// @notice The next bytes as a number; zero where there are too few.
    /// @param size At most 32.
    function take(ByteCursor memory self, uint256 size) internal pure returns (uint256 value) {
        uint256 start = self.place;
        if (!skip(self, size) || size == 0) return 0;
        bytes memory data = self.data;
        // `skip` has checked that the bytes are there; what is behind them is shifted out.
        assembly ("memory-safe") {
            value := shr(sub(256, shl(3, size)), mload(add(add(data, 0x20), start)))
        }
    }

    /// @notice Passes over the next bytes; whether they are there.
    function skip(ByteCursor memory self, uint256 size) internal pure returns (bool) {
        if (self.failed || size > self.end - self.place) {
            (self.failed, self.place) = (true, self.end);
            return false;
        }
        self.place += size;
        return true;
    }

    /// @notice Bytes that are not yet read.
    function left(ByteCursor memory self) internal pure returns (uint256) {
        return self.end - self.place;
    }

    /// @notice A copy of the next bytes; none where there are too few.
    function part(ByteCursor memory self, uint256 size) internal pure returns (bytes memory copied) {
        uint256 start = self.place;
        if (!skip(self, size)) return copied;
        bytes memory data = self.data;
        copied = new bytes(size);
        // Shanghai has no MCOPY. The last word may carry on behind the copy, into its own padding.
        assembly ("memory-safe") {
            let from := add(add(data, 0x20), start)
            let to := add(copied, 0x20)
            let end := add(to, size)
            for { } lt(to, end) { } {
                mstore(to, mload(from))
                to := add(to, 0x20)
                from := add(from, 0x20)
            }
        }
    }
}
