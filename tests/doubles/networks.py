"""A contract that uses networks, on a world that has their artifacts."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from eth_abi import decode, encode

from anh_rollup.encoding.artifacts import Model
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.evaluation.reference import ReferenceEvaluator
from anh_rollup.evaluation.sources import Sources
from anh_rollup.primitives import Address, Gas, Seconds, Wei
from anh_rollup.protocol.called import Cell, called_job
from anh_rollup.protocol.jobs import DNN_ADDRESS, PROPERTY_TYPE, Job, Property
from anh_rollup.protocol.ledger import DNN
from anh_rollup.protocol.publications import Publication, assembly_gas, encode_publication, measured, whole
from anh_rollup.protocol.publishing import published_form
from anh_rollup.tensor.program import Program
from anh_rollup.world.engine import Outcome, Run
from anh_rollup.world.inference import Inference
from anh_rollup.world.world import World
from tests.differential.compiled import contracts
from tests.doubles import small_program as small
from tests.doubles.ordering import ALICE, GENESIS_TIME, MALLORY, Wallet, empty_ledger
from tests.doubles.worlds import GENESIS, Orders

PROGRAM = small.small_program()
MODEL = Model(small.random_parameters(PROGRAM, 1))
INFER = ("bytes32", "bytes32", "int32[]")
TRAIN = ("bytes32", f"{PROPERTY_TYPE}[]", "uint64", "string")
ARGUMENTS = {
    "ask": INFER,
    "infer": INFER,
    "learn": TRAIN,
    "learnTwice": TRAIN,
    "learnAndAsk": (*TRAIN, "int32[]"),
    "raw": ("bytes",),
    "published": ("bytes32",),
    "refused": INFER,
    "train": TRAIN,
}
PROPERTY = Property(b"\2" * 32, b"\3" * 32, 10)
DEADLINE = Seconds(GENESIS_TIME + 60)
"""Later than the blocks of short orders, which are a second apart."""
CLAIMANT = Address(b"\xac" * 20)
GAS = 5_000_000


def calldata(function: str, *arguments: Any) -> bytes:
    """A call of the contract, or of the DNN address."""
    types = ARGUMENTS.get(function, ())
    head = keccak256(f"{function}({','.join(types)})".encode())[:4]
    return head + encode(types, arguments)


def sample(seed: int) -> tuple[list[int], list[int]]:
    """The elements of one sample's fields, and what the reference answers to them."""
    fields = small.random_fields(PROGRAM, 1, seed)
    answer = ReferenceEvaluator().evaluate(PROGRAM, Sources(fields, (), MODEL.parameters))
    return [int(each) for field in fields for each in field.reshape(-1)], answer.reshape(-1).tolist()


def wanted(uri: str = "", deadline: int = DEADLINE) -> tuple[bytes, list[tuple[bytes, bytes, int]], int, str]:
    """The arguments of a training."""
    return PROGRAM.root, [(PROPERTY.program, PROPERTY.dataset, PROPERTY.threshold)], deadline, uri


def job(uri: str = "") -> Job:
    """The job that such a training asks for."""
    return called_job(PROGRAM.root, [PROPERTY], DEADLINE, uri)


def cell(model: bytes = MODEL.root, score: int = 12) -> Cell:
    """What a claim about it says."""
    return Cell(model, (score,), CLAIMANT)


def published(artifact: Program | Model) -> Publication:
    """What publishes a program or model whole."""
    kind, content = published_form(artifact)
    return whole(kind, artifact.root, content)


def reading_gas(artifact: Program | Model) -> int:
    """What its publication took to be looked at."""
    publication = published(artifact)
    assert publication.assembly is not None
    assert publication.part is not None
    gas = assembly_gas(publication.assembly, measured(publication.part.content))
    assert gas is not None
    return gas


class Networks:
    """Orders over a deployed customer, and a world that executes them.

    Args:
        folder: Where the world is.
        orders: What is ordered; a new order with the customer where none is given.
        ready: Whether program and model are published in the block of the customer.
    """

    def __init__(self, folder: Path, orders: Orders | None = None, *, ready: bool = True) -> None:
        self.orders = orders or Orders().fund()
        if orders is None:
            code = bytes.fromhex(contracts("Networks.sol")["Customer"]["code"])
            self.orders.add(ALICE, to=None, data=code, gas=GAS)
            for each in (PROGRAM, MODEL) if ready else ():
                self.order(published(each))
            self.orders.seal()
        inference = Inference(ReferenceEvaluator)
        self.world = World(folder / "world.sqlite3", GENESIS, empty_ledger().rules, inference=inference)
        self.append()
        receipt = self.world.receipt(2, 0)
        assert receipt is not None
        assert receipt.created is not None
        self.customer = receipt.created

    @property
    def time(self) -> Seconds:
        """Of the last block."""
        return self.orders.blocks[-1][0].header.time

    def append(self) -> None:
        """Gives the world what is ordered since."""
        for block, origins in self.orders.blocks[self.world.head :]:
            self.world.append(block, origins)

    def send(self, function: str, *arguments: Any, wallet: Wallet = ALICE, **fields: Any) -> tuple[int, int]:
        """A transaction in a block of its own; its block and index."""
        data = calldata(function, *arguments)
        named = {"to": "0x" + self.customer.hex(), "data": data, "gas": GAS, **fields}
        self.orders.add(wallet, **named)
        block = self.orders.seal()
        self.append()
        return block.number, 0

    def order(self, publication: Publication, **fields: Any) -> int:
        """A transaction in the next block that publishes; its index there."""
        named = {"to": DNN_ADDRESS, "data": encode_publication(publication), "gas": GAS, **fields}
        return self.orders.add(MALLORY, **named)

    def publish(self, *publications: Publication, **fields: Any) -> int:
        """Transactions in a block of their own that publish; the block's height."""
        for each in publications:
            self.order(each, **fields)
        block = self.orders.seal()
        self.append()
        return block.number

    def run(self, to: Address, data: bytes, value: int = 0, gas: int = GAS) -> Outcome:
        """A call behind the last block."""
        run = Run(ALICE.address, 0, to, Wei(value), data, Gas(gas), Wei(0))
        return self.world.call(run, self.world.behind(self.world.head))

    def view(self, name: str, kind: str, *arguments: Any) -> Any:
        """What a view of the customer returns."""
        outcome = self.run(self.customer, calldata(name, *arguments))
        assert outcome.succeeded, outcome
        return decode([kind], outcome.output)[0]

    def infer(self, x: Sequence[int], model: bytes = MODEL.root, **fields: Any) -> Outcome:
        """A call of `infer` by an account."""
        return self.run(DNN, calldata("infer", PROGRAM.root, model, list(x)), **fields)


def error(name: str, types: str = "", *values: Any) -> bytes:
    """What a Solidity error looks like."""
    return keccak256(f"{name}({types})".encode())[:4] + encode(types.split(",") if types else [], values)


def other_model() -> Model:
    """A model with a tensor less."""
    return Model(tuple(np.asarray(each) for each in MODEL.parameters[:-1]))


def reshaped_model() -> Model:
    """A model of as many bytes, with two axes of a tensor swapped."""
    first, *others = MODEL.parameters
    return Model((np.swapaxes(first, 0, 3), *others))
