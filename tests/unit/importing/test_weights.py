"""Weights have the bits that a channel's sums leave, and stand for the kernel within half a step."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.importing.formats import Format
from anh_rollup.importing.record import Reals
from anh_rollup.importing.setting import TRAINING_HEADROOM, Setting
from anh_rollup.importing.weights import (
    FAST_WEIGHT_BITS,
    LEAST_REACH,
    MOST_GUARD,
    MOST_SPREAD,
    MOST_WEIGHT_BITS,
    SUM_BITS,
    LinearWeights,
    quantized,
    reach,
)

X = Format(12, -(2**23), 2**23 - 1)
RESULT = Format(10, -(2**23), 2**23 - 1)


def kernel(seed: int, spread: int = 3) -> Reals:
    """Channels whose weights are of different sizes."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.normal(size=(5, 3, 4)) * 2.0 ** rng.integers(-spread, spread, (5, 1, 1)))


def rows(made: LinearWeights) -> Reals:
    """The sums of the weights' magnitudes, channel by channel."""
    return np.abs(made.weight.reshape(len(made.weight), -1)).sum(1).astype(np.float64)


@pytest.mark.parametrize("setting", Setting)
@given(seed=st.integers(0, 2**16))
def test_weights_are_within_half_a_step_and_sums_within_float64(setting: Setting, seed: int) -> None:
    real, bias = kernel(seed), np.random.default_rng(seed).normal(size=5)
    made = quantized(real, bias, X, RESULT, setting)
    steps = 2.0 ** -made.scales.astype(np.float64)
    assert (np.abs(made.weight * steps[:, None, None] - real) <= steps[:, None, None] / 2).all()
    most = FAST_WEIGHT_BITS if setting is Setting.FAST else MOST_WEIGHT_BITS
    assert np.abs(made.weight).max() <= 2**most
    assert made.bias is not None
    moved = np.abs(made.bias.astype(np.float64)) * 2.0 ** (made.shifts - made.guard)
    assert (rows(made) * 2**23 + moved <= 2.0 ** (SUM_BITS + 1)).all()
    assert (X.scale + made.scales - made.shifts == RESULT.scale).all()
    assert (np.abs(np.ldexp(made.bias.astype(float), -RESULT.scale - made.guard) - bias) <= 2.0**-11).all()
    assert made.guard == MOST_GUARD


def test_precise_weights_have_more_bits_than_fast_ones() -> None:
    fast, precise = (quantized(kernel(1), None, X, RESULT, each) for each in (Setting.FAST, Setting.PRECISE))
    assert (fast.scales < precise.scales).all()
    assert (fast.bias, fast.guard) == (None, 0)


def test_channels_of_one_size_share_a_shift() -> None:
    same = np.tile(kernel(2)[:1], (4, 1, 1))
    assert quantized(same, None, X, RESULT, Setting.PRECISE).is_uniform
    same[1] *= 64
    assert not quantized(same, None, X, RESULT, Setting.PRECISE).is_uniform


def test_channels_share_a_format_where_there_is_room_for_a_training() -> None:
    real = kernel(2)
    real[1] *= 64
    made = quantized(real, np.zeros(5), X, RESULT, Setting.TRAINABLE)
    assert made.is_uniform
    assert np.abs(made.weight).max() * TRAINING_HEADROOM <= 2**MOST_WEIGHT_BITS
    assert (reach(real, Setting.TRAINABLE), reach(real, Setting.PRECISE)) == (
        TRAINING_HEADROOM * np.abs(real).max(),
        np.abs(real).max(),
    )
    assert reach(np.zeros(5), Setting.TRAINABLE) == LEAST_REACH


def test_channels_of_tiny_weights_are_no_finer_than_the_spread_allows() -> None:
    real = kernel(3)
    real[0] *= 2.0**-40
    real[1] = 0
    made = quantized(real, None, X, RESULT, Setting.PRECISE)
    assert np.ptp(made.scales) == MOST_SPREAD
    assert not made.weight[1].any()


def test_wide_inputs_leave_fewer_bits() -> None:
    wide = Format(12, -(2**30), 2**30 - 1)
    narrow, other = (quantized(kernel(4), None, each, RESULT, Setting.PRECISE) for each in (X, wide))
    assert (other.scales < narrow.scales).any()
    assert (rows(other) * 2**30 <= 2.0**SUM_BITS * 1.001).all()


def test_a_bias_that_is_nearly_too_large_has_no_guard() -> None:
    made = quantized(kernel(5), np.full(5, 2.0**20), X, RESULT, Setting.PRECISE)
    assert (made.guard, made.bias is not None and made.bias.max()) == (0, 2**30)
