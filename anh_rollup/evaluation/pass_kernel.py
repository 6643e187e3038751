"""Machine code that does several element-wise instructions in one pass over their elements.

A pass is a list of orders, each on vectors that stay in the processor's nearest cache: load a stretch of an
input, compute, store a stretch of a result. So what one instruction gives to the next is never written to
memory, and inputs may lie with any steps between their elements: broadcast, transposed, windows.

Numbers are integers in float64, and every order clamps its result. A table multiplies in int64.
"""

import ctypes
from collections.abc import Callable
from enum import IntEnum
from typing import Final

import numpy as np
from llvmlite import ir

from anh_rollup.kernels.machine_code import (
    NUMBER,
    POINTER,
    REAL,
    Fields,
    Kernel,
    Processor,
    Writer,
    compiled,
)

#: Elements of a stretch, at most (choice: vectors of a pass fit the nearest caches).
STRETCH: Final = 512
#: Vectors that a pass may use.
VECTORS: Final = 24
#: Dimensions of a pass: elements of a stretch are neighbours in the last one.
DIMS: Final = 5

_INT32: Final = ir.IntType(32)
_PASS: Final[Fields] = tuple(
    (name, ctypes.c_int64)
    for name in (
        *("orders", "order_count", "arrays", "base", "width", "stretches"),
        *(f"size_{each}" for each in range(DIMS - 1)),
    )
)
_WHOLE: Final = ("order", "result", "a", "b", "c", "array", "bits", "last")
_REALS: Final = ("p", "q", "half", "unit", "low", "high")
_ORDER: Final[Fields] = (
    *((name, ctypes.c_int64) for name in _WHOLE),
    *((name, ctypes.c_double) for name in _REALS),
)
_ARRAY: Final[Fields] = tuple(
    (name, ctypes.c_int64) for name in ("address", *(f"step_{each}" for each in range(DIMS)))
)

#: What numpy calls an order, and an array with its steps.
ORDER: Final = np.dtype(
    [*((name, np.int64) for name in _WHOLE), *((name, np.float64) for name in _REALS)], align=True
)
ARRAY: Final = np.dtype([(name, np.int64) for name, _ in _ARRAY])


#: The beginning of an array, and how far from there.
_Place = tuple[ir.Value, ir.Value]


class Order(IntEnum):
    """What is done; `clamp` is to the order's bounds, `rs(v)` is floor((v + half) * unit)."""

    #: The vector is read from an array.
    LOAD = 0
    #: The vector is written to an array.
    STORE = 1
    #: clamp(rs(a * p + b * q)).
    SUM = 2
    #: clamp(rs(a * b)).
    PRODUCT = 3
    LESSER = 4
    GREATER = 5
    MAGNITUDE = 6
    #: p where the relation holds, else q.
    IS_EQUAL = 7
    IS_LESS = 8
    IS_LESS_OR_EQUAL = 9
    #: a where c is not 0, else b.
    CHOICE = 10
    #: floor(a * p / b); by zero `high`, `low` or 0 by the sign of a.
    QUOTIENT = 11
    #: The root of a * p, 0 for a below zero.
    ROOT = 12
    #: The line of a table at a: origin p, step q = 2^bits, `last` entries before the last one.
    LINE = 13
    #: The vector is written as int32 to an array whose address counts from the base.
    WRITE = 14


class Pass(ctypes.Structure):
    """What the kernel is told. Steps and sizes are numbers of elements.

    Attributes:
        orders: Address of `order_count` of `ORDER`.
        order_count: How many.
        arrays: Address of `ARRAY`, float64 arrays but for `Order.WRITE`; an order names its own by number.
        base: Address of the address where arrays of int32 count from; 0 where there are none.
        width: Size of the last dimension.
        stretches: Into how many stretches it is cut; a range of the pass counts these.
        size_0: Size of the first dimension, and so on.
    """

    _fields_ = _PASS


def compiled_for(processor: Processor) -> Kernel:
    """A kernel for a processor."""
    return compiled("pass_over", Pass, lambda function: _Writer(function, processor.lanes).write(), processor)


