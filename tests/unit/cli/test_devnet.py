"""A devnet starts on free ports only, and shows all of every path."""

import shlex
import socket
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from rich.console import Console

from anh_rollup.cli import main
from anh_rollup.cli.devnet import (
    PortsTakenError,
    closer_look,
    endpoints,
    next_steps,
    places,
    require_free,
    watch,
)
from anh_rollup.cli.local_network import ACCOUNTS, LocalNetwork, NotStartedError
from anh_rollup.cli.processes import ProcessGroup, free_port
from anh_rollup.l1.contracts.bonds import Withdrawn
from anh_rollup.l1.contracts.claims import Revealed
from anh_rollup.l1.contracts.game import Opened

NOBODY = "0x" + "12" * 20


PORTS = ("--port", "--l2-port", "--wallet-port")


@pytest.mark.parametrize("option", PORTS)
def test_a_taken_port_is_told_before_anything_is_started(option: str, tmp_path: Path) -> None:
    others = [word for other in PORTS if other != option for word in (other, "0")]
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["devnet", "--keep", str(tmp_path / "kept"), option, str(port), *others]
        result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert result.output == (
        f"Error: taken, perhaps by another devnet: port {port} of this machine\n"
        f"Next:  Stop who listens there, or take free ones: `{option} 0`.\n"
    )
    assert not (tmp_path / "kept").exists()


def test_a_second_devnet_in_the_same_folder_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_text("earlier")
    words = ["devnet", "--keep", str(tmp_path), *[word for option in PORTS for word in (option, "0")]]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    told = "".join(result.output.split())
    assert "isfromanearlierdevnetordemo,whichmaystillrunNext:Removeit,orchooseanotherfolder" in told
    assert [path.name for path in tmp_path.iterdir()] == ["deployment.json"]


def test_a_free_port_and_any_port_are_good() -> None:
    require_free({"--port": free_port(), "--l2-port": 0})


def test_all_taken_ports_are_told_at_once() -> None:
    with socket.create_server(("127.0.0.1", 0)) as one, socket.create_server(("127.0.0.1", 0)) as other:
        first, second = (each.getsockname()[1] for each in (one, other))
        with pytest.raises(PortsTakenError, match=f"port {first} and port {second} of") as caught:
            require_free({"--port": first, "--l2-port": 0, "--wallet-port": second})
    assert caught.value.taken == {"--port": first, "--wallet-port": second}
    assert caught.value.remedy.endswith("`--port 0 --wallet-port 0`.")


def test_before_l1_is_started_there_is_nothing_to_watch(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, ProcessGroup(tmp_path / "logs"))
    with pytest.raises(NotStartedError):
        watch(network, Console(file=StringIO()))


def test_every_path_is_shown_whole_on_a_line_of_its_own(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path / ("deep" * 20), ProcessGroup(tmp_path / "logs"))
    for path in [network.deployment_file, *map(network.key_file, ACCOUNTS)]:
        assert [line for line in places(network) if line.endswith(f": {path}")]


def test_addresses_are_whole_in_80_columns(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, ProcessGroup(tmp_path / "logs"))
    console = Console(width=80, record=True, file=StringIO())
    console.print(endpoints(network))
    told = console.export_text()
    for name in ACCOUNTS:
        assert f"{name} " in told
        assert str(network.accounts[name].address) in told


def test_the_next_step_is_a_command_that_the_shell_and_the_script_take(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path / "my devnet", ProcessGroup(tmp_path / "logs"))
    network.l1_url, network.l2_url = "http://127.0.0.1:1", "http://127.0.0.1:2"
    _, command, _, settings = next_steps(network)
    words = shlex.split(command)
    assert words[:3] == [sys.executable, "-m", "scripts.submit_training_job"]
    assert dict(zip(words[3::2], words[4::2], strict=True)) == {
        "--l1": "http://127.0.0.1:1",
        "--l2": "http://127.0.0.1:2",
        "--deployment": str(network.deployment_file),
        "--key-file": str(network.key_file("user")),
        "--store": str(network.user_folder),
    }
    assert f"ANH_DEPLOYMENT={network.deployment_file}" in shlex.split(settings)


def test_claims_and_games_come_with_the_command_that_shows_them() -> None:
    unread: Any = None
    opened = Opened(b"\4" * 32, b"\3" * 32, NOBODY, unread)
    revealed = Revealed(b"\1" * 32, b"\3" * 32, NOBODY, 0, unread, unread, ())
    assert closer_look(revealed) == f"anh claim show 0x{'03' * 32}"
    assert closer_look(opened) == f"anh game show 0x{'04' * 32}"
    assert closer_look(Withdrawn(NOBODY, NOBODY, 1)) is None
