"""A follower without a network: an L1 in memory, a sequencer next door, a world that only remembers."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from anh_rollup.follower.chain import FollowerChain
from anh_rollup.follower.errors import SequencerUnreachableError
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.sequencer_client import SequencerClient
from anh_rollup.follower.service import Follower, Parts
from anh_rollup.follower.signed_blocks import Signatures
from anh_rollup.l1.types import Block
from anh_rollup.protocol.called import Cell
from anh_rollup.protocol.derivation import L2Block
from anh_rollup.protocol.ledger import Origin
from anh_rollup.rpc.dispatch import Limits, answer
from tests.doubles.ordering import Clock, FakeL1, NodeDouble


@dataclass
class WorldDouble:
    """Keeps what it is given; `told` are the calls that changed it."""

    given: list[tuple[L2Block, tuple[Origin, ...]]] = field(default_factory=list)
    told: list[tuple[str, int]] = field(default_factory=list)
    final: int = 0
    closed: bool = False
    cells: dict[bytes, Cell] = field(default_factory=dict)

    @property
    def head(self) -> int:
        return len(self.given)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        yield

    def append(self, block: L2Block, origins: Sequence[Origin]) -> None:
        assert block.number == self.head + 1
        self.given.append((block, tuple(origins)))
        self.told.append(("append", block.number))

    def truncate(self, number: int) -> None:
        assert 1 <= number <= self.head
        del self.given[number - 1 :]
        self.told.append(("truncate", number))

    def learn(self, cells: Mapping[bytes, Cell]) -> None:
        self.cells = dict(cells)

    def finalize(self, number: int) -> None:
        assert number <= self.head
        self.final = number

    def close(self) -> None:
        self.closed = True

    @property
    def blocks(self) -> list[L2Block]:
        return [block for block, _ in self.given]


class NeighbourClient(SequencerClient):
    """Asks a sequencer in this process; `instead` are answers that it gives before its own."""

    def __init__(self, node: NodeDouble) -> None:
        super().__init__("http://sequencer:8560")
        self.node = node
        self.away = False
        self.instead: list[Any] = []

    def _ask(self, body: object) -> Any:
        if self.away:
            raise SequencerUnreachableError(self.host, "ClientConnectorError")
        if self.instead:
            return self.instead.pop(0)
        answered = answer(self.node, orjson.dumps(body), Limits())
        assert answered is not None
        return orjson.loads(answered)


@dataclass
class FinalityDouble:
    """Stands in for an `L1Client`, of which a follower asks for the finalized block only."""

    final: int = 0

    def block(self, which: str) -> Block | None:
        assert which == "finalized"
        return Block(self.final, b"", b"", 0, 0, 0, None, None)


def chain_of(l1: FakeL1, folder: Path, world: WorldDouble, node: NodeDouble) -> FollowerChain:
    """A follower's chain with the memory of a folder, as after a (re)start."""
    memory = FollowerMemory(folder / "follower.sqlite3")
    chain = FollowerChain(l1, world, memory, Signatures(node.deployment), Clock())  # type: ignore[arg-type]
    chain.align()
    return chain


@dataclass
class Following:
    """An L1, a sequencer and a follower whose rounds a test turns by hand."""

    folder: Path
    l1: FakeL1 = field(default_factory=FakeL1)
    seen: FakeL1 | None = None
    world: WorldDouble = field(default_factory=WorldDouble)
    finality: FinalityDouble = field(default_factory=FinalityDouble)
    clock: Clock = field(default_factory=Clock)

    def __post_init__(self) -> None:
        self.node = NodeDouble(self.l1, self.folder / "sequencer")
        self.client = NeighbourClient(self.node)
        self.start()

    def start(self, client: SequencerClient | None = None) -> None:
        """(Re)starts the follower on the same folder and world."""
        reader: Any = self.seen or self.l1
        world: Any = self.world
        finality: Any = self.finality
        memory = FollowerMemory(self.folder / "follower.sqlite3")
        chosen = client or self.client
        parts = Parts(self.node.deployment, finality, reader, world, memory, chosen, self.clock)
        self.follower = Follower(parts)

    def seal(self, *raws: bytes) -> L2Block:
        """A block of the sequencer's; it is on no L1 yet."""
        self.node.chain.follow()
        self.node.submit(raws)
        block = self.node.chain.seal()
        assert block is not None
        return block

    def post(self) -> None:
        """Posts all that the sequencer has sealed."""
        self.l1.refresh()
        self.l1.post(self.node.chain.blocks_after(self.l1.order.head.header.number))
        self.node.chain.follow()
