"""Which instructions of a program run in one pass over their elements, and in what order all of it runs.

Element-wise instructions whose results have the same shape go into one pass. A pass runs when something else
first reads a result of it, so whatever it reads has been computed by then.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from anh_rollup.evaluation.exact_sums import FLOAT64_EXACT
from anh_rollup.evaluation.pass_kernel import ORDER, VECTORS, Order
from anh_rollup.evaluation.steps import Step
from anh_rollup.tensor.opcodes import Opcode, Relation
from anh_rollup.tensor.program import Program

#: Instructions of a pass, at most (choice: a planner's work stays linear).
MOST_ORDERS: Final = 64

Fields = dict[str, float]
_NOTHING: Final = -1


def order_of(step: Step) -> tuple[Order, Fields] | None:
    """What a pass does for an instruction: the order, and its numbers without places.

    None where it is not element-wise, or float64 is too narrow for it.
    """
    rule = _RULES.get(step.value.opcode) if step.value.opcode is not None else None
    found = None if rule is None else rule(step)
    if found is None:
        return None
    return found[0], {**found[1], "low": step.value.low, "high": step.value.high}


def rounding_of(shift: int, most: int) -> Fields | None:
    """The numbers of rs(v, shift) for v up to `most`; None where float64 is too narrow."""
    half = 2.0 ** (shift - 1) if shift > 0 else 0.0
    if most + half > FLOAT64_EXACT or (shift < 0 and most << -shift > FLOAT64_EXACT):
        return None
    return {"half": half, "unit": 2.0**-shift}


def _weighted(step: Step, sign: int) -> tuple[Order, Fields] | None:
    p, q, shift = step.value.attributes
    rounding = rounding_of(shift, (step.magnitudes[0] << p) + (step.magnitudes[1] << q))
    return None if rounding is None else (Order.SUM, {"p": 2.0**p, "q": sign * 2.0**q, **rounding})


def _moved(step: Step) -> tuple[Order, Fields] | None:
    rounding = rounding_of(step.value.attributes[0], step.magnitudes[0])
    return None if rounding is None else (Order.SUM, {"p": 1.0, "q": 0.0, **rounding})


def _product(step: Step) -> tuple[Order, Fields] | None:
    rounding = rounding_of(step.value.attributes[0], step.magnitudes[0] * step.magnitudes[1])
    return None if rounding is None else (Order.PRODUCT, rounding)


_RELATIONS: Final[dict[Relation, tuple[Order, float, float]]] = {
    Relation.EQUAL: (Order.IS_EQUAL, 1, 0),
    Relation.NOT_EQUAL: (Order.IS_EQUAL, 0, 1),
    Relation.LESS: (Order.IS_LESS, 1, 0),
    Relation.LESS_OR_EQUAL: (Order.IS_LESS_OR_EQUAL, 1, 0),
    Relation.GREATER: (Order.IS_LESS_OR_EQUAL, 0, 1),
    Relation.GREATER_OR_EQUAL: (Order.IS_LESS, 0, 1),
}


def _compared(step: Step) -> tuple[Order, Fields]:
    order, holds, fails = _RELATIONS[Relation(step.value.attributes[0])]
    return order, {"p": holds, "q": fails}


def _quotient(step: Step) -> tuple[Order, Fields] | None:
    power = step.value.attributes[0]
    # Below 2^53 the float quotient never reaches an integer that the true quotient stays below.
    if (step.magnitudes[0] << power) + step.magnitudes[1] >= FLOAT64_EXACT:
        return None
    return Order.QUOTIENT, {"p": 2.0**power}


def _root(step: Step) -> tuple[Order, Fields] | None:
    power = step.value.attributes[0]
    # Below 2^52 the nearest float to the root of n^2 - 1 is below n.
    if max(step.intervals[0].high, 0) << power >= FLOAT64_EXACT >> 1:
        return None
    return Order.ROOT, {"p": 2.0**power}


def _line(step: Step) -> tuple[Order, Fields]:
    origin, bits = step.value.attributes
    last = step.shapes[1][0] - 2
    return Order.LINE, {"p": origin, "q": 2.0**bits, "unit": 2.0**-bits, "bits": bits, "last": last}


_RULES: Final[dict[Opcode, Any]] = {
    Opcode.ADD: lambda step: _weighted(step, 1),
    Opcode.SUB: lambda step: _weighted(step, -1),
    Opcode.MUL: _product,
    Opcode.SHIFT: _moved,
    Opcode.MIN: lambda _: (Order.LESSER, {}),
    Opcode.MAX: lambda _: (Order.GREATER, {}),
    Opcode.ABS: lambda _: (Order.MAGNITUDE, {}),
    Opcode.COMPARE: _compared,
    Opcode.SELECT: lambda _: (Order.CHOICE, {}),
    Opcode.TABLE: _line,
    Opcode.DIV: _quotient,
    Opcode.SQRT: _root,
}


@dataclass(slots=True)
class Group:
    """Instructions that run in one pass.

    Attributes:
        members: Their ids, in order.
        sources: Values that they read from outside, in the order of the pass's arrays.
        results: Those of their values that something else reads; their arrays follow.
        written: Those that are written as int32, too; their arrays are the last ones.
    """

    members: list[int]
    sources: list[int] = field(default_factory=list)
    results: list[int] = field(default_factory=list)
    written: list[int] = field(default_factory=list)


def schedule(
    program: Program, steps: Mapping[int, Step], users: Mapping[int, Sequence[int]], lasting: Collection[int]
) -> list[int | Group]:
    """Values and passes, in an order in which each finds what it reads.

    Args:
        program: The program.
        steps: For each instruction what is proven about it.
        users: For each value that is read the instructions that read it.
        lasting: The values that do not depend on the sample, which no pass computes.
    """
    return _Scheduling(program, steps, users, lasting).run()


class _Scheduling:
    """Walks over a program with the passes that are open: nothing else has read them yet."""

    def __init__(
        self,
        program: Program,
        steps: Mapping[int, Step],
        users: Mapping[int, Sequence[int]],
        lasting: Collection[int],
    ) -> None:
        self.program, self.steps, self.users, self.lasting = program, steps, users, lasting
        self.open: dict[int, Group] = {}
        self.found: list[int | Group] = []

    def run(self) -> list[int | Group]:
        """All of it."""
        for each in range(len(self.program.values)):
            if self._is_part(each):
                self._join(each)
            else:
                self._close(self.program.values[each].inputs)
                self.found.append(each)
        self._close(list(self.open))
        return self.found

    def _is_part(self, each: int) -> bool:
        """Whether a pass can compute a value: not one that is the same for every sample."""
        if each in self.lasting or each not in self.steps or order_of(self.steps[each]) is None:
            return False
        value = self.program.values[each]
        return value.opcode is not Opcode.TABLE or value.inputs[1] in self.lasting

    def _join(self, each: int) -> None:
        """Puts an instruction into an open pass that it reads; several such become one."""
        value = self.program.values[each]
        own: Group | None = None
        for source in value.inputs:
            group = self.open.get(source)
            if group is None or group is own:
                continue
            if self._shape(group) != value.shape or len(group.members) >= MOST_ORDERS:
                self._close([source])
            elif own is None:
                own = group
            elif len(own.members) + len(group.members) < MOST_ORDERS:
                own.members = sorted(own.members + group.members)
                self.open.update(dict.fromkeys(group.members, own))
            else:
                self._close([source])
        own = own or Group([])
        own.members.append(each)
        self.open[each] = own

    def _shape(self, group: Group) -> tuple[int, ...]:
        return self.program.values[group.members[0]].shape

    def _close(self, read: Collection[int]) -> None:
        """Runs the open passes of these values."""
        for each in read:
            group = self.open.get(each)
            if group is None:
                continue
            for member in group.members:
                del self.open[member]
            self._finish(group)
            self.found.append(group)

    def _finish(self, group: Group) -> None:
        members = set(group.members)
        for each in group.members:
            group.sources.extend(
                source
                for source in self.program.values[each].inputs
                if source not in members and source not in group.sources
            )
            if each == len(self.program.values) - 1 or not members.issuperset(
                self.users.get(each, [each + 1])
            ):
                group.results.append(each)


def orders_of(program: Program, group: Group, steps: Mapping[int, Step]) -> NDArray[np.void] | None:
    """A pass's orders; None where it takes more than `VECTORS` vectors.

    Sources are loaded when they are first read, results are stored as soon as they are there.
    """
    reads: dict[int, int] = {}
    for member in group.members:
        for source in program.values[member].inputs:
            reads[source] = member
    free, held, rows = list(range(VECTORS - 1, -1, -1)), dict[int, int](), list[dict[str, Any]]()
    for member in group.members:
        value = program.values[member]
        taken = value.inputs[:1] if value.opcode is Opcode.TABLE else value.inputs
        for source in taken:
            if source not in held:
                if not free:
                    return None
                held[source] = free.pop()
                rows.append(
                    {"order": Order.LOAD, "result": held[source], "array": group.sources.index(source)}
                )
        found = order_of(steps[member])
        if found is None or not free:
            return None
        names = ("c", "a", "b") if value.opcode is Opcode.SELECT else ("a", "b")
        vectors = dict(zip(names, (held[source] for source in taken), strict=False))
        row = {"a": 0, "b": vectors["a"], "c": 0, **vectors, "order": found[0], **found[1]}
        if value.opcode is Opcode.TABLE:
            row["array"] = group.sources.index(value.inputs[1])
        held[member] = row["result"] = free.pop()
        rows.append(row)
        if member in group.results:
            place = len(group.sources) + group.results.index(member)
            rows.append({"order": Order.STORE, "result": held[member], "array": place})
        if member in group.written:
            place = len(group.sources) + len(group.results) + group.written.index(member)
            rows.append({"order": Order.WRITE, "result": held[member], "array": place})
        read = [each for each in {member, *taken} if reads.get(each, member) <= member]
        free.extend(held.pop(each) for each in read)
    return _table(rows)


def _table(rows: Sequence[Mapping[str, Any]]) -> NDArray[np.void]:
    names = ORDER.names or ()
    return np.array([tuple(row.get(name, 0) for name in names) for row in rows], dtype=ORDER)
