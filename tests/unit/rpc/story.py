"""The story that the examples of docs/json-rpc.md tell, with a real world for what followers answer."""

from itertools import count
from pathlib import Path
from typing import Any, Final

import orjson

from anh_rollup.primitives import L2_CHAIN_ID, Address
from anh_rollup.protocol.ledger import LedgerRules
from anh_rollup.rpc.dispatch import Limits, answer
from anh_rollup.rpc.service import WorldLimits, WorldService
from anh_rollup.rpc.world_methods import method_table
from anh_rollup.world.strict import created_address
from anh_rollup.world.world import World
from tests.doubles.answering_world import FollowerDouble
from tests.doubles.ledger_snapshot import snapshot
from tests.doubles.ordering import ALICE, BOB, SEQUENCER, FakeL1

RUNTIME: Final = bytes.fromhex("60005460005260206000f3")
"""Returns the element 0 of its storage."""

INIT: Final = bytes.fromhex("602a6000553360006000a1600b6017600039600b6000f3") + RUNTIME
"""Stores 42 as element 0, logs its creator's address as a topic, and leaves the code above."""

CONTRACT: Final[Address] = created_address(ALICE.address, 0)
DEPLOYMENT: Final = ALICE.sign(nonce=0, to=None, data=INIT, gas=200_000)
CALL: Final = ALICE.sign(nonce=1, to="0x" + CONTRACT.hex(), gas=100_000)
WAITING: Final = ALICE.transfer(2, BOB.address, 5)
NEXT: Final = ALICE.transfer(3, BOB.address, 6)
FIRST_IDENTIFIER: Final = 0x5161718191A1B1C1D1E1F10111213140


class FollowerStory:
    """Alice has deployed a contract in block 1 and called it in block 2, and a transfer of hers waits.

    A filter looks at the contract's events. L1 says of Alice what `snapshot` says.

    Args:
        l1: An L1 on which Alice and Bob have deposits.
        folder: Where the node and its world live.
    """

    def __init__(self, l1: FakeL1, folder: Path) -> None:
        self.node = FollowerDouble(l1, folder)
        self._l1 = l1
        self._identifiers = count(FIRST_IDENTIFIER)
        rules = LedgerRules(L2_CHAIN_ID, SEQUENCER)
        self.world = World(folder / "world.sqlite3", self.node.chain.genesis, rules)
        limits = WorldLimits(sleep=lambda _seconds: self.seal())
        claimed = snapshot(ALICE.address, withdrawn=5 * 10**17, paid=2 * 10**17)
        self.service = WorldService(self.node, self.world, limits, ledger=lambda: claimed)
        self._methods = method_table(self.service)

    def tell(self) -> None:
        """Lets it happen."""
        self.node.chain.follow()
        self.ask("eth_newFilter", {"address": "0x" + CONTRACT.hex(), "fromBlock": "0x1"})
        for raw in (DEPLOYMENT, CALL):
            self.node.submit([raw])
            self.seal()
        self.node.submit([WAITING])

    def identifier(self, _size: int) -> str:
        """The next id of a filter, instead of a random one."""
        return f"{next(self._identifiers):032x}"

    def seal(self) -> None:
        """Seals a block, and gives it to the world."""
        before = self.node.chain.head.header.origin_number
        block = self.node.chain.seal()
        if block is not None:
            self.world.append(block, [self._l1.origin(before, block.header.origin_number)])

    def ask(self, method: str, *parameters: Any) -> Any:
        """The answer to one request: its result, or its error."""
        body = orjson.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": list(parameters)})
        found = orjson.loads(answer(self.node, body, Limits(), self._methods) or b"")
        return found["error"] if "error" in found else found["result"]

    def close(self) -> None:
        """Ends it."""
        self.service.close()
        self.world.close()
