"""Calldata, answers and errors of the DNN system contract (docs/world.md)."""

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from eth_abi.exceptions import DecodingError, EncodingError

from anh_rollup.encoding.abi import LOSSLESS, decode, encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.tensors import Elements
from anh_rollup.primitives import Gas, Seconds
from anh_rollup.protocol.called import Cell, called_job
from anh_rollup.protocol.jobs import (
    MOST_PROPERTIES,
    MOST_URI_BYTES,
    PROPERTY_TYPE,
    Job,
    JobMalformedError,
    Property,
)
from anh_rollup.world.errors import SystemRevertError

_WORD: Final = 32
_LANES: Final = 8
"""Elements of 4 bytes in a word; the last one holds an int32, and its sign fills the others."""

INFER_SELECTOR: Final = keccak256(b"infer(bytes32,bytes32,int32[])")[:4]
PUBLISHED_SELECTOR: Final = keccak256(b"published(bytes32)")[:4]
_TRAIN: Final = ("bytes32", f"{PROPERTY_TYPE}[]", "uint64", "string")
TRAIN_SELECTOR: Final = keccak256(f"train({','.join(_TRAIN)})".encode())[:4]

#: The types of each error's values, by its name.
ERRORS: Final = {
    "UnknownFunction": ("bytes4",),
    "MalformedCall": (),
    "ValueRefused": ("uint256",),
    "WrongPropertyCount": ("uint256",),
    "UriTooLong": ("uint256",),
    "ProgramUnfit": ("bytes32",),
    "ModelUnfit": ("bytes32", "bytes32"),
    "WrongInputCount": ("uint256", "uint256"),
    "InputOutOfRange": ("uint256", "int32", "int32", "int32"),
    "DeadlineOutside": ("uint64", "uint64", "uint64"),
    "NotTrained": ("bytes32",),
    "NotPublished": ("bytes32",),
    "NotDirect": (),
    "WrongBytes": ("bytes32",),
    "ArtifactTooLarge": ("uint256", "uint256"),
}


@dataclass(frozen=True, slots=True, eq=False)
class InferCall:
    """A call of `infer`.

    Attributes:
        architecture: Root of the program.
        model: Root of the model.
        x: The fields' elements, one field after the other: int32 array (N,).
    """

    architecture: bytes
    model: bytes
    x: Elements


def refusal(gas: Gas, name: str, *values: Any) -> SystemRevertError:
    """The revert with an error of `ERRORS`."""
    types = ERRORS[name]
    selector = keccak256(f"{name}({','.join(types)})".encode())[:4]
    return SystemRevertError(selector + encode(types, values), gas)


def decode_infer(calldata: bytes, gas: Gas) -> InferCall:
    """What a call of `infer` asks for.

    Raises:
        SystemRevertError: It is malformed; that takes `gas`.
    """
    data = calldata[4:]
    head = [data[start : start + _WORD] for start in range(0, 3 * _WORD, _WORD)]
    if len(data) < 3 * _WORD:
        raise refusal(gas, "MalformedCall")
    return InferCall(head[0], head[1], _int32s(_words(data, head[2], gas), gas))


def decode_published(calldata: bytes, gas: Gas) -> bytes:
    """The root that a call of `published` asks about.

    Raises:
        SystemRevertError: It is malformed; that takes `gas`.
    """
    root = calldata[4 : 4 + _WORD]
    if len(root) < _WORD:
        raise refusal(gas, "MalformedCall")
    return root


def decode_train(calldata: bytes, gas: Gas) -> Job:
    """The job that a call of `train` asks for.

    Raises:
        SystemRevertError: It is malformed; that takes `gas`.
    """
    try:
        architecture, listed, deadline, uri = decode(_TRAIN, calldata[4:])
        size = len(uri.encode("utf-8", LOSSLESS))
    except (DecodingError, OverflowError) as error:
        raise refusal(gas, "MalformedCall") from error
    if not 1 <= len(listed) <= MOST_PROPERTIES:
        raise refusal(gas, "WrongPropertyCount", len(listed))
    if size > MOST_URI_BYTES:
        raise refusal(gas, "UriTooLong", size)
    try:
        return called_job(architecture, [Property(*each) for each in listed], Seconds(deadline), uri)
    except (JobMalformedError, EncodingError) as error:
        raise refusal(gas, "MalformedCall") from error


def encode_answer(y: Elements) -> bytes:
    """What `infer` returns: `abi.encode` of an int32 array (N,)."""
    lanes = np.empty((len(y), _LANES), ">i4")
    lanes[:, :-1] = (y >> 31)[:, np.newaxis]
    lanes[:, -1] = y
    return encode(["uint256", "uint256"], [_WORD, len(y)]) + lanes.tobytes()


def encode_published(published: bool) -> bytes:
    """What `published` returns."""
    return encode(["bool"], [published])


def encode_training(cell: Cell) -> bytes:
    """What `train` returns: `abi.encode` of a `Training`."""
    return encode(["(bytes32,int64[])"], [(cell.model, cell.scores)])


def _words(data: bytes, offset: bytes, gas: Gas) -> bytes:
    """The content of an array: as many words as the one at its offset says."""
    start = int.from_bytes(offset, "big") + _WORD
    if start > len(data):
        raise refusal(gas, "MalformedCall")
    end = start + int.from_bytes(data[start - _WORD : start], "big") * _WORD
    if end > len(data):
        raise refusal(gas, "MalformedCall")
    return data[start:end]


def _int32s(content: bytes, gas: Gas) -> Elements:
    """The numbers in words, each of which has to be an int32."""
    lanes = np.frombuffer(content, ">i4").reshape(-1, _LANES)
    x = lanes[:, -1].astype(np.int32)
    if (lanes[:, :-1] != (x[:, np.newaxis] >> 31)).any():
        raise refusal(gas, "MalformedCall")
    return x
