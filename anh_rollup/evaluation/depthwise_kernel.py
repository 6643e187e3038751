"""Machine code for convolutions of which every output reads one channel, compiled when it is first needed.

One pass over the outputs does all of it: sums of taps, rounding and clamp, so that every output is written
once and nothing else is. A vector holds neighbouring channels; the sums of some neighbouring columns stay in
registers while the taps go by, so that a tap's weights are read once for all of them. Nothing of a
convolution is compiled in, so one function serves them all.

Sums of integers below 2^53 are exact in float64 in any order, fused or not.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache, reduce
from typing import Final

from llvmlite import binding, ir

#: Columns whose sums stay in registers together, the most first.
TILES: Final = (8, 4, 2, 1)
#: Channels of a vector: those of the widest registers, else half as many (choice).
WIDE: Final = 8
NARROW: Final = 4

_NAME: Final = "convolve"
_NUMBER: Final = ir.IntType(64)
_REAL: Final = ir.DoubleType()
_POINTER: Final = ir.PointerType()
#: A product and its sum may be one instruction.
_FUSED: Final = ("contract",)

_Fields = Sequence[tuple[str, type[ctypes.c_int64 | ctypes.c_double]]]
_LAYER: Final[_Fields] = (
    *((name, ctypes.c_int64) for name in ("images", "result", "weights", "addend", "rows", "tiles")),
    *((name, ctypes.c_int64) for name in ("channels", "out_h", "image", "out_row", "column")),
    *((name, ctypes.c_int64) for name in ("tap_row", "tap_column", "kernel_row", "tile_count")),
    ("low", ctypes.c_double),
    ("high", ctypes.c_double),
)
_TAPS: Final[_Fields] = tuple(
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


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """Compiled code, which lets go of the interpreter's lock while it runs.

    Attributes:
        engine: What holds the code.
        function: The code.
    """

    engine: binding.ExecutionEngine
    function: Callable[[Layer, int, int], None]

    def __call__(self, layer: Layer, start: int, stop: int) -> None:
        """Computes the rows of outputs from `start` on, below `stop`; those of all images are numbered."""
        self.function(layer, start, stop)


@lru_cache(maxsize=1)
def kernel() -> Kernel | None:
    """The kernel for this processor, compiled once; None where the system runs no code from memory."""
    try:
        binding.check_jit_execution()
    except OSError:
        return None
    features = binding.get_host_cpu_features()
    lanes = WIDE if features.get("avx512f") else NARROW
    return compiled(binding.get_host_cpu_name(), features.flatten(), lanes)


def compiled(processor: str, features: str, lanes: int) -> Kernel:
    """A kernel for a processor with such features, in LLVM's names, with so many channels in a vector."""
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(processor, features, opt=2, jit=True)
    module = binding.parse_assembly(str(_module(lanes)))
    module.verify()
    _optimize(module, machine)
    engine = binding.create_mcjit_compiler(module, machine)
    engine.finalize_object()
    signature = ctypes.CFUNCTYPE(None, ctypes.POINTER(Layer), ctypes.c_int64, ctypes.c_int64)
    return Kernel(engine, signature(engine.get_function_address(_NAME)))


def _optimize(module: binding.ModuleRef, machine: binding.TargetMachine) -> None:
    """Lengthens no loops: a kernel has few taps (measured: a tenth less time, and half of it to compile)."""
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = options.loop_vectorization = options.slp_vectorization = False
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)


def _module(lanes: int) -> ir.Module:
    module = ir.Module(_NAME)
    kind = ir.FunctionType(ir.VoidType(), (_POINTER, _NUMBER, _NUMBER))
    function = ir.Function(module, kind, _NAME)
    _Writer(function).write(lanes)
    return module


