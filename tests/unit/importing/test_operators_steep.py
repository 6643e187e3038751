"""Functions that are steep somewhere, up to where they are, beside ONNX's reference."""

import numpy as np
import pytest

from tests.unit.importing.graphs import error_of, model_of, node

ENDS = 1.0 - 10.0 ** np.linspace(-6, -1, 50)
INSIDE = np.concatenate([-ENDS, np.linspace(-0.9, 0.9, 100), ENDS])


@pytest.mark.parametrize(
    ("operator", "x", "most"),
    [
        ("Acos", np.concatenate([INSIDE, [-1.0, 0.0, 1.0]]), 1e-5),
        ("Asin", np.concatenate([INSIDE, [-1.0, 0.0, 1.0]]), 1e-5),
        ("Atanh", INSIDE, 1e-5),
        ("Acosh", np.concatenate([[1.0], 1.0 + 10.0 ** np.linspace(-5, 2, 199)]), 1e-5),
        ("Tan", np.linspace(-1.56, 1.56, 200), 1e-5),
    ],
)
def test_steep_functions_keep_their_bits(operator: str, x: np.ndarray, most: float) -> None:
    model = model_of([node(operator, "x")], {"x": ["N", len(x)]})
    assert error_of(model, {"x": x.astype(np.float32)[None]}) < most


@pytest.mark.parametrize("operator", ["Tanh", "Atan", "Erf", "Sigmoid", "Gelu"])
@pytest.mark.parametrize("most", [1e-3, 1e-6])
def test_functions_of_tiny_numbers_keep_their_slope(operator: str, most: float) -> None:
    x = np.linspace(-most, most, 64)
    model = model_of([node(operator, "x")], {"x": ["N", 64]}, opset=20)
    assert error_of(model, {"x": x.astype(np.float32)[None]}) < 1e-5
