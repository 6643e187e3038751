"""Two installations are the same where their sources are."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import anh_rollup
from anh_rollup.cluster.identity import own_identity

SAY = (
    "import json; from anh_rollup.cluster.identity import own_identity as own; "
    "print(json.dumps([own().version, own().sources]))"
)


def said_in(folder: Path) -> list[str]:
    ran = subprocess.run([sys.executable, "-c", SAY], cwd=folder, capture_output=True, check=True)
    found: list[str] = json.loads(ran.stdout)
    return found


@pytest.fixture
def copy(tmp_path: Path) -> Path:
    shutil.copytree(Path(anh_rollup.__file__).parent, tmp_path / "anh_rollup")
    return tmp_path


def test_a_copy_elsewhere_is_the_same(copy: Path) -> None:
    assert said_in(copy) == [own_identity().version, own_identity().sources]


@pytest.mark.parametrize("change", ["content", "name"])
def test_a_changed_or_renamed_file_is_another_package(copy: Path, change: str) -> None:
    path = copy / "anh_rollup" / "evaluation" / "folding.py"
    if change == "content":
        path.write_text(path.read_text() + "\n")
    else:
        path.rename(path.with_name("folded.py"))
    version, sources = said_in(copy)
    assert version == own_identity().version
    assert sources != own_identity().sources
