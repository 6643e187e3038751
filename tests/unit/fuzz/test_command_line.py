"""Malformed files and words on the command line: what happened, what to do next, and no traceback."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click
import numpy as np
import orjson
import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from anh_rollup.cli import main
from anh_rollup.encoding.artifacts import Dataset, Model
from anh_rollup.l1.deployment import write_deployment
from anh_rollup.l1.transport import _Provider
from anh_rollup.storage.artifacts import ArtifactKind, ArtifactStore, name_of
from tests.unit.fuzz.decoders import ADDRESS, DEPLOYMENT, ELEMENTS, PROGRAM, ROOT
from tests.unit.fuzz.test_words import LONG, ODD

HEX = "0x" + ROOT.hex()
L1 = ("--l1", "http://127.0.0.1:9")
L2 = ("--l2", "http://127.0.0.1:9")
KEY = "59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"


def empty_l1(_provider: object, method: str, _parameters: Any) -> dict[str, Any]:
    """What an L1 of the deployment's chain answers on which there is nothing."""
    answers = {"eth_chainId": "0x7a69", "eth_getCode": "0x"}
    return {"jsonrpc": "2.0", "id": 1, "result": answers.get(method)}


def npz(**arrays: Any) -> Callable[[Path], None]:
    return lambda path: np.savez(path, **arrays)


def text(content: str | bytes) -> Callable[[Path], None]:
    return lambda path: Path(path).write_bytes(content if isinstance(content, bytes) else content.encode())


def deployment_with(**changes: Any) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_deployment(DEPLOYMENT, path)
        path.write_bytes(orjson.dumps({**orjson.loads(path.read_bytes()), **changes}))

    return write


def sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 40)


#: Files that are none: name, and how each is made.
BAD_MODELS: dict[str, Callable[[Path], None]] = {
    "empty": text(""),
    "text": text("hello"),
    "broken archive": text(b"PK\x03\x04 and then nothing"),
    "huge": sparse,
    "NaN": npz(parameter_00000=np.array([1.0, np.nan])),
    "floats": npz(parameter_00000=np.ones(3, np.float32)),
    "unsigned beyond int32": npz(parameter_00000=np.array([2**63], np.uint64)),
    "booleans": npz(parameter_00000=np.ones(3, bool)),
    "objects": npz(parameter_00000=np.array([{"a": 1}], dtype=object)),
    "no elements": npz(parameter_00000=np.zeros((0, 3), np.int32)),
    "nine axes": npz(parameter_00000=np.zeros((1,) * 9, np.int32)),
    "other names": npz(weights=np.zeros(3, np.int32)),
    "a gap in the names": npz(parameter_00000=ELEMENTS, parameter_00002=ELEMENTS),
}
BAD_ARTIFACTS: dict[str, Callable[[Path], None]] = {
    "empty": text(""),
    "other bytes": text(b"\xff" * 64),
    "truncated": text(b"\0\0\0\1\2\0\0\0\5"),
    "huge": sparse,
    "a folder": Path.mkdir,
}
BAD_DEPLOYMENTS: dict[str, Callable[[Path], None]] = {
    "missing": lambda _path: None,
    "empty": text(""),
    "no JSON": text("{"),
    "a list": text("[]"),
    "nested": text("[" * 100_000),
    "huge": sparse,
    "a folder": Path.mkdir,
    "wrong type": deployment_with(l1ChainId=[1]),
    "wrong size": deployment_with(blockHash="0x12"),
    "wrong address": deployment_with(sequencer="0x12"),
    "wrong rules": deployment_with(rules={}),
    "another chain": deployment_with(l1ChainId=1),
    "no contracts there": deployment_with(),
}
BAD_KEYS: dict[str, Callable[[Path], None]] = {
    "missing": lambda _path: None,
    "empty": text(""),
    "no key": text("0x12"),
    "not on the curve": text("0" * 64),
    "no text": text(b"\xff\xfe\0"),
    "huge": sparse,
    "a folder": Path.mkdir,
}
#: Commands that read each kind of file; FILE stands for it, GOOD for a store with one artifact of each kind.
FILE, GOOD = "FILE", "GOOD"
READERS: list[tuple[str, dict[str, Callable[[Path], None]], tuple[str, ...]]] = [
    ("model put", BAD_MODELS, ("model", "put", FILE, "--store", GOOD)),
    ("claim show", BAD_DEPLOYMENTS, ("claim", "show", HEX, *L1, "--deployment", FILE)),
    ("game show", BAD_DEPLOYMENTS, ("game", "show", HEX, *L1, "--deployment", FILE)),
    ("job list", BAD_DEPLOYMENTS, ("job", "list", *L1, "--deployment", FILE)),
    ("job status", BAD_DEPLOYMENTS, ("job", "status", HEX, *L1, "--deployment", FILE)),
    (
        "sequencer",
        BAD_DEPLOYMENTS,
        ("sequencer", *L1, "--deployment", FILE, "--key-file", "KEY", "--data", "data"),
    ),
    (
        "accountant",
        BAD_DEPLOYMENTS,
        ("accountant", *L1, "--deployment", FILE, "--key-file", "KEY", "--store", GOOD),
    ),
    (
        "challenger",
        BAD_DEPLOYMENTS,
        ("challenger", *L1, "--deployment", FILE, "--key-file", "KEY", "--store", GOOD),
    ),
    ("follower", BAD_DEPLOYMENTS, ("follower", *L1, "--deployment", FILE, "--data", "data")),
    ("deploy", BAD_KEYS, ("deploy", *L1, "--key-file", FILE, "--sequencer", ADDRESS)),
]
CASES = [
    pytest.param(make, words, id=f"{name}: {what}")
    for name, files, words in READERS
    for what, make in files.items()
]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder to work in, with a key and a store, beside an L1 on which there is nothing."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(_Provider, "make_request", empty_l1)
    (tmp_path / "KEY").write_text(KEY)
    store = ArtifactStore(tmp_path / GOOD)
    store.put_program(PROGRAM)
    store.put_model(Model([ELEMENTS]))
    store.put_dataset(Dataset([ELEMENTS]))
    return tmp_path


