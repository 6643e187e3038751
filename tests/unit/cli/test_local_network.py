"""The local rollup: its accounts, and where it finds anvil."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from anh_rollup.cli import local_network
from anh_rollup.cli.local_network import (
    LOCAL_RULES,
    LocalNetwork,
    NotStartedError,
    UsedFolderError,
    anvil_command,
)
from anh_rollup.cli.processes import ProcessGroup, ProgramMissingError, Running


def network(folder: Path) -> LocalNetwork:
    return LocalNetwork(folder, ProcessGroup(folder / "logs"))


def test_its_accounts_are_the_well_known_ones_of_development_chains(tmp_path: Path) -> None:
    addresses = {name: address for address, name in network(tmp_path).names().items()}

    assert addresses["deployer"] == "0xf39Fd6e51aad88F6F4ce6aB8827279cffFb92266"
    assert addresses["sequencer"] == "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
    assert len(addresses) == 7


def test_each_player_has_a_folder_and_a_key_of_its_own(tmp_path: Path) -> None:
    made = network(tmp_path)

    assert made.key_file("honest accountant") == tmp_path / "keys" / "honest-accountant.key"
    assert made.store_folder("challenger") == tmp_path / "challenger" / "artifacts"
    assert made.deployment_file == tmp_path / "deployment.json"


def test_its_rules_leave_time_for_a_whole_game() -> None:
    assert LOCAL_RULES.settlement >= LOCAL_RULES.window + 2 * LOCAL_RULES.clock + LOCAL_RULES.reveal_window
    assert LOCAL_RULES.challenge_bond < LOCAL_RULES.claim_bond


def test_before_its_l1_is_started_it_has_no_customers(tmp_path: Path) -> None:
    with pytest.raises(NotStartedError) as refused:
        network(tmp_path).customer()

    assert refused.value.message == "the local L1 is not started: there are no contracts yet"
    assert refused.value.remedy == "Call `start_l1` first."


@pytest.mark.parametrize("used", ["deployment.json", "sequencer/data"])
def test_the_folder_of_an_earlier_one_is_refused_before_it_is_touched(tmp_path: Path, used: str) -> None:
    left = tmp_path / used
    left.parent.mkdir(exist_ok=True)
    left.write_text("earlier")
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(UsedFolderError) as refused:
        network(tmp_path).start_l1()

    assert refused.value.message == f"{tmp_path} is from an earlier devnet or demo, which may still run"
    assert refused.value.remedy == "Remove it, or choose another folder: `--keep FOLDER`."
    assert sorted(tmp_path.rglob("*")) == before
    assert left.read_text() == "earlier"


class StoppedError(Exception):
    """Nothing is started in these tests."""


class Listed(ProcessGroup):
    """Notes what would be started."""

    def start(self, name: str, command: Sequence[str], *, ends: bool = False) -> Running:
        raise StoppedError(name, *command)


def test_each_l1_has_a_gas_limit_of_its_own_which_makes_its_blocks_its_own(tmp_path: Path) -> None:
    limits = set()
    for number in range(3):
        made = LocalNetwork(tmp_path / str(number), Listed(tmp_path), "anvil")
        with pytest.raises(StoppedError) as started:
            made.start_l1(8545)
        words = started.value.args
        assert words[words.index("--gas-limit") + 1] == str(made.block_gas)
        limits.add(made.block_gas)
    assert len(limits) == 3
    assert all(30_000_000 <= limit < 60_000_000 for limit in limits)


def test_a_given_anvil_is_used() -> None:
    assert anvil_command("some/anvil") == ["some/anvil"]


def test_without_a_checkout_anvil_has_to_be_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "anh_rollup").mkdir()
    monkeypatch.setattr(local_network.anh_rollup, "__file__", str(tmp_path / "anh_rollup" / "__init__.py"))

    with pytest.raises(ProgramMissingError):
        anvil_command(None)
