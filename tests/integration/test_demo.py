"""The demo from the outside: what a new user runs first."""

import math
import os
import re
import subprocess
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

#: What `make demo` may take on two cores, in seconds.
MOST_SECONDS = 300

#: What every process of the demo has in its environment, and no other.
MARK = "ANH_DEMO_MARK"

#: Seconds between two looks at the running processes.
LOOK_SECONDS = 2.0


@dataclass(frozen=True)
class Played:
    """A demo that is over: its folder, exit code, words, and the command lines that ran meanwhile."""

    folder: Path
    code: int
    told: str
    ran: set[str]


def marked_processes(folder: Path) -> set[str]:
    """The command lines of all processes that were started by the demo of a folder."""
    mark = f"{MARK}={folder}".encode()
    found = set()
    for each in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):  # it has just ended
            if mark in (each / "environ").read_bytes().split(b"\0"):
                found.add((each / "cmdline").read_bytes().replace(b"\0", b" ").decode())
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "scripts.demo", "--keep", str(folder)]
    environment = {**os.environ, "COLUMNS": "140", MARK: str(folder)}
    end, ran = time.monotonic() + MOST_SECONDS, set()
    words = folder / "words"
    with (
        words.open("w") as told,
        subprocess.Popen(command, cwd=ROOT, stdout=told, stderr=told, env=environment) as process,
    ):
        while process.poll() is None:
            ran |= marked_processes(folder)
            if time.monotonic() > end:
                process.terminate()
                end = math.inf
            time.sleep(LOOK_SECONDS)
    return Played(folder, process.returncode, words.read_text(), ran)


def test_it_ends_with_code_0_in_time(demo: Played) -> None:
    assert demo.code == 0, demo.told[-6000:]


@pytest.mark.parametrize(
    "outcome",
    [
        r"L1 computed the element: the claim is wrong",
        r"checked +the dishonest claim: REFUTED",
        r"checked +the honest claim: FINAL",
        r"checked +the baseless game: CHALLENGER_LATE",
        r"checked +the claim about the answers: FINAL",
        r"checked +the honest accountant has earned on the L2: 1\.2500 ETH",
        r"checked +wei that L1 has paid the honest accountant: 500000000000000000",
        r"checked +wei that have left the Inbox: 500000000000000000",
        r"LedgerClaims\.withdraw",
        r"checked +the challenger is richer: yes",
        r"Claims\.reveal",
        r"Game\.prove",
        r"357 of 360 \(0\.9917\)",
    ],
)
def test_it_tells_every_outcome(outcome: str, demo: Played) -> None:
    assert re.search(outcome, demo.told), demo.told[-6000:]


@pytest.mark.parametrize("program", ["anvil", "sequencer", "accountant", "challenger", "baseless_challenge"])
def test_it_leaves_no_process_behind(program: str, demo: Played) -> None:
    assert [line for line in demo.ran if program in line]
    assert [line for line in marked_processes(demo.folder) if program in line] == []


def test_each_process_has_written_a_log(demo: Played) -> None:
    names = {path.stem for path in (demo.folder / "logs").iterdir()}
    roles = {"sequencer", "honest-accountant", "dishonest-accountant", "challenger", "baseless-challenger"}
    assert names == {"anvil", *roles}
