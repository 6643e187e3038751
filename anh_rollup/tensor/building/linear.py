"""Matrix products and convolutions: exact sums of products, then one rounding shift."""

from typing import TypedDict, Unpack

from anh_rollup.tensor.building.movement import Movement
from anh_rollup.tensor.building.node import Node
from anh_rollup.tensor.errors import AttributesRefusedError, ShapeRefusedError
from anh_rollup.tensor.opcodes import LinearFlags, Opcode

Pair = int | tuple[int, int]
#: One number for all sides, (vertical, horizontal), or (top, left, bottom, right).
Padding = int | tuple[int, int] | tuple[int, int, int, int]


class LinearOptions(TypedDict, total=False):
    """How a linear operation comes from its exact sum to its result.

    Attributes:
        scale: Fraction bits of the result; those of x where not given.
        shifts: A node (channels,) with a shift for each output channel. The weights of a channel with shift s
            then have s - x's scale + the result's scale fraction bits.
        low, high: Bounds of the result, in integer units. low=0 is a ReLU for free.
    """

    scale: int | None
    shifts: Node | None
    low: int | None
    high: int | None


class Conv1dOptions(LinearOptions, total=False):
    """Geometry of a one-dimensional convolution beside its rounding; padding may be (left, right)."""

    stride: int
    padding: Pair
    dilation: int
    groups: int


class Conv2dOptions(LinearOptions, total=False):
    """Geometry of a convolution beside its rounding; pairs are (vertical, horizontal)."""

    stride: Pair
    padding: Padding
    dilation: Pair
    groups: int


class Linear(Movement):
    """matmul, linear, conv1d, conv2d."""

    def linear(self, x: Node, w: Node, bias: Node | None = None, **how: Unpack[LinearOptions]) -> Node:
        """As torch's linear: x (P...,K) by w (N,K) plus bias (N,); or x (B...,M,K) by w (B...,N,K)."""
        return self._sum_of_products(Opcode.MATMUL, x, w, bias, (), how)

    def matmul(self, a: Node, b: Node, **how: Unpack[LinearOptions]) -> Node:
        """As torch's matmul: a (...,K) by b (...,K,N), b of rank 2 or of a's rank and leading dimensions."""
        if len(b.shape) < 2:
            raise ShapeRefusedError("matmul", f"{a.shape} by {b.shape}")
        rank = len(b.shape)
        turned = self.transpose(b, [*range(rank - 2), rank - 1, rank - 2])
        return self.linear(a, turned, **how)

    def conv2d(self, x: Node, w: Node, bias: Node | None = None, **how: Unpack[Conv2dOptions]) -> Node:
        """Convolves x (H,W,C) with kernels w (O,kh,kw,C/groups) plus bias (O,): result (Ho,Wo,O)."""
        if len(x.shape) != 3:
            raise ShapeRefusedError("conv2d", f"{x.shape} is no (H,W,C)")
        geometry = (
            *pair(how.get("stride", 1)),
            *sides(how.get("padding", 0)),
            *pair(how.get("dilation", 1)),
            how.get("groups", 1),
        )
        return self._sum_of_products(Opcode.CONV, x, w, bias, geometry, how)

    def conv1d(self, x: Node, w: Node, bias: Node | None = None, **how: Unpack[Conv1dOptions]) -> Node:
        """Convolves x (L,C) with kernels w (O,k,C/groups) plus bias (O,): result (Lo,O)."""
        if len(x.shape) != 2:
            raise ShapeRefusedError("conv1d", f"{x.shape} is no (L,C)")
        left, right = pair(how.get("padding", 0))
        geometry = (
            1,
            how.get("stride", 1),
            0,
            left,
            0,
            right,
            1,
            how.get("dilation", 1),
            how.get("groups", 1),
        )
        return self._sum_of_products(Opcode.CONV, x, w, bias, geometry, how)

    def _sum_of_products(
        self,
        opcode: Opcode,
        x: Node,
        w: Node,
        bias: Node | None,
        geometry: tuple[int, ...],
        how: LinearOptions,
    ) -> Node:
        wanted, shifts = how.get("scale"), how.get("shifts")
        scale = x.scale if wanted is None else wanted
        shift = 0 if shifts is not None else x.scale + w.scale - scale
        guard = 0 if bias is None else bias.scale - scale
        if bias is not None and guard < 0:
            raise AttributesRefusedError(
                opcode.name, f"bias of scale {bias.scale} below the result's {scale}"
            )
        flags = LinearFlags.BIAS * (bias is not None) + LinearFlags.SHIFTS * (shifts is not None)
        inputs = [node for node in (x, w, bias, shifts) if node is not None]
        attributes = (shift, guard, flags, *geometry)
        return self.emit(opcode, inputs, attributes, scale=scale, low=how.get("low"), high=how.get("high"))


def pair(given: Pair) -> tuple[int, int]:
    """(vertical, horizontal) of a pair or of one number for both."""
    return (given, given) if isinstance(given, int) else given


def sides(given: Padding) -> tuple[int, int, int, int]:
    """(top, left, bottom, right) of what `Padding` allows."""
    if isinstance(given, int):
        return (given, given, given, given)
    return (*given, *given) if len(given) == 2 else given
