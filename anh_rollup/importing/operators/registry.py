"""Which handler lowers which operator."""

from typing import Final

from anh_rollup.importing.operators.context import Handler
from anh_rollup.importing.operators.convolution import CONVOLUTION
from anh_rollup.importing.operators.elementwise import ELEMENTWISE
from anh_rollup.importing.operators.functions import FUNCTIONS
from anh_rollup.importing.operators.infinities import INFINITIES
from anh_rollup.importing.operators.integers import INTEGERS
from anh_rollup.importing.operators.linear import LINEAR
from anh_rollup.importing.operators.movement import MOVEMENT
from anh_rollup.importing.operators.normalization import NORMALIZATION
from anh_rollup.importing.operators.pooling import POOLING
from anh_rollup.importing.operators.quantized import QUANTIZED
from anh_rollup.importing.operators.recurrent import RECURRENT
from anh_rollup.importing.operators.reduction import REDUCTION
from anh_rollup.importing.operators.resampling import RESAMPLING
from anh_rollup.importing.operators.scattering import SCATTERING
from anh_rollup.importing.operators.spectral import SPECTRAL
from anh_rollup.importing.operators.steep import STEEP

#: By the operator's name.
HANDLERS: Final[dict[str, Handler]] = {
    **CONVOLUTION,
    **ELEMENTWISE,
    **FUNCTIONS,
    **INFINITIES,
    **INTEGERS,
    **LINEAR,
    **MOVEMENT,
    **NORMALIZATION,
    **POOLING,
    **QUANTIZED,
    **RECURRENT,
    **REDUCTION,
    **STEEP,
    **RESAMPLING,
    **SPECTRAL,
    **SCATTERING,
}
