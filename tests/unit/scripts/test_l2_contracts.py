"""What the scripts for contracts on the L2 share, without a chain."""

import re
from collections.abc import Mapping
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest
from eth_abi.abi import encode
from hexbytes import HexBytes
from web3 import Web3
from web3.contract import Contract
from web3.exceptions import ContractCustomError, ContractLogicError

from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.l1.abi import signature_hash
from anh_rollup.protocol.publications import SELECTORS
from anh_rollup.protocol.publishing import published_form, publishing_steps
from anh_rollup.world.network_calls import ERRORS, INFER_SELECTOR, PUBLISHED_SELECTOR, TRAIN_SELECTOR
from anh_rollup.world.network_contract import MOST_TRAINING_SECONDS
from scripts import l2_contracts
from scripts.chains import ChainRefusedError
from scripts.l2_contracts import (
    SDK,
    L2RefusedError,
    NobodyTrainedError,
    NotRefusedError,
    await_training,
    compiled,
    emitted,
    publish,
    refusal,
    send,
)

#: Most bytes of a deployed contract (EIP-170); creation code is longer.
MOST_CODE = 24_576

POOL = Web3.to_checksum_address("0x" + "11" * 20)

EXAMPLES = ("Drawings", "Appraiser", "LendingPool", "ModelDao")


class Call:
    """A call that reverts with these bytes, or does not."""

    fn_name = "borrow"

    def __init__(self, data: bytes | None) -> None:
        self.data = data

    def call(self, transaction: Mapping[str, Any]) -> None:
        if self.data is not None:
            raise ContractCustomError("reverted", "0x" + self.data.hex())


def pool() -> Contract:
    return Web3().eth.contract(POOL, abi=compiled("LendingPool").abi)


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_examples_compile_and_can_be_deployed(name: str) -> None:
    built = compiled(name)
    assert 0 < len(bytes.fromhex(built.code)) < MOST_CODE
    assert {entry["type"] for entry in built.abi} >= {"function", "error", "event"}


def test_a_contract_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    first = compiled("Drawings")
    compiled.cache_clear()
    monkeypatch.setattr(l2_contracts, "compile_sources", None)
    assert compiled("Drawings") == first


def test_a_changed_contract_is_compiled_again(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    compiled.cache_clear()
    asked: list[object] = []
    output = {
        "contracts/examples/Drawings.sol": {"Drawings": {"abi": [], "evm": {"bytecode": {"object": "00"}}}}
    }
    monkeypatch.setattr(l2_contracts, "compile_sources", lambda *each: asked.append(each) or output)
    monkeypatch.setattr(l2_contracts, "read_settings", lambda _path: {"optimizer": str(tmp_path)})
    assert compiled("Drawings").code == "00"
    compiled.cache_clear()
    assert len(asked) == 1


def test_a_refusal_is_told_by_the_contracts_own_names() -> None:
    data = keccak256(b"ScoreTooLow(int256,int256)")[:4] + encode(["int256", "int256"], [-5, 4096])
    assert refusal(pool(), Call(data), "0x" + "11" * 20) == "ScoreTooLow(-5, 4096)"


def test_a_refusal_of_the_system_contract_is_told_by_its_names() -> None:
    data = keccak256(b"WrongInputCount(uint256,uint256)")[:4] + encode(["uint256", "uint256"], [29, 30])
    assert refusal(pool(), Call(data), "0x" + "11" * 20) == "WrongInputCount(29, 30)"


TOO_LOW = keccak256(b"ScoreTooLow(int256,int256)")[:4] + encode(["int256", "int256"], [-5, 4096])


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ContractCustomError("reverted", "0x" + TOO_LOW.hex()), "ScoreTooLow(-5, 4096)"),
        (ContractLogicError("execution reverted: too late", "0x08c379a0"), "execution reverted: too late"),
    ],
)
def test_what_a_contract_would_refuse_is_not_sent(error: ContractLogicError, reason: str) -> None:
    def refuse(_transaction: Mapping[str, Any]) -> int:
        raise error

    call = SimpleNamespace(contract_abi=pool().abi, estimate_gas=refuse)
    with pytest.raises(L2RefusedError) as caught:
        send(cast(Any, SimpleNamespace(address=POOL)), call)
    assert caught.value.reason == reason


def test_an_unknown_refusal_is_told_as_it_is() -> None:
    assert refusal(pool(), Call(b"\1\2\3\4"), "0x" + "11" * 20) == "an unknown error, 0x01020304"


def test_the_sdk_names_the_errors_of_the_node() -> None:
    entries = [each for each in compiled("IDNN", SDK).abi if each["type"] == "error"]
    assert {each["name"]: tuple(given["type"] for given in each["inputs"]) for each in entries} == ERRORS


