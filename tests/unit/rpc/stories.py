"""What tests of a node with a world begin with."""

from collections.abc import Sequence

from anh_rollup.primitives import Address
from anh_rollup.world.engine import Log
from tests.doubles.answering_world import FakeWorld, FollowerDouble
from tests.doubles.ordering import ALICE, decoded

TOKEN = Address(b"\x70" * 20)
OTHER = Address(b"\x71" * 20)
MOVED, MINTED = b"\xaa" * 32, b"\xbb" * 32


def text(value: bytes) -> str:
    return "0x" + value.hex()


def name_of(raw: bytes) -> str:
    return text(decoded(raw).hash)


def sealed(node: FollowerDouble, *raws: bytes) -> int:
    """The height of a new block of some transactions."""
    results = node.submit(raws)
    assert not [each for each in results if isinstance(each, Exception)]
    block = node.chain.seal()
    assert block is not None
    return block.number


def log(topics: Sequence[bytes] = (MOVED,), address: Address = TOKEN, data: bytes = b"\1") -> Log:
    return Log(address, tuple(topics), data)


def block_with_logs(node: FollowerDouble, world: FakeWorld, *logs: Log) -> int:
    """The height of a new block whose one transaction logs."""
    nonce = node.chain.account(ALICE.address, pending=True).nonce
    number = sealed(node, ALICE.call(nonce, b"\1"))
    world.events[(number, 0)] = logs
    return number
