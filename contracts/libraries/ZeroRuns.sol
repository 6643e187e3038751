// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Unpacking data that have to be packed in the one way
/// @notice The form is that of solady's LibZip.cdCompress: a run of 1 to 128 bytes 0x00 is 0x00 and length - 1, one of 1
/// to 32 bytes 0xff is 0x00 and 0x80 + length - 1, runs are taken greedily, the first four bytes are negated. LibZip
/// unpacks anything; whether it was well packed would show only by packing it again, which 128 KiB of short runs do not
/// allow in one transaction. Here one pass does both. Twin: anh_rollup/encoding/zero_runs.py.
library ZeroRuns {
    /// @notice What was packed.
    /// @param packed Its memory is used up.
    /// @param most Bytes that the result may have.
    /// @return canonical Whether it is what cdCompress makes of the data, and those are not too long.
    /// @return data The data; nothing if not.
    /// @return zeros How many of their bytes are zero.
    function unpack(bytes memory packed, uint256 most)
        internal
        pure
        returns (bool canonical, bytes memory data, uint256 zeros)
    {
        if (packed.length == 0) return (true, data, 0);
        // An inner loop over up to 128 KiB: docs/adr/0002-assembly-in-the-inner-loops.md.
        assembly ("memory-safe") {
            let low := 0x7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f7f
            let from := add(packed, 0x20)
            let end := add(from, mload(packed))
            mstore(from, xor(mload(from), shl(224, 0xffffffff)))
            let built := mload(0x40)
            let to := add(built, 0x20)
            let limit := add(to, most)
            // 1 after zeros, 2 after bytes 0xff, where the run could have been longer.
            let open := 0
            canonical := 1
            for { } and(canonical, lt(from, end)) { } {
                let word := mload(from)
                switch byte(0, word)
                case 0 {
                    let control := byte(1, word)
                    let isZeros := lt(control, 0x80)
                    canonical := and(lt(add(from, 1), end), lt(control, 0xa0))
                    canonical := and(canonical, iszero(eq(open, sub(2, isZeros))))
                    switch isZeros
                    case 1 {
                        // Reading behind the calldata gives zeros.
                        calldatacopy(to, calldatasize(), add(control, 1))
                        zeros := add(zeros, add(control, 1))
                        to := add(to, add(control, 1))
                        open := lt(control, 0x7f)
                    }
                    default {
                        mstore(to, not(0))
                        to := add(to, sub(control, 0x7f))
                        open := shl(1, lt(control, 0x9f))
                    }
                    from := add(from, 2)
                }
                case 0xff { canonical := 0 }
                default {
                    let size := 1
                    mstore(to, word)
                    let second := byte(1, word)
                    if and(iszero(iszero(second)), lt(second, 0xff)) {
                        // 0x80 in each byte that is 0x00 or 0xff; the first of them ends the literal bytes.
                        let other := not(word)
                        other := or(add(and(other, low), low), other)
                        let marks := not(or(and(or(add(and(word, low), low), word), other), low))
                        let shift := shl(7, lt(0xffffffffffffffffffffffffffffffff, marks))
                        shift := or(shift, shl(6, lt(0xffffffffffffffff, shr(shift, marks))))
                        shift := or(shift, shl(5, lt(0xffffffff, shr(shift, marks))))
                        shift := or(shift, shl(4, lt(0xffff, shr(shift, marks))))
                        size := xor(31, or(shr(3, shift), lt(0xff, shr(shift, marks))))
                        if iszero(marks) { size := 32 }
                        if gt(size, sub(end, from)) { size := sub(end, from) }
                    }
                    from := add(from, size)
                    to := add(to, size)
                    open := 0
                }
                canonical := and(canonical, iszero(gt(to, limit)))
            }
            if canonical {
                data := built
                mstore(built, sub(to, add(built, 0x20)))
                mstore(0x40, and(add(to, 0x3f), not(0x1f)))
            }
        }
        if (!canonical) zeros = 0;
    }
}
