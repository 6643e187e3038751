"""Contracts that cannot become artifacts are refused with what to do."""

from typing import Any

import pytest

from scripts.build_contracts import UnshippableContractError, render


def output(**links: object) -> dict[str, Any]:
    """What the compiler says of a contract without members."""
    code = {"object": "00", "linkReferences": links}
    return {
        "abi": [],
        "evm": {"bytecode": code, "deployedBytecode": code},
        "storageLayout": {"storage": [], "types": {}},
    }


@pytest.mark.parametrize(
    ("contracts", "message", "remedy"),
    [
        (
            {"contracts/A.sol": {"A": output(library={})}},
            "contracts/A.sol: A calls an external library",
            "Make the library's functions internal.",
        ),
        (
            {"contracts/A.sol": {"A": output()}, "contracts/arbiters/A.sol": {"A": output()}},
            "contracts/arbiters/A.sol: another contract is named A too",
            "Rename one of the two.",
        ),
    ],
)
def test_a_contract_without_an_artifact_is_refused(
    contracts: dict[str, Any], message: str, remedy: str
) -> None:
    with pytest.raises(UnshippableContractError) as refused:
        render(contracts)

    assert (refused.value.message, refused.value.remedy) == (message, remedy)
