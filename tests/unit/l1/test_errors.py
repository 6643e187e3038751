"""A role goes on after what a node or a stranger can cause, and after nothing else."""

import importlib
import pkgutil

import anh_rollup.l1 as package
from anh_rollup.l1.errors import L1Error, L1RevertedError, TransientL1Error, is_unsealed

TRANSIENT = {
    "BlobsUnavailableError",
    "FeeCapError",
    "GasCapError",
    "InsufficientFundsError",
    "L1AnswerError",
    "L1RejectedError",
    "L1RevertedError",
    "L1UnreachableError",
    "LaggingNodeError",
    "ReorgDetectedError",
    "SideProcessError",
    "StaleViewError",
    "TransactionPendingError",
}

LASTING = {
    "AbiError",
    "BlobMalformedError",
    "DeploymentExistsError",
    "DeploymentFileError",
    "EndpointUrlError",
    "NoContractError",
    "OtherL1Error",
    "RulesError",
    "UnexpectedAddressError",
    "WrongChainError",
}


def kinds(root: type[L1Error]) -> set[type[L1Error]]:
    """All errors of the package below one."""
    found = {below for each in root.__subclasses__() for below in {each, *kinds(each)}}
    return {each for each in found if each.__module__.startswith(package.__name__)}


def test_every_error_is_one_that_passes_or_one_that_stops_a_role() -> None:
    for module in pkgutil.walk_packages(package.__path__, package.__name__ + "."):
        importlib.import_module(module.name)

    transient = kinds(TransientL1Error)
    lasting = kinds(L1Error) - transient - {TransientL1Error}
    assert ({each.__name__ for each in transient}, {each.__name__ for each in lasting}) == (
        TRANSIENT,
        LASTING,
    )


def test_only_a_missing_seal_is_told_apart() -> None:
    assert is_unsealed(L1RevertedError("NotSealed", (b"seal",)))
    assert not is_unsealed(L1RevertedError("NotFinal"))
    assert not is_unsealed(ValueError("NotSealed"))
