"""What answers inference jobs, by name; to import this loads none of it."""

from enum import StrEnum


class AnsweringEngine(StrEnum):
    """What computes the float reading."""

    AUTO = "auto"
    ONNXRUNTIME = "onnxruntime"
    TORCH = "torch"
