"""How a command reaches a rollup: files on this machine are read first, and their faults told first."""

from pathlib import Path

from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, load_deployment, read_deployment


def open_rollup(l1_url: str, deployment_path: Path) -> tuple[L1Client, Deployment]:
    """A connection to L1, and the deployment, checked against it.

    Raises:
        DeploymentFileError: The file is missing or malformed, or is about another rollup.
        AnhError: L1 does not answer, or is another chain.
    """
    read_deployment(deployment_path)
    client = L1Client.connect(l1_url)
    return client, load_deployment(deployment_path, client)
