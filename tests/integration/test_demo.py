"""The demo from the outside: what a new user runs first."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = [pytest.mark.anvil, pytest.mark.slow]

#: What `make demo` may take on two cores, in seconds.
MOST_SECONDS = 300

#: The demo's folder, and what came of it.
Played = tuple[Path, "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Played:
    folder = tmp_path_factory.mktemp("demo")
    command = [sys.executable, "-m", "scripts.demo", "--keep", str(folder)]
    environment = {**os.environ, "COLUMNS": "140"}
    done = subprocess.run(
        command, cwd=ROOT, capture_output=True, text=True, timeout=MOST_SECONDS, env=environment, check=False
    )
    return folder, done


def test_it_ends_with_code_0_in_time(demo: Played) -> None:
    assert demo[1].returncode == 0, demo[1].stdout[-4000:] + demo[1].stderr[-2000:]


@pytest.mark.parametrize(
    "outcome",
    [
        r"L1 computed the element: the claim is wrong",
        r"checked +the dishonest claim: REFUTED",
        r"checked +the honest claim: FINAL",
        r"checked +the baseless game: CHALLENGER_LATE",
        r"checked +the claim about the answers: FINAL",
        r"checked +the honest accountant's balance on the L2: 1\.2500 ETH",
        r"checked +the challenger is richer: True",
        r"Claims\.reveal",
        r"Game\.prove",
        r"357 of 360 \(0\.9917\)",
    ],
)
def test_it_tells_every_outcome(outcome: str, demo: Played) -> None:
    assert re.search(outcome, demo[1].stdout), demo[1].stdout[-6000:]


def test_it_leaves_no_process_behind(demo: Played) -> None:
    folder, _ = demo
    lines = subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout
    assert [line for line in lines.splitlines() if str(folder) in line] == []


def test_each_process_has_written_a_log(demo: Played) -> None:
    names = {path.stem for path in (demo[0] / "logs").iterdir()}
    roles = {"sequencer", "honest-accountant", "dishonest-accountant", "challenger", "baseless-challenger"}
    assert names == {"anvil", *roles}
