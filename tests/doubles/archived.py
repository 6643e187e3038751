"""A sequencer and a follower with archives of the order, on an L1 with an Inbox in memory."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from anh_rollup.follower.chain import is_given
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.service import Follower
from anh_rollup.follower.service import Parts as FollowerParts
from anh_rollup.l1.order_archive import OrderArchive
from anh_rollup.l1.order_reader import OrderReader, open_archive
from anh_rollup.primitives import L2_CHAIN_ID
from anh_rollup.sequencer.chain import SequencerChain, Setting
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.service import fitting
from tests.doubles.follower import FinalityDouble, WorldDouble
from tests.doubles.inbox_l1 import InboxL1
from tests.doubles.memory_l1 import DEPLOYMENT
from tests.doubles.ordering import BATCH_BYTES, Clock


def archive_in(folder: Path) -> OrderArchive:
    return open_archive(folder / "order.sqlite3", DEPLOYMENT)


def reader_on(l1: InboxL1, archive: OrderArchive | None) -> OrderReader:
    return OrderReader(DEPLOYMENT, l1, l1, archive=archive)  # type: ignore[arg-type]


@dataclass
class ArchivedSequencer:
    """A sequencer's chain; `archived` says whether its reader has an archive."""

    folder: Path
    l1: InboxL1 = field(default_factory=InboxL1)
    archived: bool = True

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """(Re)starts it on the same folder."""
        journal = Journal(self.folder / "journal.sqlite3")
        self.reader = reader_on(self.l1, fitting(archive_in(self.folder) if self.archived else None, journal))
        self.reader.refresh()
        setting = Setting(L2_CHAIN_ID, Clock(), most_batch_bytes=BATCH_BYTES)
        self.chain = SequencerChain(self.reader, journal, setting)

    def follow(self) -> None:
        """One round, as `Sequencer.follow` makes it."""
        self.chain.follow()
        self.reader.archive_deep()

    def seal(self, *raws: bytes) -> None:
        """Seals a block."""
        self.follow()
        self.chain.submit(raws)
        assert self.chain.seal() is not None

    def post(self) -> None:
        """Posts all that is sealed and not on L1."""
        self.reader.refresh()
        self.l1.post(self.chain.blocks_after(self.chain.safe_number))
        self.follow()


@dataclass
class ArchivedFollower:
    """A follower of L1 alone; `archived` says whether its reader has an archive."""

    folder: Path
    l1: InboxL1
    archived: bool = True
    world: WorldDouble = field(default_factory=WorldDouble)

    def __post_init__(self) -> None:
        self.start()

    def start(self) -> None:
        """(Re)starts it on the same folder and world."""
        world: Any = self.world
        finality: Any = FinalityDouble()
        memory = FollowerMemory(self.folder / "follower.sqlite3")
        archive = archive_in(self.folder) if self.archived else None
        if archive is not None and not is_given(archive.marks(), memory, world):
            archive = archive.renewed()
        self.reader = reader_on(self.l1, archive)
        self.follower = Follower(FollowerParts(DEPLOYMENT, finality, self.reader, world, memory))
