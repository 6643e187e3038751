"""How a command reaches a rollup: files on this machine are read first, and their faults told first."""

from pathlib import Path

from anh_rollup.client.l2 import Followed, L2Client
from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, load_deployment, read_deployment
from anh_rollup.l1.endpoint import host_of


class OtherRollupError(AnhError):
    """An L2 is not the one of the deployment file: what is deposited by the file does not reach it.

    Attributes:
        host: The L2's host and port.
        what: What differs, as a phrase.
        expected: That of the file.
        found: That of the L2.
    """

    def __init__(self, host: str, what: str, expected: str, found: str) -> None:
        super().__init__(
            f"the L2 at {host} follows {what} {found[:80]}, the deployment file is about {expected}",
            remedy="Check --l1, --l2 and --deployment: they belong together.",
        )
        self.host, self.what, self.expected, self.found = host, what, expected, found


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
    require_followed(l2_url, deployment, client.followed())
    return client


def require_followed(l2_url: str, deployment: Deployment, found: Followed) -> None:
    """Checks that an L2 follows a deployment, before anything is paid into its Inbox.

    Raises:
        OtherRollupError: It follows another one: at another address, or at the same one of another L1.
    """
    inbox = deployment.addresses["inbox"]
    if found.inbox.lower() != inbox.lower():
        raise OtherRollupError(host_of(l2_url), "the Inbox", inbox, found.inbox)
    if found.parent != deployment.block_hash:
        what = "an Inbox deployed after the L1 block"
        raise OtherRollupError(
            host_of(l2_url), what, "0x" + deployment.block_hash.hex(), "0x" + found.parent.hex()
        )
