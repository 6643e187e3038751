"""How a command reaches a rollup: files on this machine are read first, and their faults told first."""

from pathlib import Path

from anh_rollup.cli.l2 import L2Client
from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, load_deployment, read_deployment
from anh_rollup.l1.endpoint import host_of


class OtherRollupError(AnhError):
    """An L2 is not the one of the deployment file: what is deposited by the file does not reach it.

    Attributes:
        host: The L2's host and port.
        expected: The Inbox of the file.
        found: The Inbox that the L2 follows.
    """

    def __init__(self, host: str, expected: str, found: str) -> None:
        super().__init__(
            f"the L2 at {host} follows the Inbox {found[:80]}, the deployment file is about {expected}",
            remedy="Check --l1, --l2 and --deployment: they belong together.",
        )
        self.host, self.expected, self.found = host, expected, found


def open_rollup(l1_url: str, deployment_path: Path) -> tuple[L1Client, Deployment]:
    """A connection to L1, and the deployment, checked against it.

    Raises:
        DeploymentFileError: The file is missing or malformed, or is about another rollup.
        AnhError: L1 does not answer, or is another chain.
    """
    read_deployment(deployment_path)
    client = L1Client.connect(l1_url)
    return client, load_deployment(deployment_path, client)


def open_l2(l2_url: str, deployment: Deployment) -> L2Client:
    """A connection to the L2 of a deployment.

    Raises:
        OtherRollupError: The endpoint serves another rollup.
        AnhError: The L2 does not answer.
    """
    client = L2Client(l2_url)
    require_inbox(l2_url, deployment, client.inbox())
    return client


def require_inbox(l2_url: str, deployment: Deployment, found: str) -> None:
    """Checks that the Inbox that an L2 follows is the deployment's, before anything is paid into it.

    Raises:
        OtherRollupError: It is another one.
    """
    expected = deployment.addresses["inbox"]
    if found.lower() != expected.lower():
        raise OtherRollupError(host_of(l2_url), expected, found)
