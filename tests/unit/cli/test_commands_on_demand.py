"""A command's module is imported when the command is asked for, and not before."""

import click
import pytest

from anh_rollup.cli.root import COMMANDS, CommandsOnDemand

NAMES = {"sequencer": "sequencer_command", "deploy": "deploy_command"}


def test_every_module_has_the_command_that_it_is_listed_with() -> None:
    commands = CommandsOnDemand(COMMANDS)
    assert {name: commands[name].name for name in commands} == {name: name for name in COMMANDS}


def test_it_lists_commands_without_importing_them() -> None:
    commands = CommandsOnDemand({"no such module": "command"})
    assert (list(commands), len(commands), "no such module" in commands) == (["no such module"], 1, True)
    with pytest.raises(ModuleNotFoundError):
        commands["no such module"]


def test_a_command_is_loaded_once() -> None:
    commands = CommandsOnDemand(NAMES)
    assert commands["deploy"] is commands["deploy"]


def test_a_command_that_is_not_listed_is_not_there() -> None:
    commands = CommandsOnDemand(NAMES)
    assert commands.get("root") is None
    assert "root" not in commands


def test_a_command_can_be_added_and_taken_away() -> None:
    commands = CommandsOnDemand(NAMES)
    extra = click.Command("extra")
    commands["extra"] = extra
    assert (commands["extra"], list(commands), len(commands)) == (extra, [*NAMES, "extra"], 3)
    del commands["extra"], commands["deploy"]
    assert list(commands) == ["sequencer"]
