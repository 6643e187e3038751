"""Machine code for sums of products by whole weights: matrix products and convolutions in one pass.

The sums of eight places by three vectors of channels stay in registers while all terms go by; then they are
rounded and clamped, and every output is written once. Images are never unfolded: a place reads some runs of
neighbouring numbers, each as far from the place's own number as it is for every other place.

Sums of integers below 2^53 are exact in float64 in any order, fused or not.
"""

import ctypes
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

from llvmlite import ir

from anh_rollup.kernels.machine_code import (
    FUSED,
    NUMBER,
    POINTER,
    REAL,
    Fields,
    Kernel,
    Processor,
    Writer,
    compiled,
)

#: Vectors of channels whose sums stay in registers together, at most.
VECTORS: Final = 3

_ADDRESSES: Final = ("source", "result", "weights", "unit", "addend", "places", "runs")
_COUNTS: Final = ("place_count", "chunk", "chunks", "blocks", "run_count", "run_terms")
_STEPS: Final = (
    "source_group",
    "result_group",
    "result_place",
    "weight_group",
    "outputs",
    "padded",
    "extra_step",
)
_LAYER: Final[Fields] = (
    *((name, ctypes.c_int64) for name in (*_ADDRESSES, *_COUNTS, *_STEPS)),
    ("low", ctypes.c_double),
    ("high", ctypes.c_double),
)


class Layer(ctypes.Structure):
    """What a kernel is told of sums of products. Steps and sizes are numbers of elements.

    A block is `VECTORS` vectors of channels of a group, the last one of a group as many as are left. The
    units of work are numbered: all blocks for a chunk of places, chunk by chunk, group by group.

    Attributes:
        source: Address of float64, the numbers that are multiplied.
        result: Address of float64.
        weights: Address of integers: group by group, block by block, term by term the block's channels.
        unit: Address of float64 (groups, padded), or of a block's: what sums are multiplied by.
        addend: Address of as many float64: what sums start from.
        places: Address of int64 (place_count): where each place reads from.
        runs: Address of int64 (run_count): how far from there each run begins.
        place_count: Outputs of one channel.
        chunk: Places of a unit.
        chunks: How many those are.
        blocks: Blocks of a group.
        run_count: Runs of a place.
        run_terms: Terms of a run.
        source_group: From what a group reads to what the next one reads.
        result_group: From a group's first output to the next one's.
        result_place: From a place's outputs to the next one's.
        weight_group: From a group's weights to the next one's.
        outputs: Channels of a group.
        padded: The same, filled up to whole vectors.
        extra_step: 1, or 0 where units and addends are a block's, and all blocks' the same.
        low: The least result.
        high: The largest result.
    """

    _fields_ = _LAYER


def _compiled_for(size: int, processor: Processor) -> Kernel:
    """A kernel for a processor and weights of so many bytes; a vector holds neighbouring channels."""
    return compiled(
        "multiply", Layer, lambda function: _Writer(function, processor.lanes, size).write(), processor
    )


COMPILED_FOR: Final[Mapping[int, Callable[[Processor], Kernel]]] = {
    size: partial(_compiled_for, size) for size in (1, 2, 4)
}
"""By the bytes of a weight what compiles the kernel for a processor."""


