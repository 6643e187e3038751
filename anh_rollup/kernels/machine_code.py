"""Machine code that is compiled when it is first needed, and what its writers share.

Nothing of a program is compiled in: what differs between instructions is told in records, so that one
compilation of each kernel serves a whole process.
"""

import ctypes
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, reduce
from typing import Any, Final

from llvmlite import binding, ir

#: Numbers of a vector: those of the widest registers, else half as many (choice).
WIDE: Final = 8
NARROW: Final = 4

NUMBER: Final = ir.IntType(64)
REAL: Final = ir.DoubleType()
POINTER: Final = ir.PointerType()
#: A product and its sum may be one instruction.
FUSED: Final = ("contract",)

Fields = Sequence[tuple[str, type[ctypes.c_int64 | ctypes.c_double]]]


@dataclass(frozen=True, slots=True)
class Processor:
    """What code is compiled for.

    Attributes:
        name: Its name, as LLVM has it.
        features: What it can do, in LLVM's names.
        lanes: Real numbers in a vector.
    """

    name: str
    features: str
    lanes: int


@dataclass(frozen=True, slots=True, eq=False)
class Kernel:
    """Compiled code, which lets go of the interpreter's lock while it runs.

    Attributes:
        engine: What holds the code.
        address: Where the code begins.
        function: The code.
        lanes: Real numbers in a vector of it.
    """

    engine: binding.ExecutionEngine
    address: int
    function: Callable[[Any, int, int], None]
    lanes: int

    def __call__(self, record: ctypes.Structure, start: int, stop: int) -> None:
        """Does what a record says, from `start` on, below `stop`."""
        self.function(record, start, stop)


@cache
def this_processor() -> Processor | None:
    """The processor at hand; None where the system runs no code from memory."""
    try:
        binding.check_jit_execution()
    except OSError:
        return None
    features = binding.get_host_cpu_features()
    lanes = WIDE if features.get("avx512f") else NARROW
    return Processor(binding.get_host_cpu_name(), features.flatten(), lanes)


@cache
def kernel_of(build: Callable[[Processor], Kernel], processor: Processor) -> Kernel:
    """A kernel that is compiled once for a processor."""
    return build(processor)


def compiled(
    name: str,
    record: type[ctypes.Structure],
    write: Callable[[ir.Function], None],
    processor: Processor,
    *,
    vectorized: bool = False,
) -> Kernel:
    """A function of a record and a range.

    Args:
        name: The function's.
        record: What it is told of.
        write: Writes its body.
        processor: What it is compiled for.
        vectorized: Whether LLVM makes vectors of its loops; otherwise it lengthens none of them.
    """
    module = ir.Module(name)
    kind = ir.FunctionType(ir.VoidType(), (POINTER, NUMBER, NUMBER))
    write(ir.Function(module, kind, name))
    binding.initialize_native_target()
    binding.initialize_native_asmprinter()
    target = binding.Target.from_default_triple()
    machine = target.create_target_machine(processor.name, processor.features, opt=2, jit=True)
    parsed = binding.parse_assembly(str(module))
    parsed.verify()
    _optimize(parsed, machine, vectorized=vectorized)
    engine = binding.create_mcjit_compiler(parsed, machine)
    engine.finalize_object()
    signature = ctypes.CFUNCTYPE(None, ctypes.POINTER(record), ctypes.c_int64, ctypes.c_int64)
    address = engine.get_function_address(name)
    return Kernel(engine, address, signature(address), processor.lanes)


def _optimize(module: binding.ModuleRef, machine: binding.TargetMachine, *, vectorized: bool) -> None:
    """Unrolls nothing (measured for few taps: a tenth less time, and half of it to compile)."""
    options = binding.create_pipeline_tuning_options(speed_level=2)
    options.loop_unrolling = options.slp_vectorization = False
    options.loop_vectorization = vectorized
    passes = binding.create_pass_builder(machine, options)
    passes.getModulePassManager().run(module, passes)


class Writer:
    """What every kernel's writer needs. Steps and sizes are numbers of elements.

    Attributes:
        b: Where code is written to.
        layer: The fields of the record that the function is told.
        start: The first of the range.
        stop: Behind its last.
    """

    def __init__(self, function: ir.Function, fields: Fields) -> None:
        self.b = ir.IRBuilder(function.append_basic_block())
        layer, self.start, self.stop = function.args
        self.layer = self.record(layer, fields)

    def record(self, address: ir.Value, fields: Fields) -> dict[str, ir.Value]:
        """The fields of a record."""
        return {
            name: self.b.load(
                self.b.gep(address, (NUMBER(place),), source_etype=NUMBER),
                typ=REAL if field is ctypes.c_double else NUMBER,
            )
            for place, (name, field) in enumerate(fields)
        }

    def address(self, array: ir.Value, place: ir.Value, element: ir.Type = REAL) -> ir.Value:
        """Of an element of an array."""
        return self.b.gep(self.b.inttoptr(array, POINTER), (place,), source_etype=element)

    def load(self, array: ir.Value, place: ir.Value, kind: ir.Type, element: ir.Type = REAL) -> ir.Value:
        """An element of an array, or a vector that begins there."""
        align = 4 if element == ir.IntType(32) else 8
        return self.b.load(self.address(array, place, element), typ=kind, align=align)

    def splat(self, real: ir.Value, kind: ir.VectorType) -> ir.Value:
        """A vector of the same number."""
        b, zero = self.b, ir.IntType(32)(0)
        one = b.insert_element(ir.Constant(kind, ir.Undefined), real, zero)
        mask = ir.Constant(ir.VectorType(ir.IntType(32), kind.count), [0] * kind.count)
        return b.shuffle_vector(one, ir.Constant(kind, ir.Undefined), mask)

    def sum(self, *numbers: ir.Value) -> ir.Value:
        """Of numbers."""
        return reduce(self.b.add, numbers)

    def variable(self, kind: ir.Type) -> ir.Value:
        """A place for what changes."""
        with self.b.goto_entry_block():
            return self.b.alloca(kind)

    def rounded_down(self, sums: ir.Value, kind: ir.Type) -> ir.Value:
        """Floors."""
        module, suffix = self.b.module, f"v{kind.count}f64" if isinstance(kind, ir.VectorType) else "f64"
        name = f"llvm.floor.{suffix}"
        floor = module.globals.get(name) or ir.Function(module, ir.FunctionType(kind, (kind,)), name)
        return self.b.call(floor, (sums,))

    def clamped(self, done: ir.Value, kind: ir.VectorType) -> ir.Value:
        """Between the record's `low` and `high`."""
        for bound, sign in (("low", "<"), ("high", ">")):
            limit = self.splat(self.layer[bound], kind)
            done = self.b.select(self.b.fcmp_ordered(sign, done, limit), limit, done)
        return done

    @contextmanager
    def counted(self, start: ir.Value, stop: ir.Value, step: int = 1) -> Iterator[ir.Value]:
        """A loop: what is written inside runs for each number from `start` on, below `stop`."""
        b, variable = self.b, self.variable(NUMBER)
        head, inside, after = (b.append_basic_block() for _ in range(3))
        b.store(start, variable)
        b.branch(head)
        b.position_at_end(head)
        number = b.load(variable, typ=NUMBER)
        b.cbranch(b.icmp_signed("<", number, stop), inside, after)
        b.position_at_end(inside)
        yield number
        b.store(b.add(number, NUMBER(step)), variable)
        b.branch(head)
        b.position_at_end(after)
