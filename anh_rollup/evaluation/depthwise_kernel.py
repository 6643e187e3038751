"""Machine code for convolutions of which every output reads one channel, compiled when it is first needed.

One pass over the outputs does all of it: sums of taps, rounding and clamp, so that every output is written
once and nothing else is. A vector holds neighbouring channels; the sums of some neighbouring columns stay in
registers while the taps go by, so that a tap's weights are read once for all of them. Nothing of a
convolution is compiled in, so one function serves them all.

Sums of integers below 2^53 are exact in float64 in any order, fused or not.
"""

import ctypes
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

#: Columns whose sums stay in registers together, the most first.
TILES: Final = (8, 4, 2, 1)

_LAYER: Final[Fields] = (
    *((name, ctypes.c_int64) for name in ("images", "result", "weights", "addend", "rows", "tiles")),
    *((name, ctypes.c_int64) for name in ("channels", "out_h", "image", "out_row", "column")),
    *((name, ctypes.c_int64) for name in ("tap_row", "tap_column", "kernel_row", "tile_count")),
    ("low", ctypes.c_double),
    ("high", ctypes.c_double),
)
_TAPS: Final[Fields] = tuple(
    (name, ctypes.c_int64) for name in ("size", "result", "source", "weight", "count")
)


class Layer(ctypes.Structure):
    """What a kernel is told of a convolution. Steps and sizes are numbers of elements.

    Attributes:
        images: Address of float64 (N, height, width, channels).
        result: Address of float64 (N, out_h, out_w, channels).
        weights: Address of float64 (kernel_h, kernel_w, channels), with the shift folded in.
        addend: Address of float64 (channels): what sums start from.
        rows: Address of a `Taps` for each row of outputs of one image.
        tiles: Address of `tile_count` `Taps`: the columns of a row of outputs.
        channels: Number of channels.
        out_h: Rows of outputs of one image.
        image: From one image to the next.
        out_row: From one row of outputs to the next.
        column: From what a column reads to what the next one reads.
        tap_row: From what a tap reads to what the one below it reads.
        tap_column: From what a tap reads to what the one on its right reads.
        kernel_row: From the weight of a tap to the weight of the one below it.
        tile_count: Number of tiles of a row.
        low: The least result.
        high: The largest result.
    """

    _fields_ = _LAYER


class Taps(ctypes.Structure):
    """The taps inside the image for a row of outputs, or for some neighbouring columns of a row.

    Attributes:
        size: How many columns: one of `TILES`; of a row 1.
        result: Where they lie in a row of outputs.
        source: What their first tap reads: from the image, or from the row's source.
        weight: The first tap's weight: from the kernel, or from the row's weight.
        count: How many rows or columns of taps.
    """

    _fields_ = _TAPS


def compiled_for(processor: Processor) -> Kernel:
    """A kernel for a processor; a vector holds neighbouring channels."""
    return compiled(
        "convolve", Layer, lambda function: _Writer(function, _LAYER).write(processor.lanes), processor
    )


class _Writer(Writer):
    """Writes the function, loop in loop: rows, tiles, channels, rows of taps, taps."""

    def write(self, lanes: int) -> None:
        """All of it."""
        b, layer = self.b, self.layer
        with self.counted(self.start, self.stop) as place:
            sample, y = b.sdiv(place, layer["out_h"]), b.srem(place, layer["out_h"])
            row = self._taps(layer["rows"], y)
            source = b.add(b.mul(sample, layer["image"]), row["source"])
            result = b.mul(place, layer["out_row"])
            with self.counted(NUMBER(0), layer["tile_count"]) as each:
                tile = self._taps(layer["tiles"], each)
                tile["source"] = b.add(source, tile["source"])
                tile["weight"] = b.add(row["weight"], tile["weight"])
                tile["result"] = b.add(result, tile["result"])
                for columns in TILES:
                    with b.if_then(b.icmp_signed("==", tile["size"], NUMBER(columns))):
                        self._tile(row["count"], tile, columns, lanes)
        b.ret_void()

    def _tile(self, tap_rows: ir.Value, tile: dict[str, ir.Value], columns: int, lanes: int) -> None:
        """Some columns, all channels: as vectors while there are enough left, then one by one."""
        channels = self.layer["channels"]
        whole = self.b.and_(channels, NUMBER(-lanes))
        for start, stop, width in ((NUMBER(0), whole, lanes), (whole, channels, 1)):
            with self.counted(start, stop, width) as channel:
                self._outputs(tap_rows, tile, channel, columns, ir.VectorType(REAL, width))

    def _outputs(
        self, tap_rows: ir.Value, tile: dict[str, ir.Value], channel: ir.Value, columns: int, kind: ir.Type
    ) -> None:
        """A vector of channels for each column of a tile."""
        b, layer = self.b, self.layer
        sums = [self.variable(kind) for _ in range(columns)]
        addend = self.load(layer["addend"], channel, kind)
        for each in sums:
            b.store(addend, each)
        steps = [b.mul(layer["column"], NUMBER(column)) for column in range(columns)]
        with self.counted(NUMBER(0), tap_rows) as dy:
            source = self.sum(tile["source"], channel, b.mul(dy, layer["tap_row"]))
            weight = self.sum(tile["weight"], channel, b.mul(dy, layer["kernel_row"]))
            with self.counted(NUMBER(0), tile["count"]) as dx:
                tap = self.load(layer["weights"], b.add(weight, b.mul(dx, layer["channels"])), kind)
                read = b.add(source, b.mul(dx, layer["tap_column"]))
                for each, step in zip(sums, steps, strict=True):
                    product = b.fmul(self.load(layer["images"], b.add(read, step), kind), tap, flags=FUSED)
                    b.store(b.fadd(b.load(each, typ=kind), product, flags=FUSED), each)
        for column, each in enumerate(sums):
            place = self.sum(tile["result"], channel, b.mul(layer["channels"], NUMBER(column)))
            done = self._finished(b.load(each, typ=kind), kind)
            b.store(done, self.address(layer["result"], place), align=8)

    def _finished(self, sums: ir.Value, kind: ir.VectorType) -> ir.Value:
        """Sums rounded down and clamped."""
        return self.clamped(self.rounded_down(sums, kind), kind)

    def _taps(self, table: ir.Value, place: ir.Value) -> dict[str, ir.Value]:
        """A record of a table."""
        start = self.b.mul(place, NUMBER(ctypes.sizeof(Taps)))
        return self.record(self.b.inttoptr(self.b.add(table, start), POINTER), _TAPS)
