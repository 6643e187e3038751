"""Machine code that hashes many rows of one size by keccak-256, one row in each number of a vector.

A sponge is 25 words of 64 bits (FIPS 202). A vector holds the same word of several sponges, so that each
operation of the permutation serves all of them; rows are turned into vectors of words, and back, in
registers. Ethereum's padding is 0x01 behind a row and 0x80 in its last block's last byte.
"""

import ctypes
import sys
from collections.abc import Sequence
from functools import reduce
from itertools import product
from typing import Final

from llvmlite import ir

from anh_rollup.kernels.machine_code import (
    NUMBER,
    POINTER,
    Fields,
    Kernel,
    Processor,
    Writer,
    compiled,
    kernel_of,
    this_processor,
)

#: Words of a block, and its bytes: 1,600 bits of state less twice the 256 of the hash.
BLOCK_WORDS: Final = 17
BLOCK_SIZE: Final = 8 * BLOCK_WORDS

_HASH_SIZE: Final = 32
_ROUNDS: Final = 24
_SIDE: Final = 5
_INT32: Final = ir.IntType(32)

_ROWS: Final[Fields] = tuple(
    (name, ctypes.c_int64)
    for name in ("rows", "hashes", "places", "row_size", "last_row", "last_block", "masks", "pads", "turned")
)


class Rows(ctypes.Structure):
    """What the kernel is told. A range counts groups of as many rows as a vector has numbers.

    Attributes:
        rows: Address of the rows, one behind the other. A whole number of blocks is read for each.
        hashes: Address of the hashes, 32 bytes each.
        places: Address of an int32 for each row: which of the hashes is its own.
        row_size: Bytes of a row.
        last_row: Rows behind it, which the last group may have, are not read.
        last_block: The last block of a row.
        masks: Address of 17 words for any block, and 17 for the last one: the bits that are a row's.
        pads: In the same way the bits of the padding.
        turned: Whether the bytes of each 4 are taken in the opposite order: not 0.
    """

    _fields_ = _ROWS


def kernel() -> Kernel | None:
    """The kernel for this processor, compiled once; None where the system runs no code from memory."""
    processor = this_processor()
    if processor is None or sys.byteorder != "little":
        return None
    return kernel_of(compiled_for, processor)


def compiled_for(processor: Processor) -> Kernel:
    """A kernel for a processor that has its lowest byte first."""
    return compiled(
        "keccak_rows", Rows, lambda function: _Writer(function, processor.lanes).write(), processor
    )


def round_constants() -> list[int]:
    """What each round adds to the first word: bits of a shift register (FIPS 202, algorithms 5 and 6)."""
    constants, register = [], 1
    for _ in range(_ROUNDS):
        constant = 0
        for power in range(7):
            constant |= (register & 1) << ((1 << power) - 1)
            register = register << 1 ^ (0x171 if register & 0x80 else 0)
        constants.append(constant)
    return constants


def rotations() -> dict[tuple[int, int], int]:
    """By how many bits each word is rotated (FIPS 202, algorithm 2)."""
    found, x, y = {(0, 0): 0}, 1, 0
    for step in range(_ROUNDS):
        found[x, y] = (step + 1) * (step + 2) // 2 % 64
        x, y = y, (2 * x + 3 * y) % _SIDE
    return found


