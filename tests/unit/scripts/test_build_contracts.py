"""Contracts that cannot become artifacts are refused with what to do."""

from typing import Any

import pytest

from scripts.build_contracts import CONTRACTS, FOR_L2, UnshippableContractError, read_sources, render


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


def test_what_is_written_for_the_l2_is_not_shipped_for_l1() -> None:
    sources = read_sources(CONTRACTS)
    assert "contracts/Claims.sol" in sources
    assert [name for name in sources if name.startswith(FOR_L2)] == []
    assert all((CONTRACTS.parent / folder).is_dir() for folder in FOR_L2)
