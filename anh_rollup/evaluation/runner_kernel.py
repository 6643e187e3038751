"""Machine code that calls other kernels one after the other, so that Python is asked once for all."""

import ctypes
from typing import Final

import numpy as np
from llvmlite import ir

from anh_rollup.kernels.machine_code import (
    NUMBER,
    POINTER,
    Fields,
    Kernel,
    Processor,
    Writer,
    compiled,
)

_LIST: Final[Fields] = (("calls", ctypes.c_int64),)
_CALL: Final[Fields] = tuple((name, ctypes.c_int64) for name in ("kernel", "record", "start", "stop"))

#: What numpy calls a call: the address of a kernel and of its record, and the range that it does.
CALL: Final = np.dtype([(name, np.int64) for name, _ in _CALL])


class Calls(ctypes.Structure):
    """What the runner is told.

    Attributes:
        calls: Address of `CALL`; a range counts these.
    """

    _fields_ = _LIST


def compiled_for(processor: Processor) -> Kernel:
    """A runner for a processor."""
    return compiled("run", Calls, lambda function: _Writer(function, _LIST).write(), processor)


class _Writer(Writer):
    """Writes the function."""

    def write(self) -> None:
        """All of it."""
        b = self.b
        with self.counted(self.start, self.stop) as place:
            start = b.add(self.layer["calls"], b.mul(place, NUMBER(CALL.itemsize)))
            call = self.record(b.inttoptr(start, POINTER), _CALL)
            kind = ir.FunctionType(ir.VoidType(), (POINTER, NUMBER, NUMBER))
            b.call(
                b.inttoptr(call["kernel"], kind.as_pointer()),
                (b.inttoptr(call["record"], POINTER), call["start"], call["stop"]),
            )
        b.ret_void()