class _Writer(Writer):
    """Writes the kernel for so many sponges at once. `states[x + 5 * y]` holds word (x, y) of each."""

    def __init__(self, function: ir.Function, lanes: int) -> None:
        super().__init__(function, _ROWS)
        self.lanes = lanes
        self.words = ir.VectorType(NUMBER, lanes)
        self.states = [self.variable(self.words) for _ in range(_SIDE * _SIDE)]
        self.constants = self._table(round_constants())

    def write(self) -> None:
        """The whole function."""
        with self.counted(self.start, self.stop) as group:
            self._group(group)
        self.b.ret_void()

    def _group(self, group: ir.Value) -> None:
        """A row for each lane; what is behind the last row hashes that one again."""
        b, layer = self.b, self.layer
        for state in self.states:
            b.store(self._same(0), state)
        places = [b.add(b.mul(group, NUMBER(self.lanes)), NUMBER(lane)) for lane in range(self.lanes)]
        rows = [
            b.select(b.icmp_signed("<", each, layer["last_row"]), each, layer["last_row"]) for each in places
        ]
        inputs = [b.add(layer["rows"], b.mul(each, layer["row_size"])) for each in rows]
        with self.counted(NUMBER(0), b.add(layer["last_block"], NUMBER(1))) as block:
            self._absorb(self._block(inputs, block), block)
            with self.counted(NUMBER(0), NUMBER(_ROUNDS)) as number:
                self._round(number)
        own = [b.sext(self.load(layer["places"], each, _INT32, _INT32), NUMBER) for each in rows]
        self._squeeze([b.add(layer["hashes"], b.mul(each, NUMBER(_HASH_SIZE))) for each in own])

    def _block(self, inputs: Sequence[ir.Value], block: ir.Value) -> list[ir.Value]:
        """The 17 words of a block of each row."""
        b, words = self.b, list[ir.Value]()
        addresses = [b.add(each, b.mul(block, NUMBER(BLOCK_SIZE))) for each in inputs]
        for first in range(0, BLOCK_WORDS - 1, self.lanes):
            words += self._turned_over([self._read(each, first, self.words) for each in addresses])
        last = ir.Constant(self.words, ir.Undefined)
        for lane, each in enumerate(addresses):
            last = b.insert_element(last, self._read(each, BLOCK_WORDS - 1, NUMBER), _INT32(lane))
        return [*words, last]

    def _absorb(self, words: Sequence[ir.Value], block: ir.Value) -> None:
        """Adds a block to the states, padded where it is the last one."""
        b, layer = self.b, self.layer
        is_last = b.icmp_signed("==", block, layer["last_block"])
        first = b.select(is_last, NUMBER(BLOCK_WORDS), NUMBER(0))
        turned = b.icmp_signed("!=", layer["turned"], NUMBER(0))
        for place, (state, word) in enumerate(zip(self.states, words, strict=False)):
            at = b.add(first, NUMBER(place))
            mask, pad = (
                self.splat(self.load(layer[name], at, NUMBER, NUMBER), self.words)
                for name in ("masks", "pads")
            )
            own = b.select(turned, self._bytes_turned(word), word)
            b.store(self._xor(b.load(state, typ=self.words), b.and_(own, mask), pad), state)

    def _round(self, number: ir.Value) -> None:
        """One round of the permutation: theta, rho, pi, chi, iota."""
        b, across = self.b, range(_SIDE)
        words = [b.load(each, typ=self.words) for each in self.states]
        sums = [self._xor(*words[x::_SIDE]) for x in across]
        added = [b.xor(sums[x - 1], self._rotated(sums[(x + 1) % _SIDE], 1)) for x in across]
        moved = {
            (y, (2 * x + 3 * y) % _SIDE): self._rotated(b.xor(words[x + _SIDE * y], added[x]), bits)
            for (x, y), bits in rotations().items()
        }
        constant = self.load(b.ptrtoint(self.constants, NUMBER), number, NUMBER, NUMBER)
        for y, x in product(across, across):
            beside = b.and_(b.not_(moved[(x + 1) % _SIDE, y]), moved[(x + 2) % _SIDE, y])
            own = b.xor(moved[x, y], beside)
            own = b.xor(own, self.splat(constant, self.words)) if x == y == 0 else own
            b.store(own, self.states[x + _SIDE * y])

    def _squeeze(self, addresses: Sequence[ir.Value]) -> None:
        """Writes the first four words of each lane."""
        b, count = self.b, _HASH_SIZE // 8
        words = [b.load(each, typ=self.words) for each in self.states[:count]]
        words += [ir.Constant(self.words, ir.Undefined)] * (self.lanes - count)
        for row, address in zip(self._turned_over(words), addresses, strict=True):
            b.store(self._picked(row, row, range(count)), b.inttoptr(address, POINTER), align=1)

    def _turned_over(self, rows: Sequence[ir.Value]) -> list[ir.Value]:
        """As many vectors as they have numbers, rows made columns: halves are swapped, then their halves."""
        turned, size = list(rows), self.lanes
        for step in (1 << bit for bit in range(size.bit_length() - 1)):
            low = [each + (size - step if each & step else 0) for each in range(size)]
            high = [each + (size if each & step else step) for each in range(size)]
            for first in (each for each in range(size) if not each & step):
                pair = turned[first], turned[first + step]
                turned[first], turned[first + step] = self._picked(*pair, low), self._picked(*pair, high)
        return turned

    def _read(self, address: ir.Value, word: int, kind: ir.Type) -> ir.Value:
        """Words of a row, which lies anywhere."""
        place = self.b.gep(self.b.inttoptr(address, POINTER), (NUMBER(word),), source_etype=NUMBER)
        return self.b.load(place, typ=kind, align=1)

    def _picked(self, one: ir.Value, other: ir.Value, places: Sequence[int]) -> ir.Value:
        """Numbers of two vectors, counted through both."""
        mask = ir.Constant(ir.VectorType(_INT32, len(places)), list(places))
        return self.b.shuffle_vector(one, other, mask)

    def _bytes_turned(self, words: ir.Value) -> ir.Value:
        """The bytes of each 4 in the opposite order."""
        halves = ir.VectorType(_INT32, 2 * self.lanes)
        turn = self._intrinsic(f"llvm.bswap.v{2 * self.lanes}i32", halves, 1)
        return self.b.bitcast(self.b.call(turn, (self.b.bitcast(words, halves),)), self.words)

    def _rotated(self, words: ir.Value, bits: int) -> ir.Value:
        """Each word, its bits rotated to the left."""
        rotate = self._intrinsic(f"llvm.fshl.v{self.lanes}i64", self.words, 3)
        return self.b.call(rotate, (words, words, self._same(bits)))

    def _intrinsic(self, name: str, kind: ir.Type, count: int) -> ir.Function:
        """What LLVM offers, of so many operands of one type."""
        module = self.b.module
        return module.globals.get(name) or ir.Function(module, ir.FunctionType(kind, (kind,) * count), name)

    def _same(self, number: int) -> ir.Constant:
        """A vector of one number."""
        return ir.Constant(self.words, [number] * self.lanes)

    def _xor(self, *words: ir.Value) -> ir.Value:
        """All of them added bit by bit."""
        return reduce(self.b.xor, words)

    def _table(self, numbers: Sequence[int]) -> ir.GlobalVariable:
        """Numbers that lie beside the code."""
        kind = ir.ArrayType(NUMBER, len(numbers))
        table = ir.GlobalVariable(self.b.module, kind, "round_constants")
        table.initializer, table.global_constant = ir.Constant(kind, numbers), True
        return table