class _Writer(Writer):
    """Writes the function, loop in loop: units, tiles of places, runs, terms."""

    def __init__(self, function: ir.Function, lanes: int, size: int) -> None:
        super().__init__(function, _LAYER)
        self.lanes, self.size, self.weight = lanes, size, ir.IntType(8 * size)
        self.kind = ir.VectorType(REAL, lanes)
        # Eight places need 27 registers of the widest kind; where there are 16, four do.
        self.tiles = (8, 4, 2, 1) if lanes > 4 else (4, 2, 1)

    def write(self) -> None:
        """All of it."""
        b, layer = self.b, self.layer
        with self.counted(self.start, self.stop) as unit:
            block, rest = b.srem(unit, layer["blocks"]), b.sdiv(unit, layer["blocks"])
            chunk, group = b.srem(rest, layer["chunks"]), b.sdiv(rest, layer["chunks"])
            first = b.mul(chunk, layer["chunk"])
            last = b.add(first, layer["chunk"])
            last = b.select(b.icmp_signed("<", last, layer["place_count"]), last, layer["place_count"])
            channel = b.mul(block, NUMBER(VECTORS * self.lanes))
            terms = b.mul(layer["run_count"], layer["run_terms"])
            place = {
                "source": b.mul(group, layer["source_group"]),
                "result": b.add(b.mul(group, layer["result_group"]), channel),
                "weight": b.add(b.mul(group, layer["weight_group"]), b.mul(channel, terms)),
                "scale": b.mul(b.add(b.mul(group, layer["padded"]), channel), layer["extra_step"]),
                "left": b.sub(layer["outputs"], channel),
            }
            vectors = b.sdiv(b.sub(layer["padded"], channel), NUMBER(self.lanes))
            for count in range(VECTORS, 0, -1):
                sign = ">=" if count == VECTORS else "=="
                with b.if_then(b.icmp_signed(sign, vectors, NUMBER(count))):
                    self._block(place, first, last, count)
        b.ret_void()

    def _block(self, place: dict[str, ir.Value], first: ir.Value, last: ir.Value, vectors: int) -> None:
        """Some vectors of channels for some places: as many of these at once as there are."""
        b = self.b
        for size in self.tiles:
            stop = b.add(first, b.and_(b.sub(last, first), NUMBER(-size)))
            with self.counted(first, stop, size) as each:
                self._tile(place, each, size, vectors)
            first = stop

    def _tile(self, place: dict[str, ir.Value], first: ir.Value, size: int, vectors: int) -> None:
        b, layer = self.b, self.layer
        sums = [[self.variable(self.kind) for _ in range(vectors)] for _ in range(size)]
        for vector in range(vectors):
            at = b.add(place["scale"], NUMBER(vector * self.lanes))
            addend = self.load(layer["addend"], at, self.kind)
            for row in sums:
                b.store(addend, row[vector])
        places = [
            self.load(layer["places"], b.add(first, NUMBER(row)), NUMBER, NUMBER) for row in range(size)
        ]
        places = [b.add(each, place["source"]) for each in places]
        with self.counted(NUMBER(0), layer["run_count"]) as run:
            away = self.load(layer["runs"], run, NUMBER, NUMBER)
            sources = [self.address(layer["source"], b.add(each, away)) for each in places]
            start = b.mul(b.mul(run, layer["run_terms"]), NUMBER(vectors * self.lanes))
            weights = self.address(layer["weights"], b.add(place["weight"], start), self.weight)
            with self.counted(NUMBER(0), layer["run_terms"]) as term:
                self._add_term(sums, sources, weights, term)
        for place_sums, own in zip(sums, range(size), strict=True):
            self._finish(place, b.add(first, NUMBER(own)), place_sums)

    def _add_term(
        self, sums: list[list[ir.Value]], sources: list[ir.Value], weights: ir.Value, term: ir.Value
    ) -> None:
        """Adds one product to each sum."""
        b, vectors = self.b, len(sums[0])
        row = b.gep(weights, (b.mul(term, NUMBER(vectors * self.lanes)),), source_etype=self.weight)
        taken = []
        for vector in range(vectors):
            at = b.gep(row, (NUMBER(vector * self.lanes),), source_etype=self.weight)
            whole = b.load(at, typ=ir.VectorType(self.weight, self.lanes), align=self.size)
            taken.append(b.sitofp(whole, self.kind))
        for source, own in zip(sources, sums, strict=True):
            number = b.load(b.gep(source, (term,), source_etype=REAL), typ=REAL, align=8)
            factor = self.splat(number, self.kind)
            for weight, each in zip(taken, own, strict=True):
                product = b.fmul(factor, weight, flags=FUSED)
                b.store(b.fadd(b.load(each, typ=self.kind), product, flags=FUSED), each)

    def _finish(self, place: dict[str, ir.Value], own: ir.Value, sums: list[ir.Value]) -> None:
        """Writes the outputs of a place."""
        b, layer = self.b, self.layer
        result = b.add(place["result"], b.mul(own, layer["result_place"]))
        for vector, each in enumerate(sums):
            channel = NUMBER(vector * self.lanes)
            unit = self.load(layer["unit"], b.add(place["scale"], channel), self.kind)
            moved = b.fmul(b.load(each, typ=self.kind), unit)
            done = self.clamped(self.rounded_down(moved, self.kind), self.kind)
            self._store(
                done, self.address(layer["result"], b.add(result, channel)), b.sub(place["left"], channel)
            )

    def _store(self, done: ir.Value, address: ir.Value, left: ir.Value) -> None:
        """Writes so many numbers of a vector, or all of it where more are left."""
        b, lanes = self.b, self.lanes
        truths, numbers = ir.VectorType(ir.IntType(1), lanes), ir.VectorType(NUMBER, lanes)
        order = ir.Constant(numbers, list(range(lanes)))
        name = f"llvm.masked.store.v{lanes}f64.p0"
        kind = ir.FunctionType(ir.VoidType(), (self.kind, POINTER, ir.IntType(32), truths))
        store = b.module.globals.get(name) or ir.Function(b.module, kind, name)
        one = b.insert_element(ir.Constant(numbers, ir.Undefined), left, ir.IntType(32)(0))
        zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes), [0] * lanes)
        every = b.shuffle_vector(one, ir.Constant(numbers, ir.Undefined), zeros)
        b.call(store, (done, address, ir.IntType(32)(8), b.icmp_signed("<", order, every)))
