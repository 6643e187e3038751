"""Processes that live and end together."""

import sys
import time
from pathlib import Path

import pytest

from anh_rollup.cli.processes import LAST_BYTES, ProcessDiedError, ProcessGroup, ProgramMissingError

SLEEPER = [sys.executable, "-c", "import time; print('here', flush=True); time.sleep(60)"]


def ends(code: int, words: str = "gone") -> list[str]:
    return [sys.executable, "-c", f"import sys; print({words!r}); sys.exit({code})"]


def test_leaving_the_group_ends_every_process(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        started = [group.start(name, SLEEPER).process for name in ("first", "second")]
        group.require_alive()

    assert [process.poll() is not None for process in started] == [True, True]
    assert group.running == []


def test_one_of_them_can_be_ended_alone(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        first, second = (group.start(name, SLEEPER) for name in ("first", "second"))

        group.stop("first")

        group.require_alive()
        assert group.running == [second]
        assert first.process.poll() is not None


def test_an_error_ends_every_process_too(tmp_path: Path) -> None:
    group = ProcessGroup(tmp_path)
    process = group.start("first", SLEEPER).process

    with pytest.raises(ZeroDivisionError), group:
        _ = 1 / 0

    assert process.poll() is not None


def test_a_process_that_died_is_named_with_its_log_and_last_words(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        died = group.start("honest accountant", ends(3, "no key"))
        died.process.wait(20)

        with pytest.raises(ProcessDiedError) as told:
            group.require_alive()

    log = tmp_path / "honest-accountant.log"
    assert told.value.message == "the process 'honest accountant' ended with code 3: no key"
    assert told.value.remedy == f"Read its log: {log}"


def test_a_process_that_told_an_error_is_named_with_it(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        died = group.start("sequencer", ends(1, "Error: cannot listen\nNext:  Choose another address."))
        died.process.wait(20)
        with pytest.raises(ProcessDiedError) as told:
            group.require_alive()
    assert told.value.message == "the process 'sequencer' ended with code 1: cannot listen"


def test_of_a_long_log_only_the_end_is_read(tmp_path: Path) -> None:
    (tmp_path / "first.log").write_text("Error: long ago\n" + "x" * LAST_BYTES + "\n")
    with ProcessGroup(tmp_path) as group:
        group.start("first", ends(1, "the last line")).process.wait(20)
        with pytest.raises(ProcessDiedError) as told:
            group.require_alive()
    assert told.value.message == "the process 'first' ended with code 1: the last line"


def test_a_process_that_may_end_ends_with_code_0_only(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group:
        good, bad = group.start("good", ends(0), ends=True), group.start("bad", ends(1), ends=True)
        good.process.wait(20)
        bad.process.wait(20)

        good.require_alive()
        with pytest.raises(ProcessDiedError):
            bad.require_alive()


def test_a_missing_program_is_told(tmp_path: Path) -> None:
    with ProcessGroup(tmp_path) as group, pytest.raises(ProgramMissingError) as told:
        group.start("l1", [str(tmp_path / "anvil")])

    assert told.value.remedy == "Run `make setup`, or give its path with --anvil."


def test_a_process_that_does_not_want_to_end_is_killed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("anh_rollup.cli.processes.GRACE", 0.2)
    deaf = (
        "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN);"
        "print(1, flush=True); time.sleep(60)"
    )
    with ProcessGroup(tmp_path) as group:
        started = group.start("deaf", [sys.executable, "-c", deaf])
        until = time.monotonic() + 20
        while not started.log.read_text() and time.monotonic() < until:
            time.sleep(0.02)

    assert started.process.poll() == -9