def anh(*words: str) -> Result:
    return CliRunner().invoke(main, list(words))


def assert_told(shown: Result, *codes: int) -> None:
    """The command ended with one of these codes and said what happened and what to do next."""
    assert shown.exception is None or isinstance(shown.exception, SystemExit), repr(shown.exception)
    assert shown.exit_code in codes
    assert "Traceback" not in shown.output
    lines = shown.output.splitlines()
    if not lines[0].startswith("Usage: "):
        assert [line[:7] for line in lines[-2:]] == ["Error: ", "Next:  "]
        assert len(lines[-1]) > len("Next:  ")
        assert all(len(line) < 1_200 and line.isprintable() for line in lines)
    else:
        assert shown.exit_code == 2
        assert any(line.startswith("Error: ") for line in lines)


@pytest.mark.parametrize(("make", "words"), CASES)
def test_a_malformed_file_is_told(make: Callable[[Path], None], words: tuple[str, ...], folder: Path) -> None:
    # numpy adds .npz to names without a suffix.
    file = folder / "bad.npz"
    make(file)
    assert_told(anh(*[str(file) if word == FILE else word for word in words]), 1, 2)


@pytest.mark.parametrize("what", BAD_ARTIFACTS)
@pytest.mark.parametrize(
    ("kind", "words"),
    [
        (ArtifactKind.PROGRAM, ("program", "show", HEX)),
        (ArtifactKind.MODEL, ("model", "show", HEX)),
        (ArtifactKind.MODEL, ("model", "export", HEX, "out.npz")),
        (ArtifactKind.DATASET, ("answers", "show", HEX)),
        (ArtifactKind.DATASET, ("answers", "export", HEX, "out.npz")),
    ],
)
def test_a_malformed_artifact_is_told(
    what: str, kind: ArtifactKind, words: tuple[str, ...], folder: Path
) -> None:
    BAD_ARTIFACTS[what](folder / GOOD / name_of(kind, ROOT))
    assert_told(anh(*words, "--store", GOOD), 1)


SUBMIT = ("job", "submit", *L1, *L2, "--key-file", "KEY", "--store", GOOD, "--architecture", HEX)
ROLE = (*L1, "--deployment", "none.json", "--key-file", "KEY")
ORDERING = ("sequencer", *ROLE, "--data", "data")
FOLLOWING = ("follower", *L1, "--deployment", "none.json", "--data", "data")
DEPLOY = ("deploy", *L1, "--key-file", "KEY", "--sequencer")


