"""docs/contracts-that-use-networks.md says what compiler and node say."""

import re
from pathlib import Path

import numpy as np
import pytest

from anh_rollup.encoding.artifacts import Model
from anh_rollup.protocol.publishing import published_form, publishing_steps
from anh_rollup.tensor.program import Program
from anh_rollup.world.prepared import prepare
from scripts import digits, lend, retrain_dao, tables
from scripts.build_contracts import ROOT, compile_sources, read_settings
from tests.doubles.networks import reading_gas

PAGE = (Path(ROOT) / "docs" / "contracts-that-use-networks.md").read_text()


def dense(table: tables.Table, hidden: int) -> Program:
    return tables.perceptron(table.features, hidden, table.classes)


NETWORKS = {
    "digits, two convolutions": digits.architecture(),
    "lending, two dense layers": dense(tables.records(), lend.HIDDEN),
    "wines, two dense layers": dense(tables.wines(), retrain_dao.HIDDEN),
}


def test_the_first_contract_compiles() -> None:
    (source,) = re.findall(r"```solidity\n(.*?)```", PAGE, re.S)
    settings = {**read_settings(ROOT / "foundry.toml"), "evmVersion": "cancun", "viaIR": False}
    output = compile_sources({"Reader.sol": source}, settings)["Reader.sol"]["Reader"]
    assert output["evm"]["bytecode"]["object"]


def largest_model(network: Program) -> Model:
    """A model of which no byte of an element is zero."""
    return Model([np.full(value.shape, 0x01010101, np.int32) for value in network.parameters])


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gas_of_a_network_is_what_the_node_charges(name: str) -> None:
    network = NETWORKS[name]
    sizes = [sum(value.size for value in group) for group in (network.fields, network.parameters)]
    reading = reading_gas(network) + reading_gas(largest_model(network))
    numbers = [*sizes, reading, prepare(network).gas]
    assert f"| {name} | " + " | ".join(f"{number:,}" for number in numbers) + " |" in PAGE


def test_every_example_has_its_row() -> None:
    rows = set(re.findall(r"\.\./contracts/examples/(\w+\.sol)", PAGE))
    assert rows == {path.name for path in (ROOT / "contracts" / "examples").glob("*.sol")}


def publishing_gas(artifact: Program | Model) -> int:
    kind, content = published_form(artifact)
    return sum(step.gas for step in publishing_steps(kind, artifact.root, content))


@pytest.mark.parametrize("name", NETWORKS)
def test_the_gas_of_a_publication_is_what_the_node_charges(name: str) -> None:
    """At most: no byte of an element is zero."""
    network = NETWORKS[name]
    model = largest_model(network)
    size = sum(len(published_form(each)[1]) for each in (network, model))
    gas = sum(publishing_gas(each) for each in (network, model))
    assert f"| {name} | {size:,} | {gas:,} |" in PAGE
