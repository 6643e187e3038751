"""Printed commands: they begin as the shell needs it, and lead to the same rollup."""

import sys
from io import StringIO
from pathlib import Path

import click
import pytest
from rich.console import Console

from anh_rollup.cli.follow_up import as_called, command, command_here, look_closer, program
from anh_rollup.cli.options import deployment_option, l1_option, l2_option

URL = "http://127.0.0.1:1"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the program beside the interpreter, in which the shell finds nothing."""
    folder = tmp_path / "my tools"
    folder.mkdir()
    (folder / "anh").touch(mode=0o755)
    monkeypatch.setattr(sys, "executable", str(folder / "python"))
    monkeypatch.setenv("PATH", "")
    return folder


def test_the_program_is_called_as_the_shell_finds_it(
    installed: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert program() == f"'{installed}/anh'"
    monkeypatch.chdir(installed.parent)
    assert program() == "'my tools/anh'"
    monkeypatch.setenv("PATH", str(installed))
    assert program() == "anh"


def test_another_program_of_that_name_is_not_ours(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "anh").touch(mode=0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert program() == f"'{installed}/anh'"


def test_without_an_installed_program_the_package_is_run(installed: Path) -> None:
    (installed / "anh").unlink()
    assert program() == f"'{installed}/python' -m anh_rollup.cli"


def test_commands_in_sentences_and_lines_begin_with_it() -> None:
    assert as_called("Wait, or `anh job refund`; `--l2` helps.") == (
        f"Wait, or `{program()} job refund`; `--l2` helps."
    )
    assert command("model", "show", "a b") == f"{program()} model show 'a b'"


def test_the_ids_of_a_tables_rows_can_be_copied_whole_from_a_narrow_terminal() -> None:
    console = Console(width=40, record=True, file=StringIO())
    look_closer(console, ("claim", "show"), [bytes.fromhex("ab" * 32)])
    assert console.export_text() == f"0xabababab: {program()} claim show 0x{'ab' * 32}\n"


@click.command
@l1_option()
@l2_option(required=False)
@deployment_option()
def here(**_places: str) -> None:
    """A command about a rollup."""
    click.echo(command_here("claim", "show"))


def test_options_that_lead_to_the_rollup_go_along(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ANH_L1", URL)
    here.main(["--l2", URL, "--deployment", "my d.json"], standalone_mode=False)
    here.main(["--l1", URL], standalone_mode=False)
    assert capsys.readouterr().out.splitlines() == [
        f"{program()} claim show --deployment 'my d.json'",
        f"{program()} claim show --l1 {URL}",
    ]
