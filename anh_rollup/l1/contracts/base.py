"""What all wrappers share: calls, requests and events by their Solidity names, records instead of tuples."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, TypeVar

from anh_rollup.l1.abi import (
    Artifact,
    Entry,
    decode_values,
    encode_arguments,
    fields_of,
    load_artifact,
    signature_hash,
    to_record,
)
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.l1.types import BlockId, Log, TransactionRequest
from anh_rollup.primitives import Wei
from anh_rollup.protocol.calls import ContractCall

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Emitted(Generic[T]):
    """An event and where it stands.

    Attributes:
        event: The event as a record.
        log: The log that it was read from: block, transaction, index.
    """

    event: T
    log: Log


class Contract:
    """A deployed contract.

    Args:
        client: The chain.
        address: Its checksummed address.
    """

    #: The artifact's name.
    NAME: ClassVar[str]

    #: The record of each event that is read, by the event's name.
    EVENTS: ClassVar[Mapping[str, type]] = {}

    def __init__(self, client: L1Client, address: str) -> None:
        self.client = client
        self.address = address

    @property
    def artifact(self) -> Artifact:
        """The compiled contract."""
        return load_artifact(self.NAME)

    def decode(self, log: Log) -> Emitted[Any] | None:
        """The event of a log; None for another contract's, and for events that nobody here reads."""
        if log.address != self.address or not log.topics:
            return None
        for name, record in self.EVENTS.items():
            entry = self.artifact.entry("event", name)
            if signature_hash(entry) == log.topics[0]:
                return Emitted(_event(record, entry, log), log)
        return None

    def calldata(self, function: str, *arguments: Any) -> bytes:
        """The calldata of a call; also what a seal is made of."""
        entry = self.artifact.entry("function", function)
        return signature_hash(entry)[:4] + encode_arguments(entry["inputs"], arguments)

    def request(self, function: str, *arguments: Any, value: Wei = Wei(0)) -> TransactionRequest:
        """A transaction that calls a function, for `TransactionSender.send`."""
        return TransactionRequest(self.address, self.calldata(function, *arguments), value)

    def request_for(self, call: ContractCall, *first: Any) -> TransactionRequest:
        """A transaction that makes a call.

        Args:
            call: The call; its fields go to the parameters that they are named like.
            first: Arguments of the parameters before those.

        Raises:
            AbiError: The call lacks a parameter, or a value does not fit its type.
        """
        parameters = self.artifact.entry("function", call.function)["inputs"][len(first) :]
        return self.request(call.function, *first, *fields_of(parameters, call))

    def read(self, function: str, *arguments: Any, at: BlockId = "latest") -> tuple[Any, ...]:
        """What a view returns, as plain values.

        Raises:
            L1RevertedError: The contract refuses.
            L1AnswerError: The answer does not have the function's types (no contract there, say).
        """
        output = self.client.call(
            TransactionRequest(self.address, self.calldata(function, *arguments)), at=at
        )
        return decode_values(self.artifact.entry("function", function)["outputs"], output)

    def read_record(self, record: type[T], function: str, *arguments: Any, at: BlockId = "latest") -> T:
        """What a view returns, as a record: its one struct, or its several named values."""
        outputs = self.artifact.entry("function", function)["outputs"]
        values = self.read(function, *arguments, at=at)
        if len(outputs) == 1 and outputs[0]["type"] == "tuple":
            outputs, values = outputs[0]["components"], values[0]
        built: T = to_record(record, outputs, values)
        return built


def _event(record: type, entry: Entry, log: Log) -> Any:
    """An event's record from its topics and data."""
    indexed = [item for item in entry["inputs"] if item["indexed"]]
    plain = [item for item in entry["inputs"] if not item["indexed"]]
    if len(log.topics) != len(indexed) + 1:
        raise L1AnswerError(f"the topics of {entry['name']}", len(log.topics))
    topics = [decode_values([item], topic)[0] for item, topic in zip(indexed, log.topics[1:], strict=True)]
    values = decode_values(plain, log.data)
    return to_record(record, [*indexed, *plain], [*topics, *values])
