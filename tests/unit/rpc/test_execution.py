import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from anh_rollup.rpc.errors import RpcError
from anh_rollup.rpc.execution import Execution, ExecutionLimits


@pytest.fixture
def blocker() -> Iterator[threading.Event]:
    """A question waits for it; it is set at the end, whatever a test does."""
    event = threading.Event()
    yield event
    event.set()


def refusal(execution: Execution) -> tuple[int, str]:
    with pytest.raises(RpcError) as caught:
        execution.run(lambda: None)
    return caught.value.code, caught.value.message


def test_a_question_is_answered_or_fails_as_it_does() -> None:
    execution = Execution(ExecutionLimits())
    assert execution.run(lambda: 5) == 5
    with pytest.raises(KeyError):
        execution.run({}.popitem)
    execution.close()


def test_a_question_that_takes_too_long_goes_on_without_its_client(blocker: threading.Event) -> None:
    execution = Execution(ExecutionLimits(threads=1, seconds=0.01))
    done = threading.Event()

    def slow() -> None:
        blocker.wait()
        done.set()

    with pytest.raises(RpcError, match=r"execution aborted \(timeout = 0.01s\)"):
        execution.run(slow)
    blocker.set()
    assert done.wait(10)
    execution.close()


def test_no_more_questions_wait_than_may(blocker: threading.Event) -> None:
    execution = Execution(ExecutionLimits(threads=1, waiting=1, seconds=0.01, patience=0.0))
    with pytest.raises(RpcError, match="execution aborted"):
        execution.run(blocker.wait)
    assert refusal(execution) == (-32005, "limit exceeded: too many questions are executed")
    blocker.set()
    execution._pool.shutdown(wait=True)
    assert refusal(execution) == (-32603, "the node stops")
    assert refusal(execution) == (-32603, "the node stops")


def test_a_burst_of_short_questions_passes() -> None:
    execution = Execution(ExecutionLimits(threads=1, waiting=1, patience=10.0))
    with ThreadPoolExecutor(8) as clients:
        found = list(clients.map(lambda number: execution.run(lambda: number), range(200)))
    assert found == list(range(200))
    execution.close()


def test_a_question_that_never_began_makes_room_again(blocker: threading.Event) -> None:
    execution = Execution(ExecutionLimits(threads=1, waiting=2, seconds=0.01))
    for _ in range(4):
        with pytest.raises(RpcError, match="execution aborted"):
            execution.run(blocker.wait)
    execution.close()
