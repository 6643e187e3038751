"""What a job's poster suggests for training: a small JSON document beside the job's artifacts.

Nobody has to follow it; what counts is the property. It lies in the store as `recipe/<architecture root>`.
"""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from anh_rollup.errors import escaped
from anh_rollup.training.errors import HintsError

#: Characters of the place of a fault that a message shows: a member's name may be as long as the document.
MOST_PLACE: Final = 80

Root = Annotated[str, Field(pattern=r"^0x[0-9a-f]{64}$")]


class TrainingHints(BaseModel):
    """Hints for training one architecture.

    Attributes:
        training_data: Root of the data set to train on; it may have more fields than the architecture reads.
        loss: Cross entropy for classes, squared error for numbers.
        target_field: The field that holds the class, or the numbers to reach.
        epochs: Most passes over the data.
        batch_size: Samples of one step.
        learning_rate: Peak step size of the optimizer.
        initial_model: Root of the model to start from; without it parameters begin by their use.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    training_data: Root
    loss: Literal["cross_entropy", "squared_error"] = "cross_entropy"
    target_field: Annotated[int, Field(ge=0, le=255)] = 1
    epochs: Annotated[int, Field(ge=1, le=100_000)] = 60
    batch_size: Annotated[int, Field(ge=1, le=1 << 20)] = 64
    learning_rate: Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)] = 2e-3
    initial_model: Root | None = None

    @property
    def initial_root(self) -> bytes | None:
        """`initial_model` as bytes."""
        return None if self.initial_model is None else bytes.fromhex(self.initial_model[2:])

    @property
    def data_root(self) -> bytes:
        """`training_data` as bytes."""
        return bytes.fromhex(self.training_data[2:])


def encode_hints(hints: TrainingHints) -> bytes:
    """The document."""
    return hints.model_dump_json().encode()


def decode_hints(document: bytes) -> TrainingHints:
    """The hints in a document.

    Raises:
        HintsError: It is no JSON, or a member is missing, unknown or out of bounds.
    """
    try:
        return TrainingHints.model_validate_json(document)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])[:MOST_PLACE] or "the document"
        raise HintsError(f"{escaped(place)}: {escaped(first['msg'])}") from error