@pytest.mark.parametrize(
    "words",
    [
        ("model", "show", "0x12", "--store", GOOD),
        ("model", "show", HEX, "--store", "github://x"),
        ("program", "show", "zz" * 32, "--store", GOOD),
        ("model", "export", HEX, "/proc/nothing/out.npz", "--store", GOOD),
        ("model", "put", "KEY", "--store", "/proc/nothing"),
        ("claim", "show", "[/red]", *L1),
        ("claim", "show", HEX, "--l1", "http://["),
        ("claim", "show", HEX, "--l1", "ftp://a"),
        ("claim", "show", HEX, "--l1", ""),
        ("claim", "show", HEX, "--l1", "http://" + "a" * 64),
        ("job", "status", HEX, *L1, "--l2", "nowhere"),
        (*SUBMIT, "--reward", "1"),
        (*SUBMIT, "--property", "x", "--reward", "nan"),
        (*SUBMIT, "--property", "x", "--reward", "-1"),
        (*SUBMIT, "--property", "x", "--reward", "1e5"),
        (*SUBMIT, "--property", "x", "--reward", "1", "--hours", "nan"),
        (*SUBMIT, "--property", "x", "--reward", "1", "--hours", "inf"),
        (*SUBMIT, "--property", "x", "--reward", "1", "--hours", "0"),
        (*SUBMIT, "--property", "x", "--reward", "1", "--kind", "magic"),
        (*SUBMIT, "--property", "x", "--reward", "1", "--model", "0x12"),
        (*DEPLOY, "0x12"),
        (*DEPLOY, ADDRESS, "--rule", "window"),
        (*DEPLOY, ADDRESS, "--rule", "window=-5"),
        (*DEPLOY, ADDRESS, "--rule", "window=" + "9" * 10_000),
        (*DEPLOY, ADDRESS, "--rule", f"window={2**64}"),
        (*DEPLOY, ADDRESS, "--rule", f"claim_bond={2**256}"),
        (*DEPLOY, ADDRESS, "--rule", "pony=1"),
        (*DEPLOY, ADDRESS, "--l2-chain-id", "-1"),
        (*DEPLOY, ADDRESS, "--l2-chain-id", str(2**64)),
        (*DEPLOY, ADDRESS, "--l2-chain-id", "1.5"),
        *[
            ("sequencer", *ROLE, "--data", "data", "--listen", place)
            for place in ("x", ":", "a:b", "a:70000")
        ],
        *[
            ("sequencer", *ROLE, "--data", "data", "--block-interval", word)
            for word in ("nan", "inf", "0", "-1")
        ],
        ("sequencer", *ROLE, "--data", "data", "--forced-depth", "-1"),
        ("accountant", *ROLE, "--store", GOOD, "--listen", "x" * 300 + ":1"),
        ("accountant", *ROLE, "--store", GOOD, "--interval", "nan"),
        ("accountant", *ROLE, "--store", GOOD, "--least-reward", "-1"),
        ("challenger", *ROLE, "--store", GOOD, "--budget", "-1"),
        ("challenger", *ROLE, "--store", GOOD, "--most-lag", "-1"),
        (*FOLLOWING, "--listen", "a:b"),
        (*FOLLOWING, "--l2", "nowhere"),
        (*FOLLOWING, "--interval", "nan"),
        (*FOLLOWING, "--l2-interval", "0"),
        *[
            (*FOLLOWING, "--allow-origin", word)
            for word in ("", "*", "example.org", "https://example.org/", "https://a@b", "HTTPS://example.org")
        ],
        ("devnet", "--port", "70000"),
        ("devnet", "--wallet-port", "-1"),
        ("devnet", "--l2-port", "-1"),
    ],
    ids=lambda words: " ".join(words)[:100],
)
@pytest.mark.usefixtures("folder")
def test_words_that_cannot_be_are_told(words: tuple[str, ...]) -> None:
    assert_told(anh(*words), 1, 2)


# --- any words for any option ---


def leaves(
    command: click.Command, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], click.Command]]:
    if not isinstance(command, click.Group):
        yield path, command
        return
    for name in command.commands:
        yield from leaves(command.commands[name], (*path, name))


#: Each example starts a command anew.
FEWER = settings.default.max_examples // 4

#: `devnet` starts processes where its words are sound.
COMMANDS = {" ".join(path): (path, command) for path, command in leaves(main) if path != ("devnet",)}
SOUND = [HEX, HEX[2:], "KEY", GOOD, "http://127.0.0.1:9", ADDRESS, "1", "0.5", f"{HEX}:{HEX}:1", "training"]


def is_argument(word: str) -> bool:
    """Whether an operating system can hand a word over: no zero byte, and bytes behind every character."""
    try:
        return b"\0" not in os.fsencode(word)
    except UnicodeEncodeError:
        return False


WORDS = [word[:2_000] for word in [*SOUND, *ODD, *LONG, "\udcff"] if is_argument(word)]
STRANGE = st.sampled_from(WORDS) | st.text(max_size=20).filter(is_argument)


@st.composite
def invocations(draw: st.DrawFn, command: click.Command) -> list[str]:
    """Words for most options of a command."""
    words: list[str] = []
    for parameter in command.params:
        if isinstance(parameter, click.Argument):
            words.append(draw(STRANGE))
        elif parameter.opts[0] != "--help" and draw(st.integers(0, 7)):
            is_flag = isinstance(parameter, click.Option) and parameter.is_flag
            words += [parameter.opts[0]] if is_flag else [parameter.opts[0], draw(STRANGE)]
    return words


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.usefixtures("folder")
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=FEWER)
@given(data=st.data())
def test_no_words_break_a_command(name: str, data: st.DataObject) -> None:
    path, command = COMMANDS[name]
    shown = anh(*path, *data.draw(invocations(command)))
    assert_told(shown, 1, 2)
