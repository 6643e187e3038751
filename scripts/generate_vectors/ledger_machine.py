"""Steps of the ledger's machine, with all that L1 needs to take them by itself.

`python -m scripts.generate_vectors` writes them; forge replays each through LedgerArbiter.
"""

from dataclasses import fields, is_dataclass
from typing import Any, Final

from anh_rollup.encoding.abi import encode
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.primitives import L2_CHAIN_ID, ZERO_DIGEST, BatchNumber
from anh_rollup.protocol.machine.fields import Phase
from anh_rollup.protocol.machine.steps import is_at_rest, step
from anh_rollup.protocol.machine.witnesses import witness_of
from scripts.generate_vectors.cases import Row, Vectors, table
from scripts.generate_vectors.ledger_cases import Case, cases
from scripts.generate_vectors.ledger_history import SEQUENCER

MACHINE_TYPE: Final = (
    "(uint8,bytes32,uint64,uint64,uint64,uint64,bytes32,uint64,uint64,bytes32,uint256,uint64,bytes32,bool,"
    "uint32,uint32,uint32,uint32,uint32,uint32,uint32,bytes32,uint32,uint64,uint64,bytes32,uint64,bytes32,bool)"
)
BATCH_TYPE: Final = "(uint64,bytes32,bytes32,uint32,bytes32,uint64)"
PAYLOAD_TYPE: Final = "(bytes,bytes32[],(uint32,bytes32,bytes,bytes)[])"
NOTICE_TYPE: Final = "(uint8,address,uint256,bytes32,uint64)"
LEAF_TYPE: Final = "(uint8,bytes32,bytes32,bytes32[],uint256[3])"
DRAFT_TYPE: Final = "(uint32,uint32,bytes32,bytes32)"
WITNESS_TYPE: Final = (
    f"({BATCH_TYPE},{MACHINE_TYPE},{PAYLOAD_TYPE},{NOTICE_TYPE},bytes,{DRAFT_TYPE},bytes,uint256[],bytes32[],"
    f"bytes32[],{LEAF_TYPE}[])"
)


def vectors() -> Vectors:
    """Table `rules`: what the Inbox says of itself. Table `steps`: steps of the machine.

    A step's `input` is abi.encode(Machine before, uint64 last, Witness witness), its `after` is
    abi.encode(Machine). What the Inbox has to answer: `commitment`, `posted_number` and `posted_time` of the
    batch that is entered or read, the hash `notice` at the machine's `notices`, and the digest `entry` at its
    `forced`; each is zero where there is none.
    """
    return {
        "rules": table([{"chain_id": int(L2_CHAIN_ID), "sequencer": bytes(SEQUENCER)}]),
        "steps": table([_row(case) for case in cases()]),
    }


def _row(case: Case) -> Row:
    history, machine = case.history, case.state.machine
    witness = witness_of(case.state, case.last, history, history)
    after, _ = step(case.state, case.last, history)
    entering = machine.phase is Phase.IDLE and not is_at_rest(machine, case.last)
    number = machine.batch + entering
    posting = history.posting(BatchNumber(number)) if number else None
    notice = history.notice(machine.notices)
    waiting = history.queue[machine.forced : machine.forced + 1]
    return {
        "name": case.name,
        "input": encode(
            [MACHINE_TYPE, "uint64", WITNESS_TYPE], [_plain(machine), case.last, _plain(witness)]
        ),
        "after": after.machine.encode(),
        "commitment": ZERO_DIGEST if posting is None else posting.header.commitment(),
        "posted_number": 0 if posting is None else int(posting.block_number),
        "posted_time": 0 if posting is None else int(posting.block_time),
        "notice": ZERO_DIGEST if notice is None else notice.digest,
        "entry": keccak256(waiting[0]) if waiting else ZERO_DIGEST,
    }


def _plain(value: Any) -> Any:
    """A record as a tuple of its fields, as their order is that of the Solidity struct."""
    if is_dataclass(value):
        return tuple([_plain(getattr(value, each.name)) for each in fields(value)])
    return [_plain(each) for each in value] if isinstance(value, tuple) else value