def test_the_sdk_calls_the_functions_of_the_node() -> None:
    entries = [each for each in compiled("IDNN", SDK).abi if each["type"] == "function"]
    selectors = {signature_hash(each)[:4] for each in entries}
    assert selectors == {INFER_SELECTOR, TRAIN_SELECTOR, PUBLISHED_SELECTOR, *SELECTORS}


def test_the_sdk_knows_how_far_a_deadline_may_be() -> None:
    source = (l2_contracts.ROOT / SDK / "DNN.sol").read_text(encoding="utf-8")
    (seconds,) = re.findall(r"MOST_SECONDS = (\d+);", source)
    assert int(seconds) == MOST_TRAINING_SECONDS
    assert l2_contracts.TRAINING_SECONDS < MOST_TRAINING_SECONDS


def receipt(*names: str) -> Any:
    """A receipt with an event of the pool of each name, and one of another contract."""
    events: Any = pool().events
    topics = [HexBytes(events[name]().topic) for name in names]
    addresses = [POOL] * len(names) + ["0x" + "22" * 20]
    logs = [
        {
            "address": address,
            "topics": [topic, HexBytes(bytes(32))],
            "data": HexBytes(encode(["uint256"] * 2, [5, 6])),
        }
        for address, topic in zip(addresses, [*topics, HexBytes(bytes(32))], strict=True)
    ]
    place = {"logIndex": 0, "transactionIndex": 0, "blockNumber": 0, "blockHash": HexBytes(bytes(32))}
    sent = {"transactionHash": HexBytes(b"\1" * 32)}
    return {**sent, "logs": [{**log, **place, **sent} for log in logs]}


def test_an_event_is_found_among_others() -> None:
    found = emitted(pool(), "Deposited", receipt("Deposited", "Withdrawn"))
    assert dict(found) == {"lender": "0x" + "00" * 20, "amount": 5, "shares": 6}


@pytest.mark.parametrize("names", [[], ["Deposited", "Deposited"]])
def test_an_event_that_is_not_there_once_is_told(names: list[str]) -> None:
    with pytest.raises(ChainRefusedError) as refused:
        emitted(pool(), "Deposited", receipt(*names))
    assert refused.value.reason == f"{len(names)} events Deposited in 0x" + "01" * 32


def test_a_training_that_somebody_does_is_told_by_the_contract(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(l2_contracts, "wait", lambda _rollup, sent: {"0x5": receipt("Deposited")}[sent])
    found = await_training(Any, "0x5", pool(), "Deposited")
    assert (found["amount"], found["shares"]) == (5, 6)


def test_a_training_that_nobody_does_ends_a_script(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_rollup: Any, sent: str) -> Any:
        raise ChainRefusedError(f"transaction {sent} failed")

    for wait in (fail, lambda _rollup, _sent: receipt("Withdrawn")):
        monkeypatch.setattr(l2_contracts, "wait", wait)
        with pytest.raises(NobodyTrainedError) as refused:
            await_training(Any, "0x5", pool(), "Deposited")
        assert refused.value.transaction == "0x5"


#: More than one transaction has room for.
MODEL = Model([np.arange(1, 100_000, dtype=np.int32)])


@pytest.mark.parametrize("known", [0, 1])
def test_what_is_published_is_not_sent_again(monkeypatch: pytest.MonkeyPatch, known: int) -> None:
    """A model that is published from other parts has its root in the order, and none of these parts."""
    kind, content = published_form(MODEL)
    steps = publishing_steps(kind, MODEL.root, content)
    published = [{}, {"0x" + MODEL.root.hex(): {"kind": "model"}}][known]
    sent: list[bytes] = []
    monkeypatch.setattr(l2_contracts, "ask", lambda _l2, _method, digest: published.get(digest))
    monkeypatch.setattr(l2_contracts, "_paid_by", lambda _rollup: {})
    monkeypatch.setattr(l2_contracts, "_send", lambda _rollup, fields: sent.append(fields["data"]))
    monkeypatch.setattr(l2_contracts, "wait", lambda *_sent: None)
    told: list[str] = []
    publish(cast(Any, SimpleNamespace(l2=None)), MODEL, told.append)
    assert sent == [[each.calldata for each in steps], []][known]
    assert len(steps) > 1
    assert told == [f"published  model 0x{MODEL.root.hex()} of {len(content):,} bytes"]


def test_a_call_that_works_is_no_refusal() -> None:
    with pytest.raises(NotRefusedError) as refused:
        refusal(pool(), Call(None), "0x" + "11" * 20)
    assert refused.value.function == "borrow"
