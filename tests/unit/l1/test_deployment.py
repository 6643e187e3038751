"""Rules, predicted addresses, and the deployment file."""

import json
from pathlib import Path

import pytest

from anh_rollup.l1.abi import Artifact, load_artifact
from anh_rollup.l1.deployment import (
    CONTRACTS,
    Deployment,
    DeploymentFileError,
    Rules,
    RulesError,
    create_address,
    creation_code,
    predict_addresses,
    read_deployment,
    write_deployment,
)
from anh_rollup.l1.types import Cursor

DEPLOYER = "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"


def example() -> Deployment:
    return Deployment(31337, 210614763, DEPLOYER, 5, bytes([1]) * 32, predict_addresses(DEPLOYER, 0), Rules())


def test_addresses_are_those_that_create_gives() -> None:
    assert create_address(DEPLOYER, 0) == "0x5FbDB2315678afecb367f032d93F642f64180aa3"
    assert create_address(DEPLOYER, 1) == "0xe7f1725E7734CE288F8367e1Bb143E90bb3F0512"
    assert list(predict_addresses(DEPLOYER, 4)) == list(CONTRACTS)


def test_the_file_gives_the_deployment_back(tmp_path: Path) -> None:
    path = tmp_path / "folder" / "deployment.json"
    write_deployment(example(), path)
    assert read_deployment(path) == example()
    assert example().start == Cursor(5, bytes([1]) * 32)


def test_a_missing_file_is_a_typed_error(tmp_path: Path) -> None:
    with pytest.raises(DeploymentFileError, match="No such file or directory"):
        read_deployment(tmp_path / "nothing.json")


@pytest.mark.parametrize("text", ["", "[]", "{}", "null", "{", '{"l1ChainId": "x"}'])
def test_a_file_that_is_no_deployment_is_a_typed_error(tmp_path: Path, text: str) -> None:
    path = tmp_path / "deployment.json"
    path.write_text(text)
    with pytest.raises(DeploymentFileError, match="it is malformed"):
        read_deployment(path)


def test_a_file_that_does_not_say_on_which_l1_it_is_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "deployment.json"
    write_deployment(example(), path)
    content = json.loads(path.read_text())
    del content["blockHash"]
    path.write_text(json.dumps(content))
    with pytest.raises(DeploymentFileError, match=r"it is malformed \(KeyError: 'blockHash'\)"):
        read_deployment(path)


@pytest.mark.parametrize("address", ["", "0x00", None, DEPLOYER.lower(), DEPLOYER[:-1]])
def test_an_address_without_its_checksum_is_refused(tmp_path: Path, address: str | None) -> None:
    path = tmp_path / "deployment.json"
    write_deployment(example(), path)
    content = json.loads(path.read_text())
    content["addresses"]["game"] = address
    path.write_text(json.dumps(content))
    with pytest.raises(DeploymentFileError, match="is not a checksummed address"):
        read_deployment(path)


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"window": -1}, "no rule is negative"),
        ({"clock": 0}, "clock, reveal_window and claim_bond are above 0"),
        ({"claim_bond": 0}, "clock, reveal_window and claim_bond are above 0"),
        ({"window": 3}, "window is at least 4"),
        ({"settlement": 1}, "settlement is at least window + 2 clock + reveal_window"),
        ({"prize_share_bps": 10_001}, "prize_share_bps is at most 10000"),
        ({"force_timeout": 1}, "force_timeout is at least force_delay"),
    ],
)
def test_rules_that_cannot_work_are_refused(changes: dict[str, int], reason: str) -> None:
    with pytest.raises(RulesError) as caught:
        Rules(**changes)
    assert caught.value.reason == reason


def test_a_constructor_gets_contracts_by_interface_and_rules_by_name() -> None:
    struct = [{"name": "claimBond", "type": "uint256"}, {"name": "window", "type": "uint64"}]
    inputs = [
        {"name": "fixed_", "type": "tuple", "components": struct, "internalType": "struct IThing.Rules"},
        {"name": "where", "type": "address", "internalType": "contract IGame"},
    ]
    artifact = Artifact("Thing", ({"type": "constructor", "inputs": inputs},), b"code")
    code = creation_code(artifact, {"claim_bond": 3, "window": 4, "game": DEPLOYER})
    address = bytes(12) + bytes.fromhex(DEPLOYER[2:])
    assert code == b"code" + (3).to_bytes(32, "big") + (4).to_bytes(32, "big") + address


def test_a_constructor_that_asks_for_something_unknown_is_refused() -> None:
    inputs = [{"name": "colour", "type": "uint8"}]
    with pytest.raises(RulesError, match="Thing asks for colour, which no rule gives"):
        creation_code(Artifact("Thing", ({"type": "constructor", "inputs": inputs},), b""), {})


@pytest.mark.parametrize("name", CONTRACTS.values())
def test_every_contract_fits_into_a_block_of_code(name: str) -> None:
    assert 0 < len(load_artifact(name).bytecode) <= 2 * 24_576
