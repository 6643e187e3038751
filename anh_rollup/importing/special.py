"""Functions of mathematics that numpy lacks."""

import numpy as np
import torch

from anh_rollup.importing.record import Reals


def erf(x: Reals) -> Reals:
    """The error function, in float64."""
    result: Reals = torch.erf(torch.from_numpy(np.asarray(x + 0.0))).numpy()
    return result
