"""The shipped bytecode of TensorArbiter in an EVM inside this process."""

import json
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

import pyrevm
from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector

from anh_rollup.encoding.tensors import Opening

ARTIFACT = Path(__file__).parents[2] / "anh_rollup" / "l1" / "artifacts" / "TensorArbiter.json"

_ADDRESS = "0x" + "a4" * 20
_CALLER = "0x" + "ca" * 20
_OPENING = "(uint32[],uint8,bytes,bytes32[])"

# The cap of one transaction (EIP-7825).
_GAS = 16_777_216

NOTHING = Opening((), 0, b"", ())


class ArbiterRevertedError(Exception):
    """A call that reverted.

    Attributes:
        error: Name of the Solidity error, "Panic", or "nothing" where no data came back.
        fields: Its arguments.
    """

    def __init__(self, error: str, fields: tuple[Any, ...]) -> None:
        super().__init__(f"{error}{fields}")
        self.error = error
        self.fields = fields


class Arbiter:
    """Calls TensorArbiter; a revert raises `ArbiterRevertedError`.

    Attributes:
        gas: What the latest call would cost as a transaction: 21,000, calldata and execution, or the floor
            of EIP-7623.
    """

    def __init__(self, fork: str = "SHANGHAI") -> None:
        artifact = json.loads(ARTIFACT.read_text())
        code = bytes.fromhex(artifact["deployedBytecode"].removeprefix("0x"))
        self._evm = pyrevm.EVM(spec_id=fork)
        self._evm.insert_account_info(_ADDRESS, pyrevm.AccountInfo(code=code))
        self._errors = _errors(artifact["abi"])
        self.gas = 0

    def element(self, record: bytes, index: int, inputs: Sequence[Opening]) -> tuple[int, list[bytes]]:
        value, roots = self._call(
            "element",
            (record, index, _tuples(inputs)),
            ("bytes", "uint256", f"{_OPENING}[]"),
            ("int32", "bytes32[]"),
        )
        return value, list(roots)

    def partial_sum(
        self, record: bytes, index: int, block: int, inputs: Sequence[Opening]
    ) -> tuple[int, list[bytes]]:
        value, roots = self._call(
            "partialSum",
            (record, index, block, _tuples(inputs)),
            ("bytes", "uint256", "uint256", f"{_OPENING}[]"),
            ("int64", "bytes32[]"),
        )
        return value, list(roots)

    def finish(
        self, record: bytes, index: int, partials: Sequence[int], inputs: Sequence[Opening]
    ) -> tuple[int, list[bytes]]:
        value, roots = self._call(
            "finish",
            (record, index, list(partials), _tuples(inputs)),
            ("bytes", "uint256", "int64[]", f"{_OPENING}[]"),
            ("int32", "bytes32[]"),
        )
        return value, list(roots)

    def opened(self, record: bytes, index: int, output: Opening) -> tuple[int, bytes]:
        value, root = self._call(
            "opened", (record, index, _tuple(output)), ("bytes", "uint256", _OPENING), ("int32", "bytes32")
        )
        return value, root

    def terms(self, record: bytes) -> int:
        (count,) = self._call("terms", (record,), ("bytes",), ("uint256",))
        return int(count)

    def blocks(self, record: bytes) -> int:
        (count,) = self._call("blocks", (record,), ("bytes",), ("uint256",))
        return int(count)

    def _call(
        self, name: str, arguments: tuple[Any, ...], takes: tuple[str, ...], gives: tuple[str, ...]
    ) -> tuple[Any, ...]:
        return decode(gives, self.call(_selector(f"{name}({','.join(takes)})") + encode(takes, arguments)))

    def call(self, data: bytes) -> bytes:
        """What the contract answers to these bytes."""
        try:
            answer = self._evm.message_call(_CALLER, _ADDRESS, calldata=data, gas=_GAS)
        except RuntimeError as error:
            raise self._reverted(str(error)) from None
        floor = 21_000 + 10 * (4 * len(data) - 3 * data.count(0))
        self.gas = max(self._evm.result.gas_used, floor)
        return bytes(answer)

    def _reverted(self, text: str) -> ArbiterRevertedError:
        digits = text.partition("output: 0x")[2].partition(" ")[0].rstrip("}")
        data = bytes.fromhex(digits)
        if data[:4] not in self._errors:
            return ArbiterRevertedError("nothing", (text,))
        name, types = self._errors[data[:4]]
        return ArbiterRevertedError(name, decode(types, data[4:]))


def _errors(abi: list[dict[str, Any]]) -> dict[bytes, tuple[str, list[str]]]:
    known = {_selector("Panic(uint256)"): ("Panic", ["uint256"])}
    for entry in abi:
        if entry["type"] == "error":
            types = [each["type"] for each in entry["inputs"]]
            known[_selector(f"{entry['name']}({','.join(types)})")] = (entry["name"], types)
    return known


@cache
def _selector(signature: str) -> bytes:
    return function_signature_to_4byte_selector(signature)


def _tuple(opening: Opening) -> tuple[Any, ...]:
    return (opening.chunks, opening.width, opening.data, opening.proof)


def _tuples(openings: Sequence[Opening]) -> list[tuple[Any, ...]]:
    return [_tuple(each) for each in openings]