class _Writer(Writer):
    """Writes the function, loop in loop: stretches, orders, vectors."""

    def __init__(self, function: ir.Function, lanes: int) -> None:
        super().__init__(function, _PASS)
        self.lanes = lanes
        self.kind = ir.VectorType(REAL, lanes)
        self.whole = ir.VectorType(NUMBER, lanes)
        size = VECTORS * STRETCH
        with self.b.goto_entry_block():
            memory = self.b.alloca(REAL, size=NUMBER(size))
            memory.align = 64
            self.scratch = self.b.inttoptr(self.b.ptrtoint(memory, NUMBER), POINTER)
        with self.counted(NUMBER(0), NUMBER(size), lanes) as place:
            zeros = ir.Constant(self.kind, [0.0] * lanes)
            self.b.store(zeros, self.b.gep(self.scratch, (place,), source_etype=REAL), align=8)

    def write(self) -> None:
        """All of it."""
        b, layer = self.b, self.layer
        with self.counted(self.start, self.stop) as stretch:
            row, part = b.sdiv(stretch, layer["stretches"]), b.srem(stretch, layer["stretches"])
            first = b.mul(part, NUMBER(STRETCH))
            left = b.sub(layer["width"], first)
            count = b.select(b.icmp_signed("<", left, NUMBER(STRETCH)), left, NUMBER(STRETCH))
            places = [first]
            for each in range(DIMS - 2, -1, -1):
                size = layer[f"size_{each}"]
                places.insert(0, b.srem(row, size))
                row = b.sdiv(row, size)
            with self.counted(NUMBER(0), layer["order_count"]) as each:
                start = b.mul(each, NUMBER(ORDER.itemsize))
                order = self.record(b.inttoptr(b.add(layer["orders"], start), POINTER), _ORDER)
                self._order(order, places, count)
        b.ret_void()

    def _order(self, order: dict[str, ir.Value], places: list[ir.Value], count: ir.Value) -> None:
        b = self.b
        after = b.append_basic_block()
        switch = b.switch(order["order"], after)
        for each in Order:
            block = b.append_basic_block()
            switch.add_case(NUMBER(each), block)
            b.position_at_end(block)
            if each in (Order.LOAD, Order.STORE, Order.WRITE):
                self._move(order, places, count, each)
            else:
                self._compute(order, count, _RULES[each])
            b.branch(after)
        b.position_at_end(after)

    def _vector(self, order: dict[str, ir.Value], name: str) -> ir.Value:
        """Where a vector of the scratch memory lies."""
        return self.b.gep(self.scratch, (self.b.mul(order[name], NUMBER(STRETCH)),), source_etype=REAL)

    def _move(self, order: dict[str, ir.Value], places: list[ir.Value], count: ir.Value, way: Order) -> None:
        """Between a vector and an array; fast where the array's elements are neighbours, or one."""
        b = self.b
        start = b.mul(order["array"], NUMBER(ARRAY.itemsize))
        array = self.record(b.inttoptr(b.add(self.layer["arrays"], start), POINTER), _ARRAY)
        steps = [array[f"step_{each}"] for each in range(DIMS)]
        away = self.sum(*(b.mul(place, step) for place, step in zip(places, steps, strict=True)))
        start, element = array["address"], REAL
        if way is Order.WRITE:
            start, element = b.add(self.load(self.layer["base"], NUMBER(0), NUMBER, NUMBER), start), _INT32
        outside, inside = self.address(start, away, element), self._vector(order, "result")
        whole = b.and_(count, NUMBER(-self.lanes))
        is_one = b.icmp_signed("==", steps[-1], NUMBER(1))
        with self.counted(NUMBER(0), b.select(is_one, whole, NUMBER(0)), self.lanes) as place:
            self._copy((outside, place), (inside, place), self.kind, way)
        rest = b.select(is_one, whole, NUMBER(0))
        if way is Order.LOAD:
            # Whole vectors: what lies behind a stretch is computed for nothing.
            is_same = b.icmp_signed("==", steps[-1], NUMBER(0))
            every = self.splat(b.load(outside, typ=REAL, align=8), self.kind)
            with self.counted(NUMBER(0), b.select(is_same, count, NUMBER(0)), self.lanes) as place:
                b.store(every, b.gep(inside, (place,), source_etype=REAL), align=8)
            rest = b.select(is_same, count, rest)
        with self.counted(rest, count) as place:
            self._copy((outside, b.mul(place, steps[-1])), (inside, place), REAL, way)

    def _copy(self, outside: _Place, inside: _Place, kind: ir.Type, way: Order) -> None:
        """An element or a vector, from or to a place outside."""
        b, element = self.b, _INT32 if way is Order.WRITE else REAL
        far = b.gep(outside[0], (outside[1],), source_etype=element)
        near = b.gep(inside[0], (inside[1],), source_etype=REAL)
        if way is Order.LOAD:
            b.store(b.load(far, typ=kind, align=8), near, align=8)
            return
        taken = b.load(near, typ=kind, align=8)
        if way is Order.WRITE:
            taken = b.fptosi(taken, _INT32 if kind is REAL else ir.VectorType(_INT32, self.lanes))
        b.store(taken, far, align=4 if way is Order.WRITE else 8)

    def _compute(self, order: dict[str, ir.Value], count: ir.Value, rule: "_Rule") -> None:
        """One order for all elements of a stretch; those behind its end are computed for nothing."""
        b = self.b
        vectors = [self._vector(order, name) for name in ("a", "b", "c")]
        result = self._vector(order, "result")
        known = {name: self.splat(order[name], self.kind) for name in _REALS}
        with self.counted(NUMBER(0), count, self.lanes) as place:
            taken = [
                b.load(b.gep(each, (place,), source_etype=REAL), typ=self.kind, align=8) for each in vectors
            ]
            done = self.limited(rule(self, taken, known, order), known["low"], known["high"])
            b.store(done, b.gep(result, (place,), source_etype=REAL), align=8)

    def limited(self, number: ir.Value, low: ir.Value, high: ir.Value) -> ir.Value:
        """A clamp."""
        b = self.b
        number = b.select(b.fcmp_ordered("<", number, low), low, number)
        return b.select(b.fcmp_ordered(">", number, high), high, number)

    def rounded(self, number: ir.Value, known: dict[str, ir.Value]) -> ir.Value:
        """rs(v)."""
        moved = self.b.fmul(self.b.fadd(number, known["half"]), known["unit"])
        return self.rounded_down(moved, self.kind)

    def root(self, number: ir.Value) -> ir.Value:
        """A square root."""
        name, module = f"llvm.sqrt.v{self.lanes}f64", self.b.module
        root = module.globals.get(name) or ir.Function(module, ir.FunctionType(self.kind, (self.kind,)), name)
        return self.b.call(root, (number,))

    def looked_up(self, address: ir.Value, places: ir.Value) -> ir.Value:
        """Elements of a table of float64."""
        b, lanes = self.b, self.lanes
        pointers, truths = ir.VectorType(POINTER, lanes), ir.VectorType(ir.IntType(1), lanes)
        name = f"llvm.masked.gather.v{lanes}f64.v{lanes}p0"
        kind = ir.FunctionType(self.kind, (pointers, _INT32, truths, self.kind))
        gather = b.module.globals.get(name) or ir.Function(b.module, kind, name)
        bytes_away = b.mul(places, ir.Constant(self.whole, [8] * lanes))
        at = b.inttoptr(b.add(bytes_away, self.every(address)), pointers)
        return b.call(
            gather, (at, _INT32(8), ir.Constant(truths, [1] * lanes), ir.Constant(self.kind, [0.0] * lanes))
        )

    def every(self, number: ir.Value) -> ir.Value:
        """A vector of the same whole number."""
        return self.splat(number, self.whole)


