// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Unpacking data that have to be packed in the one way
/// @notice The form is that of solady's LibZip.cdCompress: a run of 1 to 128 bytes 0x00 is 0x00 and length - 1, one of 1
/// to 32 bytes 0xff is 0x00 and 0x80 + length - 1, runs are taken greedily, the first four bytes are negated. LibZip
/// unpacks anything; whether it was well packed would show only by packing it again, which 128 KiB of short runs do not
/// allow in one transaction. Here one pass does both. Twin: anh_rollup/encoding/zero_runs.py.
library ZeroRuns {
    /// @notice What was packed.
    /// @param record Holds the packed bytes, to its end; they are used up.
    /// @param start Where they begin.
    /// @param most Bytes that the result may have.
    /// @return canonical Whether it is what cdCompress makes of the data, and those are not too long.
    /// @return data The data; nothing if not.
    /// @return zeros How many of their bytes are zero.
    function unpack(bytes memory record, uint256 start, uint256 most)
        internal
        pure
        returns (bool canonical, bytes memory data, uint256 zeros)
    {
        uint256 from;
        uint256 end;
        uint256 to;
        assembly ("memory-safe") {
            from := add(add(record, 0x20), start)
            end := add(add(record, 0x20), mload(record))
            // What of the first four bytes is there.
            let negated := not(shr(shl(3, sub(end, from)), not(0)))
            mstore(from, xor(mload(from), and(negated, shl(224, 0xffffffff))))
            to := add(mload(0x40), 0x20)
        }
        uint256 last;
        (from, last, zeros) = _unpacked(from, end, to, to + most);
        // Not at the end: a token was wrong, or the last one is cut.
        canonical = from == end && last <= to + most;
        if (!canonical) return (false, data, 0);
        assembly ("memory-safe") {
            data := mload(0x40)
            mstore(data, sub(last, to))
            mstore(0x40, and(add(last, 0x3f), not(0x1f)))
        }
    }

    /// @dev Unpacks until the end, the first token that cannot be, or above the limit.
    /// @param from Where the next token begins.
    /// @param end Where they end.
    /// @param to Where the next byte of the data goes; memory from there on is free.
    /// @param limit Where they may end.
    function _unpacked(uint256 from, uint256 end, uint256 to, uint256 limit)
        private
        pure
        returns (uint256, uint256, uint256 zeros)
    {
        // An inner loop over up to 64 KiB: docs/adr/0002-assembly-in-the-inner-loops.md.
        assembly ("memory-safe") {
            let low := 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f
            // 1 after zeros, 2 after bytes 0xff, where the run could have been longer.
            let open := 0
            for { } lt(from, end) { } {
                let word := mload(from)
                let token := shr(240, word)
                if gt(token, 0xff) {
                    // Literal bytes, up to the first that is 0x00 or 0xff; none may be 0xff.
                    if gt(token, 0xfeff) { break }
                    mstore(to, word)
                    let literals := 1
                    if lt(sub(and(token, 0xff), 1), 0xfe) {
                        // 0x80 in each byte that is 0x00 or 0xff.
                        let other := not(word)
                        other := or(add(and(other, low), low), other)
                        let marks := not(or(and(or(add(and(word, low), low), word), other), low))
                        let shift := shl(7, lt(0xffffffffffffffffffffffffffffffff, marks))
                        shift := or(shift, shl(6, lt(0xffffffffffffffff, shr(shift, marks))))
                        shift := or(shift, shl(5, lt(0xffffffff, shr(shift, marks))))
                        shift := or(shift, shl(4, lt(0xffff, shr(shift, marks))))
                        literals := xor(31, or(shr(3, shift), lt(0xff, shr(shift, marks))))
                        if iszero(marks) { literals := 32 }
                        if gt(literals, sub(end, from)) { literals := sub(end, from) }
                    }
                    from := add(from, literals)
                    to := add(to, literals)
                    open := 0
                    token := shr(240, mload(from))
                    if or(gt(token, 0xff), iszero(lt(from, end))) { continue }
                }
                let size := add(and(token, 0x7f), 1)
                switch lt(token, 0x80)
                case 1 {
                    if eq(open, 1) { break }
                    // Reading behind the calldata gives zeros.
                    calldatacopy(to, calldatasize(), size)
                    zeros := add(zeros, size)
                    open := lt(token, 0x7f)
                }
                default {
                    if or(eq(open, 2), gt(token, 0x9f)) { break }
                    mstore(to, not(0))
                    open := shl(1, lt(token, 0x9f))
                }
                to := add(to, size)
                from := add(from, 2)
                if gt(to, limit) { break }
            }
        }
        return (from, to, zeros);
    }
}
