"""The shipped contracts' ABIs, and the way between Solidity values and our records.

A struct's component `batchCommitment` is the record's field `batch_commitment`; a name that Python reserves
gets an underscore behind it. Records are matched by name, so the order of fields does not matter.
"""

import json
import re
import typing
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import IntEnum
from functools import cache, lru_cache
from importlib import resources
from keyword import iskeyword
from typing import Any

from eth_abi.exceptions import DecodingError, EncodingError
from eth_utils.abi import collapse_if_tuple
from eth_utils.address import to_canonical_address, to_checksum_address

from anh_rollup.encoding.abi import decode, encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.errors import L1AnswerError, L1Error
from anh_rollup.primitives import Address

Entry = Mapping[str, Any]


class AbiError(L1Error):
    """Code and contracts disagree: a name is unknown, or a value does not fit its Solidity type.

    Attributes:
        detail: What does not fit.
    """

    def __init__(self, detail: str) -> None:
        super().__init__(
            f"the contracts' ABI does not fit: {detail}",
            remedy="Run `make contracts`; if it stays, the wrapper in anh_rollup/l1/contracts is old.",
        )
        self.detail = detail


@dataclass(frozen=True, slots=True)
class Artifact:
    """A compiled contract.

    Attributes:
        name: The contract's name.
        entries: Its ABI.
        bytecode: Its creation code, without constructor arguments.
    """

    name: str
    entries: tuple[Entry, ...]
    bytecode: bytes

    def entry(self, kind: str, name: str) -> Entry:
        """The function, event or error of a name (`kind` as in the ABI's JSON).

        Raises:
            AbiError: There is not exactly one.
        """
        found = [item for item in self.entries if item["type"] == kind and item.get("name") == name]
        if len(found) != 1:
            raise AbiError(f"{self.name} has {len(found)} {kind}s named {name}")
        return found[0]

    def constructor(self) -> Sequence[Entry]:
        """The constructor's parameters."""
        for item in self.entries:
            if item["type"] == "constructor":
                inputs: Sequence[Entry] = item["inputs"]
                return inputs
        return ()


@cache
def load_artifact(name: str) -> Artifact:
    """The compiled contract of a name, read from the package.

    Raises:
        AbiError: The package holds no such artifact.
    """
    file = resources.files("anh_rollup.l1") / "artifacts" / f"{name}.json"
    if not file.is_file():
        raise AbiError(f"there is no artifact of {name}")
    content = json.loads(file.read_text())
    return Artifact(name, tuple(content["abi"]), bytes.fromhex(content["bytecode"][2:]))


@lru_cache(maxsize=1)
def artifact_names() -> tuple[str, ...]:
    """The contracts that the package ships."""
    folder = resources.files("anh_rollup.l1") / "artifacts"
    if not folder.is_dir():
        return ()
    return tuple(
        sorted(file.name.removesuffix(".json") for file in folder.iterdir() if file.name.endswith(".json"))
    )


def type_names(parameters: Sequence[Entry]) -> list[str]:
    """The canonical types of parameters, tuples spelled out."""
    return [collapse_if_tuple(dict(item)) for item in parameters]


def signature_hash(entry: Entry) -> bytes:
    """The keccak of a function's, event's or error's signature."""
    return keccak256(f"{entry['name']}({','.join(type_names(entry['inputs']))})".encode())


def encode_arguments(parameters: Sequence[Entry], values: Sequence[Any]) -> bytes:
    """The ABI encoding of values; records, sequences and plain values alike.

    Raises:
        AbiError: A value does not fit its type.
    """
    if len(parameters) != len(values):
        raise AbiError(f"{len(values)} arguments for {len(parameters)} parameters")
    plain = [to_plain(parameter, value) for parameter, value in zip(parameters, values, strict=True)]
    try:
        return encode(type_names(parameters), plain)
    except (EncodingError, OverflowError) as error:
        raise AbiError(str(error)) from error


