"""Checks of the repository itself: sizes, leftovers, machine paths, and docs that describe every command."""

import ast
import re
import subprocess
import tomllib
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import click
import pytest

from anh_rollup.accountant.drills import DRILLS
from anh_rollup.cli import main

ROOT = Path(__file__).resolve().parents[2]

MOST_LINES_OF_A_FILE = 500
MOST_LINES_OF_A_FUNCTION = 60

SOURCE_SUFFIXES = {".py", ".sol", ".js", ".mjs", ".sh"}
SHIPPED_FOLDERS = ("anh_rollup/", "contracts/", "scripts/")
# Written by tools, or data: their length and wording are not ours.
GENERATED = ("package-lock.json", "anh_rollup/l1/artifacts/", "tests/vectors/")

# Spelled in pieces, so that this file passes its own check.
LEFTOVER = re.compile(r"\b(" + "TO" + "DO|FIX" + "ME|XX" + r"X)\b")
MACHINE_PATH = re.compile(r"(?<![\w.])/(root|home|Users|work|opt|mnt|tmp)/\w")
# Numbers of findings, of notes and of tickets mean nothing to somebody who has this repository alone.
FOREIGN_REFERENCE = re.compile(
    r"\(F\d{1,2}\)|\b(me" + r"mo|is" + r"sue|tic" + r"ket)s?\b(?! tracker)[ :#(]*(section|of|\d)", re.I
)
PACKAGE_HOST = re.compile(
    r"\b(pypi|npmjs|pythonhosted|artifactory|nexus|registry)\.[a-z0-9-]+(\.[a-z]+|/)", re.I
)
# Where packages come from is the business of the reader's pip and npm.
TOOLCHAIN_FILES = (
    ".npmrc",
    "Makefile",
    "constraints.txt",
    "foundry.toml",
    "package.json",
    "package-lock.json",
)


def tracked_paths() -> list[str]:
    """Every path that is or would be committed, from the root."""
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    return [name for name in listed.split("\0") if name]


FILES = [name for name in tracked_paths() if (ROOT / name).is_file()]


def test_nothing_leads_out_of_the_repository() -> None:
    assert [name for name in tracked_paths() if (ROOT / name).is_symlink()] == []


def sources() -> list[str]:
    return [name for name in FILES if Path(name).suffix in SOURCE_SUFFIXES and not name.startswith(GENERATED)]


def texts() -> Iterator[tuple[str, str]]:
    for name in FILES:
        try:
            yield name, (ROOT / name).read_text()
        except UnicodeDecodeError:
            continue


def functions(tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Name and length in lines, without its docstring and decorators, of every Python function."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            documented = ast.get_docstring(node) is not None
            doc = node.body[0]
            doc_lines = (doc.end_lineno or 0) - doc.lineno + 1 if documented else 0
            yield node.name, (node.end_lineno or 0) - node.lineno + 1 - doc_lines


def solidity_functions(text: str) -> Iterator[tuple[str, int]]:
    """Name and length in lines of every Solidity function with a body, as forge formats it."""
    lines = text.splitlines()
    for start, line in enumerate(lines):
        opening = re.match(r"( *)(?:function (\w+)|(constructor|receive|fallback)\b)", line)
        if opening is None:
            continue
        for end in range(start, len(lines)):
            if lines[end].endswith(";") and "{" not in "".join(lines[start : end + 1]):
                break
            if lines[end] == opening[1] + "}" or (end == start and line.endswith("}")):
                yield opening[2] or opening[3], end - start + 1
                break


def commands(command: click.Command, path: str) -> Iterator[tuple[str, click.Command]]:
    """Every command below a group, groups included, by the words that a user types."""
    yield path, command
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from commands(child, f"{path} {name}")


COMMANDS = dict(commands(main, "anh"))
OPTIONS = [
    (path, parameter)
    for path, command in COMMANDS.items()
    for parameter in command.params
    if isinstance(parameter, click.Option)
]


def test_no_source_file_is_longer_than_500_lines() -> None:
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in sources()}
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FILE} == {}


def test_no_function_is_longer_than_60_lines() -> None:
    lengths = {
        f"{name}:{function}": length
        for name in sources()
        for function, length in (
            functions(ast.parse((ROOT / name).read_text()))
            if name.endswith(".py")
            else solidity_functions((ROOT / name).read_text())
        )
    }
    assert {name: length for name, length in lengths.items() if length > MOST_LINES_OF_A_FUNCTION} == {}


