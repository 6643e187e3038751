"""What is imported is declared, where it belongs, with bounds; and nothing else is."""

import ast
import re
import sys
import tomllib
from collections.abc import Iterable, Sequence
from importlib.metadata import packages_distributions
from pathlib import Path
from typing import Any

import pytest
from ens.utils import normalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
OURS = {"anh_rollup", "benchmarks", "scripts", "tests"}
# Extensions of pytest, which loads them by itself; torch.onnx.export does the last.
NEVER_IMPORTED = {"pytest-asyncio", "pytest-xdist", "onnxscript"}
# Dependencies of web3 that it would take too new.
HELD_BACK = {"pyunormalize"}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def declared(*groups: str) -> set[str]:
    """The names of the distributions of the package itself and of some of its extras."""
    listed = [*PROJECT["dependencies"]]
    for group in groups:
        listed += PROJECT["optional-dependencies"][group]
    return {canonical(re.match(r"[\w.-]+", each)[0]) for each in listed}  # type: ignore[index]


def imported(folders: Iterable[str]) -> set[str]:
    """The distributions whose modules the files of some folders import."""
    modules = {
        name.split(".")[0]
        for folder in folders
        for path in (ROOT / folder).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        for name in names_of(node)
    }
    found = packages_distributions()
    return {canonical(found[module][0]) for module in modules - OURS - sys.stdlib_module_names}


def names_of(node: ast.AST) -> Sequence[str]:
    if isinstance(node, ast.Import):
        return [each.name for each in node.names]
    return [node.module] if isinstance(node, ast.ImportFrom) and node.module else []


def test_the_package_imports_what_it_asks_for_and_asks_for_nothing_else() -> None:
    assert imported(["anh_rollup"]) | HELD_BACK == declared("ray")


@pytest.mark.parametrize(
    ("folder", "groups"),
    [("scripts", ["scripts"]), ("benchmarks", ["scripts", "test"]), ("tests", ["scripts", "test"])],
)
def test_what_else_imports_asks_for_it_in_an_extra(folder: str, groups: list[str]) -> None:
    assert imported([folder]) - declared(*groups) == set()


def test_no_extra_asks_for_what_nobody_imports() -> None:
    everything = imported(["anh_rollup", "scripts", "benchmarks", "tests"])
    assert declared("scripts", "test") - everything - NEVER_IMPORTED - HELD_BACK == set()


@pytest.mark.parametrize("group", ["", *PROJECT["optional-dependencies"]])
def test_every_dependency_has_bounds_and_an_exact_version(group: str) -> None:
    listed = PROJECT["optional-dependencies"][group] if group else PROJECT["dependencies"]
    assert [each for each in listed if not re.search(r">=[\w.]+,<[\w.]+$", each)] == []
    pinned = re.findall(r"^([\w.-]+)==", (ROOT / "constraints.txt").read_text(), re.M)
    assert declared(*[group] if group else []) <= {canonical(name) for name in pinned}


def test_names_work_with_the_versions_that_are_asked_for() -> None:
    assert normalize_name("Alice.ETH") == "alice.eth"
