"""Transfers without end from a thread of their own, and what was promised for them."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from anh_rollup.encoding.hashing import keccak256
from anh_rollup.protocol.admission import RejectReason
from anh_rollup.protocol.ledger import Skipped
from tests.integration.processes import Rollup

#: Seconds without an answer after which a request is made again.
ANSWER = 5.0

#: Seconds between two transfers.
PAUSE = 0.02


@dataclass
class Load:
    """One account's transfers: each is sent until it is acknowledged, whoever dies meanwhile.

    Attributes:
        rollup: Where they belong.
        index: The account.
        port: Who takes them: the sequencer's, or a follower's.
    """

    rollup: Rollup
    index: int
    port: int
    acknowledged: list[bytes] = field(default_factory=list)
    wrong: list[Any] = field(default_factory=list)
    lost: int = 0

    def __post_init__(self) -> None:
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> "Load":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join(60)
        assert not self._thread.is_alive()

    def grow(self, count: int, seconds: float = 60.0) -> None:
        """Waits until so many more are acknowledged."""
        wanted, until = len(self.acknowledged) + count, time.monotonic() + seconds
        while len(self.acknowledged) < wanted:
            assert self.wrong == []
            assert time.monotonic() < until, "nothing is acknowledged any more"
            time.sleep(0.02)

    def _run(self) -> None:
        raw = self._signed()
        while not self._over.is_set() and not self.wrong:
            if self._is_taken(raw):
                self.acknowledged.append(raw)
                raw = self._signed()
            self._over.wait(PAUSE)

    def _signed(self) -> bytes:
        return self.rollup.signed(self.index, len(self.acknowledged))

    def _is_taken(self, raw: bytes) -> bool:
        """Whether it is acknowledged now; one whose answer was lost may be known already."""
        request = {
            "jsonrpc": "2.0",
            "id": 1,
            "method": "eth_sendRawTransaction",
            "params": ["0x" + raw.hex()],
        }
        try:
            answer = requests.post(f"http://127.0.0.1:{self.port}", json=request, timeout=ANSWER).json()
        except (requests.RequestException, ValueError):
            self.lost += 1
            return False
        error = answer.get("error", {}).get("message", "")
        if "does not answer" in error:
            self.lost += 1
            return False
        if error == RejectReason.BACKLOG_FULL:  # it says to come again later
            return False
        if "result" not in answer and error != "already known":
            self.wrong.append(answer)
            return False
        return True


def require_kept(*loads: Load) -> None:
    """L1 has every acknowledged transaction once, with effect, in its sender's order, and no batch twice."""
    rollup = loads[0].rollup
    reader = rollup.followed()
    ordered = [each.hash for block in reader.order.blocks for _, each in block.transactions if each]
    outcomes = [each for block in reader.order.outcomes for each in block]
    assert not [each for each in outcomes if isinstance(each, Skipped)]
    assert max(Counter(ordered).values()) == 1
    for load in loads:
        sent = [keccak256(raw) for raw in load.acknowledged]
        own = [each for each in ordered if each in set(sent)]
        assert own == sent
    assert rollup.inbox.read("latest") == (len(reader.batches),)


def children_of(process: int) -> list[int]:
    """The processes that a process has started and that still run."""
    listed = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="utf-8")
    threads = [each for each in Path(f"/proc/{process}/task").iterdir() if each.name != str(process)]
    more = [(each / "children").read_text(encoding="utf-8") for each in threads]
    return [int(number) for number in " ".join([listed, *more]).split()]