def test_shipped_code_holds_no_notes_about_work_to_be_done() -> None:
    found = [name for name, text in texts() if name.startswith(SHIPPED_FOLDERS) and LEFTOVER.search(text)]
    assert found == []


def test_no_file_names_a_path_of_one_machine() -> None:
    found = {name: MACHINE_PATH.findall(text) for name, text in texts() if MACHINE_PATH.search(text)}
    assert found == {}


def test_no_file_cites_what_is_not_in_the_repository() -> None:
    found = {
        name: FOREIGN_REFERENCE.findall(text)
        for name, text in texts()
        if not name.startswith(GENERATED) and FOREIGN_REFERENCE.search(text)
    }
    assert found == {}


def test_no_file_names_a_host_of_packages() -> None:
    found = {name: PACKAGE_HOST.findall(text) for name, text in texts() if PACKAGE_HOST.search(text)}
    assert found == {}


@pytest.mark.parametrize(
    "words",
    [
        "it is refused (F" + "14)",
        "see me" + "mo section 3",
        "the me" + "mo of the instruction set",
        "in seconds (is" + "sue 2)",
        "is" + "sue #7",
    ],
)
def test_foreign_references_are_recognised(words: str) -> None:
    assert FOREIGN_REFERENCE.search(words)


@pytest.mark.parametrize("name", TOOLCHAIN_FILES)
def test_no_toolchain_file_names_where_packages_come_from(name: str) -> None:
    text = (ROOT / name).read_text()
    assert re.findall(r"\w+://\S+", text) == []
    assert '"resolved"' not in text


def test_every_error_that_is_raised_says_what_to_do_next() -> None:
    names = [name for name in FILES if name.endswith(".py") and not name.startswith("tests/")]
    nodes = [node for name in names for node in ast.walk(ast.parse((ROOT / name).read_text()))]
    classes = {
        node.name: {last_name(base) for base in node.bases}
        for node in nodes
        if isinstance(node, ast.ClassDef)
    }
    errors = {"AnhError"}
    while more := {name for name, bases in classes.items() if bases & errors} - errors:
        errors |= more
    raised = {last_name(node.exc) for node in nodes if isinstance(node, ast.Raise) and node.exc is not None}
    # One with an underscore never leaves its module.
    others = {name for name in raised & classes.keys() - errors if not name.startswith("_")}
    assert len(raised & errors) > 1
    assert others == set()


def last_name(node: ast.expr) -> str:
    """The name of what is called or named, without modules: `Error` of `errors.Error(1)`."""
    return ast.unparse(node.func if isinstance(node, ast.Call) else node).rpartition(".")[2]


def test_a_failing_foundry_tool_fails_its_caller() -> None:
    command = [str(ROOT / "scripts" / "foundry"), "forge", "no-such-command"]
    assert subprocess.run(command, cwd=ROOT, capture_output=True, check=False).returncode == 2


def test_nothing_runs_the_foundry_fronts_that_hide_failures() -> None:
    front = re.compile(r"\.bin[/\"', ]+(forge|cast|anvil)\b")
    found = [
        name for name, text in texts() if name.endswith((".py", ".sh", ".ci/run")) and front.search(text)
    ]
    assert found == []


def test_every_layer_of_the_package_says_what_it_is() -> None:
    packages = [name for name in FILES if name.startswith("anh_rollup/") and name.endswith("__init__.py")]
    assert [name for name in packages if not ast.get_docstring(ast.parse((ROOT / name).read_text()))] == []


@pytest.mark.parametrize("path", COMMANDS)
def test_every_command_shows_an_example_in_its_help(path: str) -> None:
    text = COMMANDS[path].get_help(click.Context(COMMANDS[path], info_name=path))
    example = re.search(r"^ *Examples?:\n((?: +\S.*\n)+)", text, re.M)
    assert example is not None, f"`{path} --help` has no Example"
    assert re.search(rf"^ +(?:\$ )?{re.escape(path)}\b", example[1], re.M), (
        f"the Example does not run `{path}`"
    )


@pytest.mark.parametrize("path", [path for path in COMMANDS if path != "anh"])
def test_every_command_is_described_in_the_docs(path: str) -> None:
    assert re.search(rf"\b{re.escape(path)}\b", (ROOT / "docs" / "cli.md").read_text())


