// SPDX-License-Identifier: MIT
pragma solidity 0.8.37;

import { Shape } from "contracts/types/Shape.sol";

/// @notice Where a value's elements come from; the numbers stand in records.
enum Kind {
    Field,
    Answer,
    Parameter,
    Constant,
    Instruction
}

/// @notice One value of a program, as its record says.
struct Record {
    Kind kind;
    uint8 opcode; // 1 to 19 for an instruction, else 0
    Shape shape;
    int32 low; // least element
    int32 high; // greatest element
    uint16 index; // which field, answer or parameter; else 0
    bytes32 constantRoot; // tensor root of a constant; else 0
    uint32[] ids; // an instruction's inputs: their places in the program
    Shape[] inputs; // and their shapes
    int256[] attributes; // of an instruction, each an int32
}
