import subprocess
import sys
from ast import literal_eval

import pytest

FORBIDDEN = ("torch", "onnxruntime", "llvmlite", "eth.vm", "evm", "pyrevm", "sklearn")


def loaded_by(*modules: str) -> str:
    """Which forbidden modules a fresh interpreter has after importing some of ours."""
    probe = f"""
import sys
import {", ".join(modules)}
print([name for name in {FORBIDDEN} if name in sys.modules])
"""
    done = subprocess.run([sys.executable, "-c", probe], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    return done.stdout.strip()


@pytest.mark.parametrize(
    "modules",
    [
        ("anh_rollup.sequencer.service", "anh_rollup.sequencer.poster", "anh_rollup.rpc.server"),
        ("anh_rollup.cli", "anh_rollup.cli.sequencer"),
    ],
    ids=["its parts", "its command"],
)
def test_a_sequencer_loads_neither_a_network_library_nor_an_evm(modules: tuple[str, ...]) -> None:
    assert loaded_by(*modules) == "[]"


@pytest.mark.parametrize("role", ["accountant", "challenger", "follower"])
def test_a_role_starts_without_network_libraries(role: str) -> None:
    found = literal_eval(loaded_by(f"anh_rollup.cli.{role}"))
    assert not {"torch", "onnxruntime", "llvmlite"} & set(found)


def test_the_probe_sees_what_training_loads() -> None:
    assert loaded_by("anh_rollup.cli.training") == "['torch', 'onnxruntime', 'llvmlite']"
