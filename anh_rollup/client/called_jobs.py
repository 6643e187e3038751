"""What a follower says that contracts wait for: the jobs among it."""

from collections.abc import Mapping
from typing import Any

from anh_rollup.client.l2 import L2AnswerError, L2Client
from anh_rollup.l1 import wire
from anh_rollup.l1.errors import L1AnswerError
from anh_rollup.primitives import Wei
from anh_rollup.protocol.called import TrainingRequest, placeless
from anh_rollup.protocol.jobs import JobKind, JobMalformedError, decode_job
from anh_rollup.protocol.orders import OrderedJob

WHAT = "what executions wait for"


def called_jobs(client: L2Client) -> list[OrderedJob]:
    """The called jobs that a follower's executions wait for.

    Raises:
        L2UnreachableError: It does not answer.
        L2RejectedError: It refuses; a sequencer does.
        L2AnswerError: It answers something else.
    """
    return read_called_jobs(client.request("anh_getWaiting"))


def read_called_jobs(answer: Any) -> list[OrderedJob]:
    """The called jobs in an answer to anh_getWaiting.

    Raises:
        L2AnswerError: It is no such answer.
    """
    if not isinstance(answer, list) or not all(isinstance(each, Mapping) for each in answer):
        raise L2AnswerError(WHAT, answer)
    return [placeless(_request(each)) for each in answer if each.get("kind") == "training"]


def _request(listed: Mapping[str, Any]) -> TrainingRequest:
    try:
        job = decode_job(wire.data("a job", listed.get("encodedJob")))
        reward = Wei(wire.quantity("a reward", listed.get("reward")))
    except (L1AnswerError, JobMalformedError) as error:
        raise L2AnswerError(WHAT, listed) from error
    if job.kind is not JobKind.TRAINING:
        raise L2AnswerError("a called job", listed)
    return TrainingRequest(job, reward)
