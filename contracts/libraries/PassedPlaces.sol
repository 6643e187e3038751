// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

/// @title Which places of a queue cannot become final any more
/// @notice One bit a place, 256 places a word, so that "all earlier ones" is one look at one word and a mark that
/// moves word by word.
library PassedPlaces {
    /// @notice Marks a place.
    function mark(mapping(uint32 => uint256) storage words, uint32 place) internal {
        words[place >> 8] |= uint256(1) << (place & 255);
    }

    /// @notice Whether all 256 places of a word are marked.
    function isFull(mapping(uint32 => uint256) storage words, uint32 word) internal view returns (bool) {
        return words[word] == type(uint256).max;
    }

    /// @notice Whether all places below `place` are marked, where the first `full` words are known to be.
    function allBelow(mapping(uint32 => uint256) storage words, uint32 place, uint32 full)
        internal
        view
        returns (bool)
    {
        uint256 below = (uint256(1) << (place & 255)) - 1;
        return full >= place >> 8 && words[place >> 8] & below == below;
    }
}
