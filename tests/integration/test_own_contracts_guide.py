"""docs/own-contracts.md works word by word."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from anh_rollup.cli.local_network import LocalNetwork
from anh_rollup.cli.processes import ProcessGroup

pytestmark = pytest.mark.anvil

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "own-contracts.md").read_text()

#: What the page's commands need of the repository.
NEEDED = (".venv", "contracts", "foundry.toml", "node_modules", "package.json", "scripts")

#: Seconds that one block of commands may take on two busy cores.
PATIENCE = 300


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```", PAGE, re.S | re.M)


@pytest.mark.slow
def test_the_guide_works_word_by_word(tmp_path: Path) -> None:
    for name in NEEDED:
        (tmp_path / name).symlink_to(ROOT / name)
    source = tmp_path / "my-contracts" / "Guestbook.sol"
    source.parent.mkdir()
    source.write_text(*blocks("solidity"))
    environment = {name: value for name, value in os.environ.items() if not name.startswith("ETH_")}
    with ProcessGroup(tmp_path / "logs") as processes:
        network = LocalNetwork(tmp_path / "devnet", processes)
        network.start_l1()
        network.start_sequencer()
        network.start_follower()
        places = {"http://127.0.0.1:8545": network.l1_url, "http://127.0.0.1:8570": network.wallet_url}

        def run(text: str, *command: str) -> str:
            for said, found in places.items():
                text = text.replace(said, found)
            done = subprocess.run(
                [*command, text],
                cwd=tmp_path,
                env=environment,
                capture_output=True,
                text=True,
                timeout=PATIENCE,
                check=False,
            )
            assert done.returncode == 0, done.stdout + done.stderr
            return done.stdout

        deposit, deploy, use = blocks("sh")
        run(deposit, "bash", "-ec")
        (places["0xCONTRACT"],) = re.findall(
            "^Deployed to: (0x[0-9a-fA-F]{40})$", run(deploy, "bash", "-ec"), re.M
        )
        told = run(use, "bash", "-ec")
        assert "status               1 (success)" in told
        assert b"I was here".hex() in told.partition("- address:")[2]
        assert run(*blocks("python"), str(tmp_path / ".venv/bin/python"), "-c") == "1\n"