class _Writer:
    """Writes the function, loop in loop: rows, tiles, channels, rows of taps, taps."""

    def __init__(self, function: ir.Function) -> None:
        self.b = ir.IRBuilder(function.append_basic_block())
        layer, self.start, self.stop = function.args
        self.layer = self._record(layer, _LAYER)

    def write(self, lanes: int) -> None:
        """All of it."""
        b, layer = self.b, self.layer
        with self._counted(self.start, self.stop) as place:
            sample, y = b.sdiv(place, layer["out_h"]), b.srem(place, layer["out_h"])
            row = self._taps(layer["rows"], y)
            source = b.add(b.mul(sample, layer["image"]), row["source"])
            result = b.mul(place, layer["out_row"])
            with self._counted(_NUMBER(0), layer["tile_count"]) as each:
                tile = self._taps(layer["tiles"], each)
                tile["source"] = b.add(source, tile["source"])
                tile["weight"] = b.add(row["weight"], tile["weight"])
                tile["result"] = b.add(result, tile["result"])
                for columns in TILES:
                    with b.if_then(b.icmp_signed("==", tile["size"], _NUMBER(columns))):
                        self._tile(row["count"], tile, columns, lanes)
        b.ret_void()

    def _tile(self, tap_rows: ir.Value, tile: dict[str, ir.Value], columns: int, lanes: int) -> None:
        """Some columns, all channels: as vectors while there are enough left, then one by one."""
        channels = self.layer["channels"]
        whole = self.b.and_(channels, _NUMBER(-lanes))
        for start, stop, width in ((_NUMBER(0), whole, lanes), (whole, channels, 1)):
            with self._counted(start, stop, width) as channel:
                self._outputs(tap_rows, tile, channel, columns, ir.VectorType(_REAL, width))

    def _outputs(
        self, tap_rows: ir.Value, tile: dict[str, ir.Value], channel: ir.Value, columns: int, kind: ir.Type
    ) -> None:
        """A vector of channels for each column of a tile."""
        b, layer = self.b, self.layer
        sums = [self._variable(kind) for _ in range(columns)]
        addend = self._load(layer["addend"], channel, kind)
        for each in sums:
            b.store(addend, each)
        steps = [b.mul(layer["column"], _NUMBER(column)) for column in range(columns)]
        with self._counted(_NUMBER(0), tap_rows) as dy:
            source = self._sum(tile["source"], channel, b.mul(dy, layer["tap_row"]))
            weight = self._sum(tile["weight"], channel, b.mul(dy, layer["kernel_row"]))
            with self._counted(_NUMBER(0), tile["count"]) as dx:
                tap = self._load(layer["weights"], b.add(weight, b.mul(dx, layer["channels"])), kind)
                read = b.add(source, b.mul(dx, layer["tap_column"]))
                for each, step in zip(sums, steps, strict=True):
                    product = b.fmul(self._load(layer["images"], b.add(read, step), kind), tap, flags=_FUSED)
                    b.store(b.fadd(b.load(each, typ=kind), product, flags=_FUSED), each)
        for column, each in enumerate(sums):
            place = self._sum(tile["result"], channel, b.mul(layer["channels"], _NUMBER(column)))
            done = self._finished(b.load(each, typ=kind), kind)
            b.store(done, self._address(layer["result"], place), align=8)

    def _finished(self, sums: ir.Value, kind: ir.Type) -> ir.Value:
        """Sums rounded down and clamped."""
        b, module, name = self.b, self.b.module, f"llvm.floor.v{kind.count}f64"
        floor = module.globals.get(name) or ir.Function(module, ir.FunctionType(kind, (kind,)), name)
        done = b.call(floor, (sums,))
        for bound, sign in (("low", "<"), ("high", ">")):
            limit = self._splat(self.layer[bound], kind)
            done = b.select(b.fcmp_ordered(sign, done, limit), limit, done)
        return done

    def _splat(self, real: ir.Value, kind: ir.Type) -> ir.Value:
        b, zero = self.b, ir.IntType(32)(0)
        one = b.insert_element(ir.Constant(kind, ir.Undefined), real, zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
        return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)

    def _record(self, address: ir.Value, fields: _Fields) -> dict[str, ir.Value]:
        """The fields of a record."""
        return {
            name: self.b.load(
                self.b.gep(address, (_NUMBER(place),), source_etype=_NUMBER),
                typ=_REAL if field is ctypes.c_double else _NUMBER,
            )
            for place, (name, field) in enumerate(fields)
        }

    def _taps(self, table: ir.Value, place: ir.Value) -> dict[str, ir.Value]:
        """A record of a table."""
        start = self.b.mul(place, _NUMBER(ctypes.sizeof(Taps)))
        return self._record(self.b.inttoptr(self.b.add(table, start), _POINTER), _TAPS)

    def _address(self, array: ir.Value, place: ir.Value) -> ir.Value:
        """Of an element of an array of reals."""
        return self.b.gep(self.b.inttoptr(array, _POINTER), (place,), source_etype=_REAL)

    def _load(self, array: ir.Value, place: ir.Value, kind: ir.Type) -> ir.Value:
        return self.b.load(self._address(array, place), typ=kind, align=8)

    def _sum(self, *numbers: ir.Value) -> ir.Value:
        return reduce(self.b.add, numbers)

    def _variable(self, kind: ir.Type) -> ir.Value:
        with self.b.goto_entry_block():
            return self.b.alloca(kind)

    @contextmanager
    def _counted(self, start: ir.Value, stop: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """A loop: what is written inside runs for each number from `start` on, below `stop`."""
        b, variable = self.b, self._variable(_NUMBER)
        head, inside, after = (b.append_basic_block() for _ in range(3))
        b.store(start, variable)
        b.branch(head)
        b.position_at_end(head)
        number = b.load(variable, typ=_NUMBER)
        b.cbranch(b.icmp_signed("<", number, stop), inside, after)
        b.position_at_end(inside)
        yield number
        b.store(b.add(number, _NUMBER(step)), variable)
        b.branch(head)
        b.position_at_end(after)
