"""What goes wrong with a cluster, and with what it was given to do."""

from anh_rollup.errors import AnhError


class ClusterError(AnhError):
    """Something about a cluster of other machines."""


class ClusterUnreachableError(ClusterError):
    """No cluster answers at an address, or none that works with this machine.

    Attributes:
        address: Where it was looked for.
        reason: What is known of the cause.
    """

    def __init__(self, address: str, reason: str) -> None:
        super().__init__(
            f"the Ray cluster at {address} cannot be used: {reason}",
            remedy="Start it with `ray start --head`, give its address with --ray-address, "
            "and have the same versions of Python, ray and anh_rollup on all of its nodes.",
        )
        self.address = address
        self.reason = reason


class ClusterLostError(ClusterError):
    """The connection to a cluster is lost: what it had has to be done elsewhere."""

    def __init__(self) -> None:
        super().__init__("the Ray cluster is lost", remedy="Do it here; the cluster is tried again.")


class ClusterClosedError(ClusterError):
    """Work was given to a cluster, or waited for, when this process was ending."""

    def __init__(self) -> None:
        super().__init__("the work is given up: this process ends", remedy="Start it again.")


class TaskFailedError(ClusterError):
    """A task ended with an error on a node, or with every node that it was given to.

    Attributes:
        task: What it was.
        reason: The error, or how its nodes ended.
    """

    def __init__(self, task: str, reason: str) -> None:
        super().__init__(
            f"the task {task} failed on the Ray cluster: {reason}",
            remedy="Nothing now: it is done here. If that goes on, look at that node.",
        )
        self.task = task
        self.reason = reason


class TaskRefusedError(ClusterError):
    """A task, or what it needs, cannot be given to a node.

    Attributes:
        reason: Why.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(
            f"the Ray cluster does not take the task: {reason}", remedy="Do it here, or share less at a time."
        )
        self.reason = reason