def documented_options() -> dict[str, dict[str, str]]:
    """The rows of docs/cli.md's tables of options, by command; those of every command stand under ''."""
    sections = re.split(r"^#+ (.*)$", (ROOT / "docs" / "cli.md").read_text(), flags=re.M)[1:]
    found: dict[str, dict[str, str]] = {"": {}}
    for heading, text in zip(sections[::2], sections[1::2], strict=True):
        path = heading if heading in COMMANDS else ""
        found.setdefault(path, {}).update(re.findall(r"^\| `(--[\w-]+)[^`]*` \|(.*)\|$", text, re.M))
    return found


def test_every_option_of_every_command_is_described_in_the_docs() -> None:
    rows = documented_options()
    given: dict[str, set[str]] = {path: set() for path in rows}
    for path, option in OPTIONS:
        if option.name != "version":
            section = "" if option.opts[0] in rows[""] else path
            given.setdefault(section, set()).add(option.opts[0])
    assert {path: set(described) for path, described in rows.items()} == given


def test_no_help_of_an_option_is_written_twice() -> None:
    helps = {option.help for _, option in OPTIONS if option.help}
    parsed = (ast.parse(path.read_text()) for path in (ROOT / "anh_rollup" / "cli").glob("*.py"))
    nodes = (node for tree in parsed for node in ast.walk(tree) if isinstance(node, ast.Constant))
    written = Counter(node.value for node in nodes if node.value in helps)
    assert written
    assert [text for text, times in written.items() if times > 1] == []


def test_every_default_that_the_help_shows_is_in_the_docs() -> None:
    rows = documented_options()
    shown = [(path, option) for path, option in OPTIONS if option.show_default]
    wrong = [
        f"{path} {option.opts[0]}: {option.default}"
        for path, option in shown
        if f"`{option.default}`" not in {**rows[""], **rows.get(path, {})}[option.opts[0]]
    ]
    assert shown
    assert wrong == []


def test_every_command_reads_the_environment_as_the_docs_say() -> None:
    table = (ROOT / "docs" / "cli.md").read_text()
    documented = dict(re.findall(r"^\| `(--[\w-]+) \w+` \|[^|]*\| `(ANH_\w+)` \|$", table, re.M))
    assert documented
    read = {(path, option.opts[0]): option.envvar for path, option in OPTIONS}
    assert read == {(path, name): documented.get(name) for path, name in read}


def test_every_drill_is_described_in_the_docs() -> None:
    rows = re.findall(r"^\| `([\w-]+)` \|", (ROOT / "docs" / "drills.md").read_text(), re.M)
    assert sorted(rows) == sorted(DRILLS)


def test_every_page_of_the_docs_is_linked_from_another() -> None:
    pages = [name for name in FILES if re.fullmatch(r"(docs/[^/]+|README|CONTRIBUTING)\.md", name)]
    linked = {
        (Path(name).parent / target).as_posix()
        for name in pages
        for target in re.findall(r"\]\(([^)#:]+\.md)(?:#[^)]*)?\)", (ROOT / name).read_text())
    }
    assert [name for name in pages if name not in linked and name.startswith("docs/")] == []


def test_every_link_of_the_docs_leads_somewhere() -> None:
    pages = [name for name in FILES if name.endswith(".md")]
    broken = [
        f"{name}: {target}"
        for name in pages
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", (ROOT / name).read_text())
        if not (ROOT / name).parent.joinpath(target).exists()
    ]
    assert broken == []


def test_the_docs_name_the_layers_that_the_linter_keeps() -> None:
    linter = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = [line.replace(" :", "").split() for line in linter["contracts"][0]["layers"]]
    drawn = (ROOT / "CONTRIBUTING.md").read_text().split("## Imports point down\n\n")[1].split("\n\n")[0]
    assert [line.split() for line in drawn.splitlines()] == layers
    table = re.findall(r"^\| (`[a-z0-9_`, ]+`) \|", (ROOT / "docs/architecture.md").read_text(), re.M)
    assert re.findall(r"\w+", " ".join(table)) == [name for layer in layers for name in layer]


def test_the_changelog_has_the_sections_of_its_form_each_once_and_in_order() -> None:
    """Keep a Changelog 1.1.0 names them; what is there has entries."""
    form = ["Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"]
    for release in (ROOT / "CHANGELOG.md").read_text().split("\n## ")[1:]:
        found = re.findall(r"^### (.+)\n\n(- )", release, re.M)
        headings = [heading for heading, _ in found]
        assert headings == [each for each in form if each in headings]
        assert release.count("\n### ") == len(found) > 0
