"""Every type that an input may have is one that onnxruntime is given; all others are refused."""

import numpy as np
import onnxruntime
import pytest
from onnx import TensorProto, helper

from anh_rollup.importing.errors import InputRefusedError
from anh_rollup.importing.graph import lower
from anh_rollup.importing.input_types import INPUT_TYPES
from tests.unit.importing.graphs import model_of, node

TYPES = sorted(helper.get_all_tensor_dtypes())


@pytest.mark.parametrize("dtype", TYPES, ids=map(TensorProto.DataType.Name, TYPES))
def test_an_input_has_a_type_that_onnxruntime_is_given_or_is_refused(dtype: int) -> None:
    model = model_of([node("Cast", "x", to=TensorProto.FLOAT)], {"x": (1, 4)}, dtype=dtype)
    expected = np.dtype(helper.tensor_dtype_to_np_dtype(dtype))
    if expected not in INPUT_TYPES.values():
        with pytest.raises(InputRefusedError, match=f"type {expected}, expected numbers or truth values"):
            lower(model, {})
        return
    assert [each.name for each in lower(model, {}).fields] == ["x"]
    session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])
    assert INPUT_TYPES[session.get_inputs()[0].type] == expected


def test_all_numbers_of_numpy_are_taken() -> None:
    assert sorted(np.dtype(each).str[1:] for each in INPUT_TYPES.values()) == [
        "b1", "f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8",
    ]  # fmt: skip
