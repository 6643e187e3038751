"""The nodes of a cluster: which may work for us, and what each of them has to do. Imports no ray."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from anh_rollup.cluster.identity import Identity
from anh_rollup.cluster.messages import News


@dataclass(frozen=True, slots=True)
class Seen:
    """A node that is there.

    Attributes:
        name: Its identifier.
        place: Its address, for people.
        cores: Tasks that it runs at a time.
    """

    name: str
    place: str
    cores: int


@dataclass(slots=True)
class _Node:
    """A node, and how many tasks it has."""

    seen: Seen
    tasks: int = 0
    is_asked: bool = True
    works: bool = False


@dataclass(slots=True)
class NodeList:
    """The nodes of a cluster. A node works for us once it has shown that it runs the same code.

    Attributes:
        own: What this process runs.
        news: What has changed since it was last told.
    """

    own: Identity
    news: list[News] = field(default_factory=list)
    _nodes: dict[str, _Node] = field(default_factory=dict)

    @property
    def count(self) -> int:
        """Nodes that work."""
        return len(self._working())

    @property
    def cores(self) -> int:
        """Their cores together."""
        return sum(each.seen.cores for each in self._working())

    @property
    def is_settled(self) -> bool:
        """Whether there are nodes, and all of them have said what they run."""
        return bool(self._nodes) and not any(each.is_asked for each in self._nodes.values())

    def look(self, there: Iterable[Seen]) -> list[Seen]:
        """Takes in which nodes are there now; gives those that are new and have to be asked."""
        seen = {each.name: each for each in there if each.cores}
        for name in self._nodes.keys() - seen.keys():
            lost = self._nodes.pop(name)
            if lost.works:
                self.news.append(News(f"node {lost.seen.place} is lost; what it had is done elsewhere", True))
        new = [each for each in seen.values() if each.name not in self._nodes]
        self._nodes.update({each.name: _Node(each) for each in new})
        return new

    def answered(self, name: str, found: Identity | str) -> None:
        """Takes in what a node runs, or why it could not tell."""
        node = self._nodes.get(name)
        if node is None:
            return
        node.is_asked, node.works = False, found == self.own
        if node.works:
            self.news.append(News(f"node {node.seen.place} works with {node.seen.cores} core(s)", False))
        else:
            said = f"it runs {found}" if isinstance(found, Identity) else found
            self.news.append(News(f"node {node.seen.place} is refused: {said}, here is {self.own}", True))

    def begin(self, but: Iterable[str] = ()) -> str | None:
        """The node that is to do a task next: the one with the least to do for its cores; None without any.

        Args:
            but: Nodes that have had the task already.
        """
        found = [each for each in self._working() if each.seen.name not in but]
        if not found:
            return None
        node = min(found, key=lambda each: each.tasks / each.seen.cores)
        node.tasks += 1
        return node.seen.name

    def end(self, name: str) -> None:
        """Takes in that a task of a node has ended."""
        if name in self._nodes:
            self._nodes[name].tasks -= 1

    def place(self, name: str) -> str:
        """A node's address, for people."""
        return self._nodes[name].seen.place if name in self._nodes else "that is lost"

    def _working(self) -> list[_Node]:
        return [each for each in self._nodes.values() if each.works]
