"""`ProgramBuilder`: writing a tensor program feels like writing torch, and what it accepts is valid.

    b = ProgramBuilder()
    x = b.field((8, 8, 1), scale=8, low=0, high=255)
    w = b.parameter((16, 3, 3, 1), scale=12)
    bias = b.parameter((16,), scale=16)
    y = b.conv2d(x, w, bias, padding=1, low=0)
    program = b.build(b.argmax(b.reshape(b.max_pool(y, 8), (16,))))

Every operation checks shapes, attributes and ranges at once, so an error points at the line that caused it.
Scales (fraction bits) are kept for you: sums align them, products and linear operations shift back to the
scale of x unless `scale=` asks for another. `low=` and `high=` are bounds in integer units; where not given,
results of arithmetic saturate at 24 bits, and what only moves or chooses elements keeps its bounds.
"""

from anh_rollup.tensor.building.functions import Functions
from anh_rollup.tensor.building.node import Node, Operand

__all__ = ["Node", "Operand", "ProgramBuilder"]


class ProgramBuilder(Functions):
    """Puts a program together; see the module's text, and the classes it inherits from for the operations."""
