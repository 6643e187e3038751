"""A devnet starts on free ports only, and shows all of every path."""

import socket
from io import StringIO
from pathlib import Path

import pytest
from click.testing import CliRunner
from rich.console import Console

from anh_rollup.cli import main
from anh_rollup.cli.devnet import PortTakenError, endpoints, require_free, watch
from anh_rollup.cli.local_network import ACCOUNTS, LocalNetwork, NotStartedError
from anh_rollup.cli.processes import ProcessGroup, free_port


@pytest.mark.parametrize("option", ["--port", "--l2-port"])
def test_a_taken_port_is_told_before_anything_is_started(option: str, tmp_path: Path) -> None:
    other = "--l2-port" if option == "--port" else "--port"
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        words = ["devnet", "--keep", str(tmp_path / "kept"), option, str(port), other, "0"]
        result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    assert result.output == (
        f"Error: port {port} of this machine is taken, perhaps by another devnet\n"
        f"Next:  Stop who uses it, or choose another: `{option} 0` takes a free one.\n"
    )
    assert not (tmp_path / "kept").exists()


def test_a_second_devnet_in_the_same_folder_starts_nothing(tmp_path: Path) -> None:
    (tmp_path / "deployment.json").write_text("earlier")
    words = ["devnet", "--keep", str(tmp_path), "--port", "0", "--l2-port", "0"]
    result = CliRunner().invoke(main, words)
    assert result.exit_code == 1
    told = "".join(result.output.split())
    assert "isfromanearlierdevnetordemo,whichmaystillrunNext:Removeit,orchooseanotherfolder" in told
    assert [path.name for path in tmp_path.iterdir()] == ["deployment.json"]


def test_a_free_port_and_any_port_are_good() -> None:
    require_free("--port", free_port())
    require_free("--port", 0)
    with socket.create_server(("127.0.0.1", 0)) as taken, pytest.raises(PortTakenError):
        require_free("--port", taken.getsockname()[1])


def test_before_l1_is_started_there_is_nothing_to_watch(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path, ProcessGroup(tmp_path / "logs"))
    with pytest.raises(NotStartedError):
        watch(network, Console(file=StringIO()))


def test_every_key_file_is_shown_whole_on_a_narrow_terminal(tmp_path: Path) -> None:
    network = LocalNetwork(tmp_path / ("deep" * 20), ProcessGroup(tmp_path / "logs"))
    console = Console(width=80, record=True, file=StringIO())
    console.print(endpoints(network))
    told = "".join(line.strip("│ ").split("│")[-1].strip() for line in console.export_text().splitlines())
    for name in ACCOUNTS:
        assert str(network.key_file(name)) in told
        assert str(network.accounts[name].address) in told
