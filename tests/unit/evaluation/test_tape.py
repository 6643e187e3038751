"""What a tape notes is done again, in the same order and on the same memory."""

import gc
import weakref

import numpy as np

from anh_rollup.evaluation import compiled_passes
from anh_rollup.evaluation.arena import Arena
from anh_rollup.evaluation.compiled_passes import copy_into, limited
from anh_rollup.evaluation.compiled_program import CompiledProgram
from anh_rollup.evaluation.fast_backend import FastEvaluator
from anh_rollup.evaluation.runner_kernel import Calls
from anh_rollup.evaluation.tape import Call, Tape
from anh_rollup.kernels.machine_code import this_processor
from tests.doubles.evaluators import small_parts
from tests.doubles.small_program import random_fields, random_parameters, small_program


def tape(*, keeps: bool) -> Tape:
    here = this_processor()
    assert here is not None
    return Tape(here, keeps, Arena() if keeps else None)


def doubled(own: Tape, given: list[float]) -> np.ndarray:
    """Three numbers that are read, copied, doubled, and doubled again by Python."""
    source, copied = own.empty((3,)), own.empty((3,))
    own.do(lambda to: np.copyto(to, given), source)
    copy_into(own, copied, source)
    result = limited(own, copied, {"p": 2.0, "low": -np.inf, "high": np.inf})
    own.do(lambda to: np.multiply(to, 2, out=to), result)
    return result


def test_work_is_done_at_once_and_again_with_what_is_there_then() -> None:
    own, given = tape(keeps=True), [1.0, 2.0, 3.0]
    result = doubled(own, given)
    assert result.tolist() == [4, 8, 12]
    given[:] = [5.0, 6.0, -7.0]
    for _ in range(2):
        own.again()
        assert result.tolist() == [20, 24, -28]


def test_a_tape_that_keeps_nothing_only_does_the_work() -> None:
    own, given = tape(keeps=False), [1.0, 2.0, 3.0]
    result = doubled(own, given)
    given[:] = [0.0, 0.0, 0.0]
    own.again()
    assert result.tolist() == [4, 8, 12]


def test_calls_that_no_thread_is_worth_become_one() -> None:
    own = tape(keeps=True)
    doubled(own, [1.0, 2.0, 3.0])
    own.again()
    assert own._joined is not None
    calls = [each for each in own._joined if isinstance(each, Call)]
    assert [(type(each.record), each.count) for each in calls] == [(Calls, 2)]


def test_calls_that_threads_are_worth_stay_by_themselves() -> None:
    with small_parts(compiled_passes, 2):
        own = tape(keeps=True)
        result = doubled(own, [1.0, 2.0, 3.0])
        own.again()
    assert own._joined is not None
    assert sum(isinstance(each, Call) for each in own._joined) == 2
    assert result.tolist() == [4, 8, 12]


def test_each_piece_of_work_is_timed_for_its_owner() -> None:
    own = tape(keeps=True)
    for owner in ("first", "second"):
        own.owner = owner
        result = doubled(own, [1.0, 1.0, 1.0])
    result[...] = 0
    found = list(own.timed())
    assert [owner for _, owner in found] == ["first"] * 4 + ["second"] * 4
    assert min(seconds for seconds, _ in found) > 0
    assert result.tolist() == [4, 4, 4]


def test_a_profile_names_every_value_and_pass_that_takes_time() -> None:
    program = small_program()
    loaded = FastEvaluator().load(program, random_parameters(program, 0))
    assert isinstance(loaded, CompiledProgram)
    owners = [owner for _, owner in loaded.timed(random_fields(program, 2, 1))]
    assert list(dict.fromkeys(map(str, owners))) == [
        str(each) for each in loaded.order if str(each) in set(map(str, owners))
    ]
    assert {program.values[each].name for each in owners if isinstance(each, int)} >= {
        "FIELD",
        "CONV",
        "MATMUL",
    }


def test_a_loaded_program_keeps_no_hold_on_the_samples() -> None:
    program = small_program()
    loaded = FastEvaluator().load(program, random_parameters(program, 0))
    fields = random_fields(program, 3, 1)
    gone = weakref.finalize(fields[0], lambda: None)
    loaded.evaluate(fields)
    loaded.trace(1, fields)
    del fields
    assert not gone.alive


def test_a_loaded_program_goes_with_all_its_memory_without_the_collector() -> None:
    program = small_program()
    loaded = FastEvaluator().load(program, random_parameters(program, 0))
    assert isinstance(loaded, CompiledProgram)
    loaded.evaluate(random_fields(program, 3, 1))
    gone = weakref.finalize(loaded._tapes[3][0].arena, lambda: None)
    gc.disable()
    try:
        del loaded
        assert not gone.alive
    finally:
        gc.enable()


def test_work_that_is_only_noted_is_done_when_it_is_asked_for() -> None:
    here = this_processor()
    assert here is not None
    own = Tape(here, keeps=True, arena=Arena(), runs=False)
    result = doubled(own, [1.0, 2.0, 3.0])
    result[...] = -1
    own.join()
    assert result.tolist() == [-1, -1, -1]
    own.again()
    assert result.tolist() == [4, 8, 12]
