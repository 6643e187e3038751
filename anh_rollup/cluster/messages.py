"""What a role and its bridge to a cluster tell one another, over a pipe that nobody else has."""

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Shared:
    """Stands for what was shared, among the arguments of a task.

    Attributes:
        name: Its name; no other has it, in any process.
    """

    name: str


# --- to the bridge ---


@dataclass(frozen=True, slots=True)
class Share:
    """Puts something where every node can read it."""

    shared: Shared
    value: Any


@dataclass(frozen=True, slots=True)
class Release:
    """Forgets what was shared."""

    shared: Shared


@dataclass(frozen=True, slots=True)
class Submit:
    """Has a node call a function.

    Attributes:
        number: Names the task; no other of this bridge has it.
        work: The function, as `module:name`: nodes import it from their own package.
        arguments: For it; `Shared` stands for what was shared.
    """

    number: int
    work: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Cancel:
    """Gives up a task: it ends without an answer that anybody waits for."""

    number: int


@dataclass(frozen=True, slots=True)
class Stop:
    """Leaves the cluster, and ends."""


# --- from the bridge ---


@dataclass(frozen=True, slots=True)
class News:
    """Something that has changed about the nodes.

    Attributes:
        sentence: What.
        is_trouble: Whether somebody should look after it.
    """

    sentence: str
    is_trouble: bool


@dataclass(frozen=True, slots=True)
class Nodes:
    """The cluster as it is now, told at the start and again and again.

    Attributes:
        count: Nodes that work for us.
        cores: Their cores together.
        news: What has changed since the last time.
    """

    count: int
    cores: int
    news: tuple[News, ...] = ()


@dataclass(frozen=True, slots=True)
class Unusable:
    """There is no cluster to work with; the bridge ends."""

    reason: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a task returned."""

    number: int
    value: Any


@dataclass(frozen=True, slots=True)
class Failed:
    """A task raised an error, or every node that had it was lost."""

    number: int
    reason: str
