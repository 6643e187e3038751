"""A whole rollup on this machine: anvil, contracts, and each role as a process of its own."""

import secrets
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from eth_account import Account
from eth_account.signers.local import LocalAccount

import anh_rollup
from anh_rollup.cli.narration import told_contract
from anh_rollup.cli.processes import (
    ProcessGroup,
    ProgramMissingError,
    Running,
    accepts_connections,
    free_port,
)
from anh_rollup.client.l2 import L2Client, L2UnreachableError
from anh_rollup.client.ordering import Customer, Report, wait_for
from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, Rules, deploy, write_deployment
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.transport import Patience
from anh_rollup.primitives import Gas, Seconds

#: The mnemonic that anvil, Hardhat and Ganache share; its keys are public and worth nothing elsewhere.
MNEMONIC: Final = "test test test test test test test test test test test junk"

#: The accounts by the mnemonic's index; each name is also that of a process.
ACCOUNTS: Final = (
    "deployer",
    "sequencer",
    "user",
    "honest accountant",
    "dishonest accountant",
    "challenger",
    "baseless challenger",
)

#: Short enough to watch, long enough for every move on two busy cores with a block each second.
LOCAL_RULES: Final = Rules(
    window=Seconds(30),
    clock=Seconds(45),
    reveal_window=Seconds(30),
    settlement=Seconds(600),
    force_delay=Seconds(60),
    force_timeout=Seconds(120),
)

#: Options of an accountant that claims the ledger: as soon as there is something to claim, as L1 is alone.
LEDGER_CLAIMS: Final = ("--ledger-claims", "15", "--ledger-depth", "1")

#: Seconds for a process to come up while the others do, too.
START_SECONDS: Final = 90.0

#: Seconds between two rounds of a role: below a block's time, so that every block is seen.
ROUND_SECONDS: Final = "0.5"

#: Gas limits of the L1's blocks: the least, and how many there are to draw from (choice: those of L1 lately).
LEAST_BLOCK_GAS, BLOCK_GAS_LIMITS = 30_000_000, 30_000_000


class NotStartedError(AnhError):
    """A local rollup was asked for its contracts before it had any."""

    def __init__(self) -> None:
        super().__init__(
            "the local L1 is not started: there are no contracts yet", remedy="Call `start_l1` first."
        )


