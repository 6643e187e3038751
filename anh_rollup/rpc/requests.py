"""What executions wait for, as JSON: accountants take training requests from here (docs/world.md)."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from anh_rollup.primitives import BlockNumber, Seconds, Wei
from anh_rollup.protocol.called import TrainingRequest
from anh_rollup.protocol.jobs import encode_job, terms
from anh_rollup.rpc.parameters import exactly
from anh_rollup.rpc.rollup import job_object
from anh_rollup.rpc.service import WorldService
from anh_rollup.rpc.wire import data, quantity
from anh_rollup.world.cell_store import read_request
from anh_rollup.world.errors import ResultMissingError
from anh_rollup.world.position import Position

MOST_LISTED: Final = 1_000
"""Requests of one answer; those that transactions have made first (choice)."""


def waiting(service: WorldService, parameters: Sequence[Any]) -> list[dict[str, Any]]:
    """anh_getWaiting: what executions wait for, the first one first; executes what can be executed."""
    exactly(parameters, 0)
    found: dict[bytes, tuple[Position, TrainingRequest, int]] = {}
    for position, request in service.world.requests().items():
        first, known, count = found.get(terms(request.job), (position, replace(request, reward=Wei(0)), 0))
        reward = Wei(known.reward + request.reward)
        found[terms(request.job)] = (first, replace(request, reward=reward), count + 1)
    return [
        {
            **described(request, service.backend.deployment.rules.settlement),
            "transactions": quantity(count),
            "since": place(service, position),
        }
        for position, request, count in list(found.values())[:MOST_LISTED]
    ]


def missing(error: ResultMissingError) -> str:
    """What an answer lacks, in words with the hash by which anh_getWaiting lists it."""
    request = read_request(error.request)
    if request is None:
        return error.message
    return f"the result of training 0x{terms(request.job).hex()} is not known yet"


def described(request: TrainingRequest, settlement: Seconds) -> dict[str, Any]:
    """What a request asks for; a training may lapse `settlement` seconds behind its deadline."""
    return {
        "kind": "training",
        "terms": data(terms(request.job)),
        "reward": quantity(request.reward),
        "deadline": quantity(request.job.deadline),
        "lapsesAt": quantity(request.job.deadline + settlement),
        "job": job_object(request.job),
        "encodedJob": data(encode_job(request.job)),
    }


def place(service: WorldService, position: Position) -> dict[str, Any]:
    """A transaction by its block, its place there, and its hash."""
    block = service.backend.chain.block(BlockNumber(position.block))
    transaction = None if block is None else block.transactions[position.index][1]
    return {
        "blockNumber": quantity(position.block),
        "index": quantity(position.index),
        "transactionHash": None if transaction is None else data(transaction.hash),
    }
