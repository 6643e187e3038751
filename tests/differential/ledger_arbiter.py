"""The shipped bytecode of LedgerArbiter and TransactionArbiter in an EVM inside this process."""

import json
from functools import cache
from pathlib import Path
from typing import Any

import pyrevm
from eth_abi.abi import decode, encode
from eth_utils.abi import function_signature_to_4byte_selector

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import L2_CHAIN_ID, BatchNumber
from anh_rollup.protocol.machine.fields import Machine
from anh_rollup.protocol.machine.witnesses import Witness
from scripts.build_contracts import ROOT, compile_sources, read_settings
from scripts.generate_vectors.ledger_history import SEQUENCER, History
from scripts.generate_vectors.ledger_machine import MACHINE_TYPE, WITNESS_TYPE, _plain

ARTIFACTS = ROOT / "anh_rollup" / "l1" / "artifacts"
ANSWERS = Path(__file__).with_name("contracts") / "Answers.sol"

TRANSACTION_TYPE = (
    "(address,uint256,uint256,uint256,uint256,bool,address,uint256,uint256,uint256,bool,uint256,uint256)"
)

#: The cap of one transaction (EIP-7825).
MOST_GAS = 16_777_216

_CALLER = "0x" + "ca" * 20
_PLENTY = 10**10


class StepRevertedError(Exception):
    """A call that reverted; its text says with what."""


class Contracts:
    """Deploys both arbiters beside an Inbox that answers what a history says.

    Attributes:
        gas: What the latest call took, calldata included.
    """

    def __init__(self, most_gas: int = MOST_GAS) -> None:
        self._evm = pyrevm.EVM(spec_id="CANCUN", gas_limit=_PLENTY)
        self._most_gas = most_gas
        self._inbox = self._evm.deploy(_CALLER, _compiled_answers(), gas=_PLENTY)
        self._tell(
            "rules()",
            b"",
            encode(["uint256", "address"] + ["uint256"] * 4, [L2_CHAIN_ID, SEQUENCER] + [0] * 4),
        )
        self.transactions = self._deploy("TransactionArbiter", b"")
        arguments = encode(["address", "address"], [self._inbox, self.transactions])
        self.ledger = self._deploy("LedgerArbiter", arguments)
        self.gas = 0

    def decode(self, record: bytes, chain_id: int = L2_CHAIN_ID) -> tuple[Any, ...] | None:
        """What TransactionArbiter reads out of a record; None where it is not sound."""
        data = selector("decode(bytes,uint256)") + encode(["bytes", "uint256"], [record, chain_id])
        sound, transaction = decode(["bool", TRANSACTION_TYPE], self._call(self.transactions, data))
        return transaction if sound else None

    def step(self, machine: Machine, last: int, witness: Witness, history: History) -> bytes:
        """abi.encode of the machine after a step, with an Inbox that holds a history."""
        self._hold(machine, history)
        types = [MACHINE_TYPE, "uint64", WITNESS_TYPE]
        data = selector(f"step({','.join(types)})") + encode(types, [_plain(machine), last, _plain(witness)])
        return self._call(self.ledger, data)

    def _hold(self, machine: Machine, history: History) -> None:
        """What the Inbox says of all that a step may ask."""
        for number in (machine.batch, machine.batch + 1):
            known = 1 <= number <= len(history.postings)
            posting = history.posting(BatchNumber(number)) if known else None
            commitment = bytes(32) if posting is None else posting.header.commitment()
            stamp = (0, 0) if posting is None else (posting.block_number, posting.block_time)
            self._tell("commitments(uint64)", _word(number), commitment)
            self._tell("posted(uint64)", _word(number), _word(stamp[0]) + _word(stamp[1]))
        notice = history.notice(machine.notices)
        self._tell("notices(uint64)", _word(machine.notices), bytes(32) if notice is None else notice.digest)
        entry = history.queue[machine.forced : machine.forced + 1]
        digest = keccak256(entry[0]) if entry else bytes(32)
        self._tell("entry(uint64)", _word(machine.forced), digest + _word(0))

    def _tell(self, signature: str, arguments: bytes, answer: bytes) -> None:
        call = selector(signature) + arguments
        data = selector("tell(bytes,bytes)") + encode(["bytes", "bytes"], [call, answer])
        self._evm.message_call(_CALLER, self._inbox, calldata=data, gas=_PLENTY)

    def _deploy(self, name: str, arguments: bytes) -> str:
        code = bytes.fromhex(json.loads((ARTIFACTS / f"{name}.json").read_text())["bytecode"][2:])
        return str(self._evm.deploy(_CALLER, code + arguments, gas=_PLENTY))

    def _call(self, to: str, data: bytes) -> bytes:
        try:
            answer = self._evm.message_call(_CALLER, to, calldata=data, gas=self._most_gas)
        except RuntimeError as error:
            raise StepRevertedError(str(error)) from None
        self.gas = self._evm.result.gas_used
        return bytes(answer)


@cache
def _compiled_answers() -> bytes:
    settings = {**read_settings(ROOT / "foundry.toml"), "viaIR": False}
    output = compile_sources({ANSWERS.name: ANSWERS.read_text()}, settings)[ANSWERS.name]
    return bytes.fromhex(output["Answers"]["evm"]["bytecode"]["object"])


@cache
def selector(signature: str) -> bytes:
    """The first four bytes of a call or an error."""
    return function_signature_to_4byte_selector(signature)


def _word(value: int) -> bytes:
    return value.to_bytes(32, "big")
