"""Programs of the scenarios."""

import numpy as np

from anh_rollup.tensor.builder import ProgramBuilder

CLASSES = 3


def every_kind_program():
    """An accuracy program in which each of the nineteen instruction kinds computes something."""
    b = ProgramBuilder()
    image = b.field((4, 4, 2), scale=4, low=-128, high=127)
    label = b.field((), low=0, high=CLASSES - 1)
    kernel = b.parameter((3, 3, 3, 2), scale=4, low=-64, high=63)
    weights = b.parameter((CLASSES, 40), scale=4, low=-64, high=63)
    y = b.conv2d(image, kernel, padding=1, scale=4)
    y = b.maximum(b.sub(b.mul(y, y), b.abs(y)), b.minimum(y, b.add(y, 1)))
    y = b.where(y > 2, y, b.rescale(b.rescale(y, 2), 4))
    y = b.lookup(y, b.constant(np.arange(-16, 17) * 8, scale=4), origin=-256, step=4)
    y = b.sqrt(b.div(b.abs(y), b.add(b.abs(image[:, :, :1]), 1), scale=4), scale=4)
    y = b.reshape(y, (48,))
    y = b.concat([b.pad(y, [(2, 0)]), b.sum(image, axes=(0, 1))])
    y = b.gather(y, b.constant(np.arange(40) * 7 % 52))
    return b.build(b.equal(b.argmax(b.linear(y, weights, scale=4)), label))
