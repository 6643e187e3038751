"""Hints are a small JSON document; whatever else comes is refused with the place of the fault."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from anh_rollup.training.errors import HintsError
from anh_rollup.training.hints import TrainingHints, decode_hints, encode_hints

ROOT = "0x" + "ab" * 32


@given(
    st.builds(
        TrainingHints,
        training_data=st.binary(min_size=32, max_size=32).map(lambda root: f"0x{root.hex()}"),
        loss=st.sampled_from(["cross_entropy", "squared_error"]),
        target_field=st.integers(0, 255),
        epochs=st.integers(1, 100_000),
        batch_size=st.integers(1, 1 << 20),
        learning_rate=st.floats(1e-9, 10),
        initial_model=st.none() | st.binary(min_size=32, max_size=32).map(lambda root: f"0x{root.hex()}"),
    )
)
def test_hints_come_back_from_their_document(hints: TrainingHints) -> None:
    assert decode_hints(encode_hints(hints)) == hints


def test_only_the_training_data_has_to_be_named() -> None:
    hints = decode_hints(json.dumps({"training_data": ROOT}).encode())
    assert hints == TrainingHints(
        training_data=ROOT,
        loss="cross_entropy",
        target_field=1,
        epochs=60,
        batch_size=64,
        learning_rate=2e-3,
        initial_model=None,
    )
    assert (hints.data_root, hints.initial_root) == (b"\xab" * 32, None)


def test_a_model_to_start_from_is_named_by_its_root() -> None:
    hints = decode_hints(json.dumps({"training_data": ROOT, "initial_model": "0x" + "cd" * 32}).encode())
    assert hints.initial_root == b"\xcd" * 32


@pytest.mark.parametrize(
    ("change", "place"),
    [
        ({"training_data": "0x12"}, "training_data"),
        ({"training_data": ROOT.upper()}, "training_data"),
        ({"training_data": None}, "training_data"),
        ({"loss": "accuracy"}, "loss"),
        ({"target_field": 256}, "target_field"),
        ({"target_field": "1"}, "target_field"),
        ({"target_field": True}, "target_field"),
        ({"epochs": 0}, "epochs"),
        ({"epochs": 100_001}, "epochs"),
        ({"epochs": 1.5}, "epochs"),
        ({"batch_size": 0}, "batch_size"),
        ({"learning_rate": 0}, "learning_rate"),
        ({"learning_rate": -1.0}, "learning_rate"),
        ({"learning_rate": 11}, "learning_rate"),
        ({"initial_model": "0x12"}, "initial_model"),
        ({"initial_model": 7}, "initial_model"),
        ({"code": "import os"}, "code"),
    ],
)
def test_a_member_out_of_bounds_is_refused_by_name(change: dict[str, object], place: str) -> None:
    document = json.dumps({"training_data": ROOT, **change}).encode()
    with pytest.raises(HintsError) as refused:
        decode_hints(document)
    assert str(refused.value).startswith(f"the training hints cannot be used: {place}: ")
    assert refused.value.remedy == "Write them as docs/training.md says, or train without them."


def test_the_name_of_a_member_is_shown_in_one_line() -> None:
    document = json.dumps({"training_data": ROOT, "\r\x1b[2K2026 INFO paid\n\u202ea": 1}).encode()
    with pytest.raises(HintsError) as refused:
        decode_hints(document)
    assert str(refused.value) == (
        r"the training hints cannot be used: \r\x1b[2K2026 INFO paid\n\u202ea: Extra inputs are not permitted"
    )


@pytest.mark.parametrize(
    "document",
    [
        b"",
        b"[]",
        b"null",
        b"{",
        b"\xff\xfe",
        b'{"learning_rate": NaN}',
        b"[" * 100_000,
        b'{"training_data": 1e999}',
    ],
)
def test_what_is_no_document_is_refused(document: bytes) -> None:
    with pytest.raises(HintsError):
        decode_hints(document)


@given(st.binary(max_size=200))
def test_any_bytes_are_hints_or_refused(document: bytes) -> None:
    try:
        hints = decode_hints(document)
    except HintsError:
        return
    assert decode_hints(encode_hints(hints)) == hints