def decode_values(parameters: Sequence[Entry], encoded: bytes) -> tuple[Any, ...]:
    """Plain values of an encoding: ints, bytes, checksummed addresses, tuples.

    Raises:
        L1AnswerError: The bytes are no encoding of these types.
    """
    try:
        values = decode(type_names(parameters), encoded)
    except (DecodingError, UnicodeDecodeError, OverflowError) as error:
        raise L1AnswerError(f"values of {type_names(parameters)}", encoded.hex()) from error
    return tuple(_checksum(parameter, value) for parameter, value in zip(parameters, values, strict=True))


def to_plain(parameter: Entry, value: Any) -> Any:
    """A record as the tuple that its Solidity struct encodes from; everything else as it is."""
    kind = parameter["type"]
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return [to_plain(element, item) for item in value]
    if kind != "tuple":
        return int(value) if isinstance(value, IntEnum) else value
    components = parameter["components"]
    items = fields_of(components, value) if is_dataclass(value) else value
    return tuple(to_plain(part, item) for part, item in zip(components, items, strict=True))


def fields_of(parameters: Sequence[Entry], record: Any) -> tuple[Any, ...]:
    """The fields of a record in the order of the parameters that they are named like.

    Raises:
        AbiError: The record lacks one.
    """
    try:
        return tuple(getattr(record, field_name(each["name"])) for each in parameters)
    except AttributeError as error:
        raise AbiError(f"{type(record).__name__} lacks a component: {error}") from error


def to_record(cls: Any, parameters: Sequence[Entry], values: Sequence[Any]) -> Any:
    """A dataclass from decoded values, by the parameters' names; nested records by the fields' types.

    An address is 20 bytes in a field of type `Address`, checksummed text in any other.
    Fields that the parameters do not name must have defaults; values without a field are dropped.

    Raises:
        AbiError: A field without default has no value.
        L1AnswerError: A number stands for no member of the field's enumeration.
    """
    hints = _hints(cls)
    named = {
        field_name(parameter["name"]): (parameter, value)
        for parameter, value in zip(parameters, values, strict=True)
    }
    known = {field.name for field in fields(cls)}
    built = {name: _typed(hints[name], *pair) for name, pair in named.items() if name in known}
    try:
        return cls(**built)
    except TypeError as error:
        raise AbiError(f"{cls.__name__}: {error}") from error


def field_name(name: str) -> str:
    """The Python name of a Solidity name: snake case, without underscores around it, no keyword."""
    snake = re.sub(r"(?<=[a-z0-9])([A-Z])", r"_\1", name.strip("_")).lower()
    return snake + "_" if iskeyword(snake) else snake


@cache
def _hints(cls: Any) -> dict[str, Any]:
    return typing.get_type_hints(cls)


def _typed(hint: Any, parameter: Entry, value: Any) -> Any:
    """A decoded value in the type that a record's field asks for."""
    kind = parameter["type"]
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return tuple(_typed(typing.get_args(hint)[0], element, item) for item in value)
    if kind == "tuple":
        return to_record(hint, parameter["components"], value)
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return _member(hint, value)
    return to_canonical_address(value) if hint is Address else value


def _member(hint: type[IntEnum], value: Any) -> IntEnum:
    try:
        return hint(value)
    except ValueError as error:
        raise L1AnswerError(f"a {hint.__name__}", value) from error


def _checksum(parameter: Entry, value: Any) -> Any:
    """A decoded value with every address in it checksummed and every list a tuple."""
    kind = parameter["type"]
    if kind.endswith("]"):
        element = {**parameter, "type": kind[: kind.rindex("[")]}
        return tuple(_checksum(element, item) for item in value)
    if kind == "tuple":
        return tuple(_checksum(part, item) for part, item in zip(parameter["components"], value, strict=True))
    return to_checksum_address(value) if kind == "address" else value