_Known = dict[str, ir.Value]
_Rule = Callable[[_Writer, list[ir.Value], _Known, _Known], ir.Value]


def _sum(w: _Writer, taken: list[ir.Value], known: _Known, _order: _Known) -> ir.Value:
    b = w.b
    return w.rounded(b.fadd(b.fmul(taken[0], known["p"]), b.fmul(taken[1], known["q"])), known)


def _product(w: _Writer, taken: list[ir.Value], known: _Known, _order: _Known) -> ir.Value:
    return w.rounded(w.b.fmul(taken[0], taken[1]), known)


def _chosen(sign: str) -> _Rule:
    def rule(w: _Writer, taken: list[ir.Value], _known: _Known, _order: _Known) -> ir.Value:
        return w.b.select(w.b.fcmp_ordered(sign, taken[0], taken[1]), taken[0], taken[1])

    return rule


def _magnitude(w: _Writer, taken: list[ir.Value], _known: _Known, _order: _Known) -> ir.Value:
    b = w.b
    zero = ir.Constant(w.kind, [0.0] * w.lanes)
    return b.select(b.fcmp_ordered("<", taken[0], zero), b.fsub(zero, taken[0]), taken[0])


def _relation(sign: str) -> _Rule:
    def rule(w: _Writer, taken: list[ir.Value], known: _Known, _order: _Known) -> ir.Value:
        return w.b.select(w.b.fcmp_ordered(sign, taken[0], taken[1]), known["p"], known["q"])

    return rule


