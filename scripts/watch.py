"""Follows a job to its end with web3.py: every claim, every move of every game, the payment.

    python -m scripts.watch 0xTRANSACTION --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 \
        --deployment devnet/deployment.json

The L2 is asked only for the order's own bytes, which its hash verifies; what became of it is read from L1.
"""

import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from web3 import Web3
from web3.contract import Contract

from anh_rollup.cli.job_story import look_at
from anh_rollup.cli.narration import ENDINGS
from anh_rollup.cli.options import parse_digest, visible
from anh_rollup.cli.unposted import UnknownTransactionError
from anh_rollup.client.wording import short, show_ether, show_time
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.errors import AnhError
from anh_rollup.l1.deployment import Deployment
from anh_rollup.primitives import ChainId
from anh_rollup.protocol.game import Phase
from anh_rollup.protocol.jobs import Job, JobKind, decode_order
from scripts.chains import (
    LOOK_SECONDS,
    ChainRefusedError,
    ask,
    connect_chains,
    contract_at,
    decoded,
    rollup_options,
    run,
)

EXAMPLE = """python -m scripts.watch 0x5c50... --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 \\
    --deployment devnet/deployment.json"""

#: What the two contracts' events say of a claim, as a line; the moves of games are told by `told_move`.
SENTENCES: Mapping[str, Callable[[Any], str]] = {
    "Revealed": lambda a: (
        f"claim 0x{a.claimId.hex()} of {a.claimant}: "
        + ", ".join(f"{each.sum} of {each.count}" for each in a.claim.scores)
    ),
    "Demanded": lambda a: f"{a.demander} demands data of claim {short(a.claimId)}",
    "Answered": lambda a: f"the data of claim {short(a.claimId)} is shown on L1",
    "Opened": lambda a: f"game 0x{a.game.hex()}: {a.challenger} disputes claim {short(a.claim)}",
    "Closed": lambda a: f"game {short(a.game)} over claim {short(a.claim)} is over: {ENDINGS[a.outcome]}",
    "Refuted": lambda a: f"claim {short(a.claimId)} is REFUTED: {show_ether(a.prize)} for {a.challenger}",
    "Released": lambda a: f"claim {short(a.claimId)} came too late and has its bond back",
    "Finalized": lambda a: f"claim {short(a.claimId)} is FINAL: {a.claimant} is paid",
}


class NotDoneError(AnhError):
    """A job about which no claim can become final any more.

    Attributes:
        deadline: L1 time after which no claim can be revealed.
        returned: L1 time from which on the reward can go back to who ordered the job.
    """

    def __init__(self, deadline: int, returned: int) -> None:
        super().__init__(
            f"nobody has done the job: no claim is final, and its deadline was {show_time(deadline)}",
            remedy=f"Take the reward back with `anh job refund` from {show_time(returned)} on. "
            "See that an accountant runs, then order again with a later deadline or a larger reward.",
        )
        self.deadline, self.returned = deadline, returned


