"""The command line as a whole: help, exit codes, errors with what to do next."""

from pathlib import Path

import click
import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.cli.options import KeyFileError
from anh_rollup.cli.root import ReportingGroup

ROOT = "0x" + "ab" * 32


def commands(command: click.Command, words: tuple[str, ...] = ()) -> list[tuple[str, ...]]:
    below = command.commands if isinstance(command, click.Group) else {}
    return [words, *(found for name, child in below.items() for found in commands(child, (*words, name)))]


@pytest.mark.parametrize("words", commands(main), ids=lambda words: " ".join(words) or "anh")
def test_every_command_has_help(words: tuple[str, ...]) -> None:
    shown = CliRunner().invoke(main, [*words, "--help"])

    assert shown.exit_code == 0
    assert shown.output.startswith("Usage: ")
    assert "Example:" in shown.output


def test_usage_and_examples_name_the_program_as_it_was_called() -> None:
    command = click.Command("show", help="Show it.\n\n    \b\n    Example:\n      anh claim show 0x12")
    program = ReportingGroup("anh", commands=[click.Group("claim", commands=[command])])
    shown = CliRunner().invoke(program, ["claim", "show", "--help"], prog_name="./anh")
    assert shown.output.startswith("Usage: ./anh claim show [OPTIONS]\n")
    assert "\n  Example:\n    ./anh claim show 0x12\n" in shown.output


def test_every_part_of_the_system_has_a_command() -> None:
    promised = {
        "accountant",
        "answers",
        "challenger",
        "claim",
        "deploy",
        "devnet",
        "game",
        "job",
        "model",
        "program",
    }
    assert promised <= set(main.commands)


def test_an_error_is_told_with_what_to_do_next_and_no_traceback(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["program", "show", ROOT, "--store", str(tmp_path)])

    assert shown.exit_code == 1
    first, second = shown.output.splitlines()
    assert first.startswith(f"Error: there is no program {ROOT}")
    assert second.startswith("Next:  ")


def test_a_malformed_root_is_told(tmp_path: Path) -> None:
    shown = CliRunner().invoke(main, ["model", "show", "0x12", "--store", str(tmp_path)])

    assert shown.exit_code == 2
    assert shown.output.splitlines() == [
        "Error: '0x12' is no root, hash or id",
        "Next:  Give all of its 64 hexadecimal digits.",
    ]


def test_words_that_make_no_sense_end_with_code_2() -> None:
    assert CliRunner().invoke(main, ["job", "dance"]).exit_code == 2
    assert CliRunner().invoke(main, ["job", "submit"]).exit_code == 2
    assert CliRunner().invoke(main, ["devnet", "--drill", "honesty"]).exit_code == 2


def test_an_error_of_a_command_keeps_its_type_outside_of_the_command_line(tmp_path: Path) -> None:
    error = KeyFileError(tmp_path, "it is a folder")

    assert (error.path, error.reason) == (tmp_path, "it is a folder")