def _choice(w: _Writer, taken: list[ir.Value], _known: _Known, _order: _Known) -> ir.Value:
    zero = ir.Constant(w.kind, [0.0] * w.lanes)
    return w.b.select(w.b.fcmp_unordered("!=", taken[2], zero), taken[0], taken[1])


def _quotient(w: _Writer, taken: list[ir.Value], known: _Known, _order: _Known) -> ir.Value:
    b, zero = w.b, ir.Constant(w.kind, [0.0] * w.lanes)
    one = ir.Constant(w.kind, [1.0] * w.lanes)
    is_zero = b.fcmp_ordered("==", taken[1], zero)
    divided = b.fdiv(b.fmul(taken[0], known["p"]), b.select(is_zero, one, taken[1]))
    below = b.select(b.fcmp_ordered("<", taken[0], zero), known["low"], zero)
    by_zero = b.select(b.fcmp_ordered(">", taken[0], zero), known["high"], below)
    return b.select(is_zero, by_zero, w.rounded_down(divided, w.kind))


def _root(w: _Writer, taken: list[ir.Value], known: _Known, _order: _Known) -> ir.Value:
    b, zero = w.b, ir.Constant(w.kind, [0.0] * w.lanes)
    above = b.select(b.fcmp_ordered(">", taken[0], zero), taken[0], zero)
    return w.rounded_down(w.root(b.fmul(above, known["p"])), w.kind)


def _line(w: _Writer, taken: list[ir.Value], known: _Known, order: _Known) -> ir.Value:
    b, zero = w.b, ir.Constant(w.kind, [0.0] * w.lanes)
    away = b.fsub(taken[0], known["p"])
    last = w.splat(b.sitofp(order["last"], REAL), w.kind)
    place = w.limited(w.rounded_down(b.fmul(away, known["unit"]), w.kind), zero, last)
    within = w.limited(b.fsub(away, b.fmul(place, known["q"])), zero, known["q"])
    start = b.mul(order["array"], NUMBER(ARRAY.itemsize))
    table = w.load(b.add(w.layer["arrays"], start), NUMBER(0), NUMBER, NUMBER)
    at = b.fptosi(place, w.whole)
    left = b.fptosi(w.looked_up(table, at), w.whole)
    right = b.fptosi(w.looked_up(b.add(table, NUMBER(8)), at), w.whole)
    risen = b.mul(b.sub(right, left), b.fptosi(within, w.whole))
    # Half a step, where there is one.
    half = b.ashr(b.shl(NUMBER(1), order["bits"]), NUMBER(1))
    moved = b.ashr(b.add(risen, w.every(half)), w.every(order["bits"]))
    return b.sitofp(b.add(moved, left), w.kind)


_RULES: Final[dict[Order, _Rule]] = {
    Order.SUM: _sum,
    Order.PRODUCT: _product,
    Order.LESSER: _chosen("<"),
    Order.GREATER: _chosen(">"),
    Order.MAGNITUDE: _magnitude,
    Order.IS_EQUAL: _relation("=="),
    Order.IS_LESS: _relation("<"),
    Order.IS_LESS_OR_EQUAL: _relation("<="),
    Order.CHOICE: _choice,
    Order.QUOTIENT: _quotient,
    Order.ROOT: _root,
    Order.LINE: _line,
}