class UsedFolderError(AnhError):
    """A new local rollup was asked for in the folder of another one, which it would overwrite.

    Attributes:
        folder: The folder.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(
            f"{folder} is from an earlier devnet or demo, which may still run",
            remedy="Remove it, or choose another folder: `--keep FOLDER`.",
        )
        self.folder = folder


def _accounts() -> dict[str, LocalAccount]:
    """The accounts of the public mnemonic, by the names of `ACCOUNTS`."""
    Account.enable_unaudited_hdwallet_features()
    return {
        name: Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{index}")
        for index, name in enumerate(ACCOUNTS)
    }


def _own_block_gas() -> Gas:
    """A gas limit that most likely no other local L1 has: those started in one second differ in nothing else.

    All their blocks would be the same otherwise, and the deployment file of one would pass for the other's.
    """
    return Gas(LEAST_BLOCK_GAS + secrets.randbelow(BLOCK_GAS_LIMITS))


@dataclass(slots=True)
class LocalNetwork:
    """The processes of a local rollup. Use `start_l1` first, then the roles in any order.

    Attributes:
        folder: Where deployment file, keys, stores and logs are.
        processes: What runs; whoever owns the group stops it.
        anvil: How anvil is started; None looks for the one of `make setup`.
        rules: What the contracts fix.
        accounts: The account of each name of `ACCOUNTS`.
        block_gas: Gas limit of the L1's blocks.
        block_seconds: Between two blocks of the L1; None for a block with each transaction.
        l1_url: L1, once it is started.
        l2_url: The L2, once the sequencer is started.
        wallet_url: The L2 as a follower serves it to wallets, once one is started.
    """

    folder: Path
    processes: ProcessGroup
    anvil: str | None = None
    rules: Rules = LOCAL_RULES
    accounts: Mapping[str, LocalAccount] = field(default_factory=_accounts)
    block_gas: Gas = field(default_factory=_own_block_gas)
    block_seconds: Seconds | None = Seconds(1)
    l1_url: str = ""
    l2_url: str = ""
    wallet_url: str = ""
    _deployment: Deployment | None = field(default=None, init=False)

    @property
    def deployment(self) -> Deployment:
        """The contracts.

        Raises:
            NotStartedError: `start_l1` has not deployed them yet.
        """
        if self._deployment is None:
            raise NotStartedError
        return self._deployment

    @property
    def deployment_file(self) -> Path:
        """The file that everybody needs."""
        return self.folder / "deployment.json"

    @property
    def user_folder(self) -> Path:
        """Where the user keeps the artifacts of its jobs."""
        return self.folder / "user"

    def l1(self) -> L1Client:
        """A connection to L1."""
        return L1Client.connect(self.l1_url)

    def start_l1(self, port: int = 0, report: Report = lambda _line: None) -> Deployment:
        """Starts anvil and deploys the contracts.

        Raises:
            UsedFolderError: The folder holds another local rollup; nothing in it is touched.
            ProgramMissingError: There is no anvil.
            AnhError: It does not come up, or the contracts cannot be deployed.
        """
        if self.deployment_file.exists() or self._sequencer_data.exists():
            raise UsedFolderError(self.folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self._write_keys()
        port = port or free_port()
        self.l1_url = f"http://127.0.0.1:{port}"
        self._await_port(self.processes.start("anvil", self._anvil(port)), port)
        client = L1Client.connect(self.l1_url, patience=Patience(10.0, 20, 0.1))
        sender = TransactionSender(client, self.accounts["deployer"])
        sequencer = str(self.accounts["sequencer"].address)
        deployment = deploy(
            sender, sequencer, self.rules, report=lambda *named: report(told_contract(*named))
        )
        write_deployment(deployment, self.deployment_file)
        self._deployment = deployment
        return deployment

    def start_sequencer(self, port: int = 0, *options: str) -> Running:
        """Starts the sequencer; it answers when this returns."""
        port = port or free_port()
        self.l2_url = f"http://127.0.0.1:{port}"
        places = ("--data", str(self._sequencer_data), "--listen", f"127.0.0.1:{port}")
        started = self._start_role("sequencer", "sequencer", *places, *options)
        self._await_port(started, port)
        wait_for("the L2's first answer", lambda: self._ask_l2(started, self.l2_url), START_SECONDS)
        return started

    def start_follower(self, port: int = 0, *options: str) -> Running:
        """Starts a follower behind the sequencer; it answers when this returns."""
        port = port or free_port()
        self.wallet_url = f"http://127.0.0.1:{port}"
        places = ("--data", str(self.folder / "follower"), "--listen", f"127.0.0.1:{port}")
        rounds = ("--l2", self.l2_url, "--interval", ROUND_SECONDS)
        started = self._start("follower", "follower", *places, *rounds, *options)
        self._await_port(started, port)
        wait_for("the follower's first answer", lambda: self._ask_l2(started, self.wallet_url), START_SECONDS)
        return started

    def start_accountant(self, name: str, *options: str) -> Running:
        """Starts an accountant under a name of `ACCOUNTS`; it does what the follower waits for, too."""
        listen = f"127.0.0.1:{free_port()}"
        called = ("--follower", self.wallet_url) if self.wallet_url else ()
        own = ("--listen", listen, *self._reading(name), *called)
        return self._start_role(name, "accountant", *own, *options)

    def start_challenger(self, name: str = "challenger", *options: str) -> Running:
        """Starts a challenger under a name of `ACCOUNTS`."""
        return self._start_role(name, "challenger", *self._reading(name), *options)

    def customer(self, name: str = "user") -> Customer:
        """An account with connections to both chains.

        Raises:
            NotStartedError: L1 is not started.
        """
        deployment = self.deployment
        return Customer(self.accounts[name], self.l1(), L2Client(self.l2_url), deployment)

    def names(self) -> dict[str, str]:
        """What accounts are called, by address."""
        return {str(account.address): name for name, account in self.accounts.items()}

    def key_file(self, name: str) -> Path:
        """The key of an account."""
        return self.folder / "keys" / f"{name.replace(' ', '-')}.key"

    def store_folder(self, name: str) -> Path:
        """The artifact store of a role."""
        return self.folder / name.replace(" ", "-") / "artifacts"

    @property
    def _sequencer_data(self) -> Path:
        """Where the sequencer's journal is; it belongs to one chain."""
        return self.folder / "sequencer" / "data"

    def _reading(self, name: str) -> list[str]:
        """Options of the roles that read artifacts: own store, and what they may fetch."""
        folder = self.store_folder(name)
        folder.mkdir(parents=True, exist_ok=True)
        self.user_folder.mkdir(parents=True, exist_ok=True)
        allowed = ["--allow-private", "--allow-folder", str(self.user_folder)]
        return ["--store", str(folder), "--interval", ROUND_SECONDS, *allowed]

    def _start_role(self, name: str, role: str, *options: str) -> Running:
        return self._start(name, role, "--key-file", str(self.key_file(name)), *options)

    def _start(self, name: str, role: str, *options: str) -> Running:
        shared = ["--l1", self.l1_url, "--deployment", str(self.deployment_file)]
        command = [sys.executable, "-m", "anh_rollup.cli", role, *shared]
        return self.processes.start(name, [*command, *options])

    def _anvil(self, port: int) -> list[str]:
        """How the L1 is started."""
        options = {"--port": port, "--gas-limit": self.block_gas, "--mnemonic": MNEMONIC}
        if self.block_seconds is not None:
            options["--block-time"] = self.block_seconds
        words = [str(word) for option in options.items() for word in option]
        return [*anvil_command(self.anvil), *words, "--enable-tx-gas-limit", "--silent"]

    def _write_keys(self) -> None:
        for name, account in self.accounts.items():
            path = self.key_file(name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(mode=0o600)
            path.write_text(f"0x{bytes(account.key).hex()}\n")

    def _await_port(self, started: Running, port: int) -> None:
        def look() -> bool | None:
            started.require_alive()
            return accepts_connections(port) or None

        wait_for(f"the start of {started.name}", look, START_SECONDS, pause=0.05)

    def _ask_l2(self, started: Running, url: str) -> int | None:
        started.require_alive()
        try:
            return L2Client(url, Patience(2.0, 1)).chain_id()
        except L2UnreachableError:
            return None


def anvil_command(given: str | None) -> list[str]:
    """How anvil is started: as given, or the pinned one of this checkout.

    Raises:
        ProgramMissingError: This is no checkout with anvil installed.
    """
    if given is not None:
        return [given]
    root = Path(anh_rollup.__file__).resolve().parents[1]
    front = root / "scripts" / "foundry"
    if not front.is_file() or not (root / "node_modules").is_dir():
        raise ProgramMissingError("anvil")
    return [str(front), "anvil"]