@dataclass(slots=True)
class Watch:
    """Reads the events about one job.

    Attributes:
        l1: The L1.
        deployment: Where the contracts are.
        record: keccak of the order's record: how claims on L1 name it.
        deadline: L1 time after which no claim about it can be revealed.
        claims: The event that revealed each claim about the job, by the claim's id.
        final: The id of the final claim, once there is one.
    """

    l1: Web3
    deployment: Deployment
    record: bytes
    deadline: int
    claims: dict[bytes, Any] = field(default_factory=dict)
    final: bytes | None = None
    _passed: set[bytes] = field(default_factory=set)
    _time: int = 0
    _games: set[bytes] = field(default_factory=set)
    _next: int = 0

    def lines(self) -> Iterator[str]:
        """What has happened since the last call."""
        latest = self.l1.eth.block_number
        first, self._next = max(self._next, self.deployment.block + 1), latest + 1
        if first > latest:
            return
        contracts = [self._contract("Claims"), self._contract("Game")]
        events = [event for each in contracts for event in decoded(self.l1, each, first, latest)]
        for event in sorted(events, key=lambda each: (each["blockNumber"], each["logIndex"])):
            if self._concerns(event["args"]) and (line := self._take(event["event"], event["args"])):
                yield f"L1 block {event['blockNumber']}: {line}"
        self._time = self.l1.eth.get_block(latest)["timestamp"]

    def require_hope(self) -> None:
        """Checks that a claim can still become final, by the L1 block up to which events are read.

        Raises:
            NotDoneError: None can: the deadline has passed, and no claim stands or none can end in time.
        """
        returned = self.deadline + self.deployment.rules.settlement
        stands = self._time < returned and not self._passed.issuperset(self.claims)
        if self.final is None and self._time > self.deadline and not stands:
            raise NotDoneError(self.deadline, returned)

    def _contract(self, name: str) -> Contract:
        return contract_at(self.l1, name, self.deployment.addresses[name.lower()])

    def _concerns(self, arguments: Any) -> bool:
        """Whether an event is about the job, a claim about it, or a game over one of these."""
        claim = arguments.get("claimId", arguments.get("claim"))
        known_claim = isinstance(claim, bytes) and claim in self.claims
        return (
            arguments.get("transaction") == self.record or known_claim or arguments.get("game") in self._games
        )

    def _take(self, name: str, arguments: Any) -> str | None:
        if name == "Revealed":
            self.claims[arguments.claimId] = arguments
        if name == "Opened":
            self._games.add(arguments.game)
        if name in ("Refuted", "Released"):
            self._passed.add(arguments.claimId)
        if name == "Finalized":
            self.final = arguments.claimId
        if name in SENTENCES:
            return SENTENCES[name](arguments)
        return told_move(name, arguments) if "position" in arguments else None


def told_move(name: str, arguments: Any) -> str:
    """A move of a game: its event, and what the other side has to do."""
    due = Phase(arguments.position.phase).name.lower().replace("_", " ")
    return f"game {short(arguments.game)}: {name}; next: {due}"


def told_end(revealed: Any) -> Iterator[str]:
    """The result of the final claim, where it is, and the command that shows it: a model, or answers."""
    root, uri = revealed.claim.result, revealed.claim.uri
    yield f"final: result 0x{root.hex()}, artifacts at {visible(uri).plain}"
    kind = JobKind.INFERENCE if any(revealed.job.model) else JobKind.TRAINING
    yield f"look at it with: {look_at(kind, revealed.job.architecture, root, uri)}"


def order_of(l2: Web3, transaction: bytes) -> tuple[bytes, Job]:
    """How claims on L1 name an order, keccak of its record, and its job: from the order's own bytes.

    Raises:
        UnknownTransactionError: The L2 does not know the transaction.
        ChainRefusedError: The L2 answered other bytes.
        JobMalformedError: The transaction orders no job.
    """
    raw = ask(l2, "eth_getRawTransactionByHash", "0x" + transaction.hex())
    if raw is None:
        raise UnknownTransactionError(transaction)
    signed = decode_signed(bytes.fromhex(raw[2:]), ChainId(l2.eth.chain_id))
    if keccak256(bytes.fromhex(raw[2:])) != transaction:
        raise ChainRefusedError("the L2 answers the bytes of another transaction")
    return keccak256(encode_record(signed)), decode_order(signed.data)


def main() -> None:
    """Prints what happens until a claim about the job is final, or none can become so any more."""
    parser = rollup_options("Follow a job to its end.", EXAMPLE)
    parser.add_argument("transaction", type=parse_digest, help="hash of the order's transaction")
    arguments = parser.parse_args()
    l1, l2, deployment = connect_chains(arguments.l1, arguments.l2, arguments.deployment)
    record, job = order_of(l2, arguments.transaction)
    watch = Watch(l1, deployment, record, job.deadline)
    print(f"record 0x{record.hex()}: waiting for claims on L1, due by {show_time(job.deadline)}", flush=True)
    while watch.final is None:
        for line in watch.lines():
            print(line, flush=True)
        watch.require_hope()
        time.sleep(LOOK_SECONDS)
    for line in told_end(watch.claims[watch.final]):
        print(line)


if __name__ == "__main__":
    sys.exit(run(main))
