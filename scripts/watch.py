"""Follows a job to its end: every claim, every move of every game, the payment.

    python -m scripts.watch 0xTRANSACTION --l1 http://127.0.0.1:8545 --deployment deployment.json

Everything is read from L1 alone; neither the sequencer nor an accountant is trusted.
"""

import argparse
import sys
import time
from pathlib import Path
from typing import Any

from anh_rollup.cli.job import NotOrderedError, connect, find_job
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.narration import Narrator
from anh_rollup.cli.options import parse_digest, show_ether
from anh_rollup.cli.ordering import wait_for
from anh_rollup.errors import AnhError
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.protocol.orders import OrderedJob

#: Seconds between two looks at L1.
LOOK_SECONDS = 2.0


def concerns(event: Any, view: L1View, transaction: bytes) -> bool:
    """Whether an event is about a job, one of its claims, or a game over one of them."""
    if getattr(event, "transaction", None) == transaction:
        return True
    claims = {record.identifier for record in view.docket.claims_of(transaction)}
    game = view.docket.games.get(getattr(event, "game", b""))
    named = {getattr(event, "claim_id", None), None if game is None else game.position.claim}
    return bool(named & claims)


def ordered_job(reader: OrderReader, transaction: bytes) -> OrderedJob | None:
    """The job, once a batch on L1 holds it."""
    reader.refresh()
    try:
        return find_job(reader, transaction)
    except NotOrderedError:
        return None


def main() -> int:
    """Prints what happens until a claim about the job is final; returns the exit code."""
    parser = argparse.ArgumentParser(description="Follow a job to its end.")
    parser.add_argument("transaction", help="hash of the order's transaction, or of its record")
    parser.add_argument("--l1", required=True, help="URL of the L1 node's JSON-RPC")
    parser.add_argument("--deployment", type=Path, default=Path("deployment.json"))
    arguments = parser.parse_args()
    narrator = Narrator()
    try:
        view, reader = connect(arguments.l1, arguments.deployment)
        transaction = parse_digest(arguments.transaction)
        ordered = wait_for("the order's batch", lambda: ordered_job(reader, transaction), pause=LOOK_SECONDS)
        print(f"batch {ordered.batch}, transaction {ordered.index}, reward {show_ether(ordered.reward)}")
        told = 0
        while True:
            for emitted in view.events[told:]:
                line = narrator.line(emitted.event)
                if line is not None and concerns(emitted.event, view, ordered.transaction):
                    print(f"L1 block {emitted.log.block}: {line}")
            told = len(view.events)
            final = view.final_claim(ordered.transaction)
            if final is not None:
                print(f"final: result 0x{final.claim.result.hex()}, artifacts at {final.claim.uri}")
                return 0
            time.sleep(LOOK_SECONDS)
            view.refresh()
    except AnhError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return 1


if __name__ == "__main__":
    sys.exit(main())
