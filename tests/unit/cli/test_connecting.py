"""What is wrong on this machine is told before a chain is asked for anything."""

from pathlib import Path
from types import SimpleNamespace

import pytest
from click.testing import CliRunner

from anh_rollup.cli import main
from anh_rollup.cli.connecting import OtherRollupError, require_followed
from anh_rollup.client.l2 import Followed, L2Client
from anh_rollup.errors import AnhError
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.contracts.inbox import Inbox
from anh_rollup.l1.deployment import Deployment, Rules, load_deployment, predict_addresses, write_deployment
from anh_rollup.l1.errors import OtherL1Error
from anh_rollup.l1.transport import Transport
from anh_rollup.l1.types import Block, BlockId

NOBODY = "http://127.0.0.1:1"
KEY = "0x59c6995e998f97a5a0044966f0945389dc9e86dae88c7a8412f4603b6b78690d"
ADDRESS = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8"
ROOT = "12" * 32

COMMANDS = {
    "job list": (),
    "job status": (ROOT,),
    "claim show": (ROOT,),
    "game show": (ROOT,),
}
ROLES = {
    "accountant": ("--store", "s"),
    "challenger": ("--store", "s"),
    "sequencer": ("--data", "d"),
}


def reached() -> tuple[L1Client, Deployment]:
    """An L1 where nobody answers, and a rollup on it."""
    deployment = Deployment(1, 2, ADDRESS, 0, bytes(32), predict_addresses(ADDRESS, 0), Rules())
    return L1Client(Transport(NOBODY)), deployment


@pytest.fixture(autouse=True)
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("ANH_L1", "ANH_L2", "ANH_DEPLOYMENT"):
        monkeypatch.delenv(name, raising=False)


def said(words: list[str], code: int = 1) -> str:
    """What a command prints; it has to end with this code."""
    result = CliRunner().invoke(main, words)
    assert result.exit_code == code, result.output
    return result.output


@pytest.mark.parametrize("command", COMMANDS)
def test_a_missing_deployment_file_is_told_before_l1_is_asked(command: str) -> None:
    assert said([*command.split(), *COMMANDS[command], "--l1", NOBODY]) == (
        "Error: the deployment file deployment.json cannot be used: No such file or directory\n"
        "Next:  Get it from whoever deployed the rollup, or make one: `anh deploy`, `anh devnet --keep`.\n"
    )


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("content", [None, "nonsense", "0x" + "00" * 32])
def test_a_wrong_key_file_is_told_first(role: str, content: str | None, tmp_path: Path) -> None:
    key = tmp_path / "some.key"
    if content is not None:
        key.write_text(content)
    shared = ["--l1", NOBODY, "--deployment", "d.json", "--key-file", str(key)]
    told = said([role, *shared, *ROLES[role]])
    assert told.startswith(f"Error: the key file {key} cannot be used: ")
    assert "Next:  Put one private key into it" in told


@pytest.mark.parametrize("role", ROLES)
def test_a_role_finds_l1_and_deployment_in_the_environment(
    role: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "some.key"
    key.write_text(KEY)
    monkeypatch.setenv("ANH_L1", NOBODY)
    monkeypatch.setenv("ANH_DEPLOYMENT", "of-the-environment.json")
    told = said([role, "--key-file", str(key), *ROLES[role]])
    assert told.startswith("Error: the deployment file of-the-environment.json cannot be used: ")


@pytest.mark.parametrize("command", ["job list", "job status", *ROLES])
def test_the_beacon_node_of_the_command_line_is_the_one_that_blobs_are_read_from(
    command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "some.key"
    key.write_text(KEY)
    module = command.split(maxsplit=1)[0]
    monkeypatch.setattr(f"anh_rollup.cli.{module}.open_rollup", lambda *_: reached())

    def read_from(_self: object, _client: object, beacon_url: str | None = None, *_store: object) -> None:
        raise AnhError(f"blobs are read from {beacon_url}", remedy="No more is needed.")

    monkeypatch.setattr(BatchDataReader, "__init__", read_from)
    own = ["--key-file", str(key), *ROLES[command]] if command in ROLES else COMMANDS[command]
    told = said([*command.split(), *own, "--l1", NOBODY, "--beacon", "http://blobs"])
    assert told.startswith("Error: blobs are read from http://blobs\n")


@pytest.mark.parametrize(
    ("words", "folder"),
    [
        ("accountant --store s --key-file some.key", "s/blobs"),
        ("challenger --store s --key-file some.key", "s/blobs"),
        ("follower --data d", "d/blobs"),
        ("challenger --store s --key-file some.key --no-blob-store", None),
        ("accountant --store s --key-file some.key --no-blob-store", None),
        ("follower --data d --no-blob-store", None),
    ],
)
def test_roles_keep_blobs_in_the_folder_of_their_store(
    words: str, folder: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    Path("some.key").write_text(KEY)
    module = words.split(maxsplit=1)[0]
    monkeypatch.setattr(f"anh_rollup.cli.{module}.open_rollup", lambda *_: reached())

    def read_from(_self: object, *given: object) -> None:
        raise AnhError(f"blobs are kept in {given[2]}", remedy="No more is needed.")

    monkeypatch.setattr(BatchDataReader, "__init__", read_from)
    told = said([*words.split(), "--l1", NOBODY])
    kept = None if folder is None else BlobStore(Path(folder))
    assert told.startswith(f"Error: blobs are kept in {kept}\n")


def test_an_l2_of_another_rollup_is_told_before_anything_is_deposited(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "some.key"
    key.write_text(KEY)
    monkeypatch.setattr("anh_rollup.cli.job.open_rollup", lambda *_: reached())
    monkeypatch.setattr(L2Client, "followed", lambda _self: Followed(ADDRESS, bytes(32)))
    ends = ["--l1", NOBODY, "--l2", "http://user:secret@127.0.0.1:1", "--store", str(tmp_path)]
    wish = ["--architecture", ROOT, "--property", f"{ROOT}:{ROOT}:1", "--reward", "1"]
    assert said(["job", "submit", *ends, "--key-file", str(key), *wish]) == (
        f"Error: the L2 at 127.0.0.1:1 follows the Inbox {ADDRESS}, "
        f"the deployment file is about {reached()[1].addresses['inbox']}\n"
        "Next:  Check --l1, --l2 and --deployment: they belong together.\n"
    )


def test_the_inbox_of_the_file_is_good_in_any_case() -> None:
    deployment = reached()[1]
    inbox, parent = deployment.addresses["inbox"], deployment.block_hash
    require_followed(NOBODY, deployment, Followed(inbox.lower(), parent))
    with pytest.raises(OtherRollupError) as refused:
        require_followed(NOBODY, deployment, Followed(ADDRESS, parent))
    assert (refused.value.expected, refused.value.found) == (inbox, ADDRESS)


def test_an_l2_of_another_devnet_is_told_although_its_inbox_has_the_same_address() -> None:
    deployment = reached()[1]
    with pytest.raises(OtherRollupError) as refused:
        require_followed(NOBODY, deployment, Followed(deployment.addresses["inbox"], b"\xab" * 32))
    assert refused.value.message == (
        f"the L2 at 127.0.0.1:1 follows an Inbox deployed after the L1 block 0x{'ab' * 32}, "
        f"the deployment file is about 0x{'00' * 32}"
    )


class Devnet(L1Client):
    """A new devnet: everything is as on every other one, but its blocks."""

    def __init__(self, parent: bytes | None) -> None:
        super().__init__(Transport(NOBODY))
        self.parent = parent

    def chain_id(self) -> int:
        return 1

    def code(self, address: str, at: BlockId = "latest") -> bytes:
        return b"code"

    def block(self, which: BlockId = "latest") -> Block | None:
        if self.parent is None or which != 0:
            return None
        return Block(0, self.parent, bytes(32), 1_000, 30_000_000, 1, None, None)


@pytest.mark.parametrize(
    ("found", "told"), [(b"\xab" * 32, "0x" + "ab" * 32), (None, "nothing")], ids=["another", "none"]
)
def test_the_l1_of_another_devnet_is_told_although_its_contracts_have_the_same_addresses(
    found: bytes | None, told: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deployment, path = reached()[1], tmp_path / "d.json"
    write_deployment(deployment, path)
    held = SimpleNamespace(chain_id=deployment.l2_chain_id, sequencer=deployment.sequencer)
    monkeypatch.setattr(Inbox, "rules", lambda _self: held)
    assert load_deployment(path, Devnet(deployment.block_hash)) == deployment
    with pytest.raises(OtherL1Error) as refused:
        load_deployment(path, Devnet(found))
    assert refused.value.message == (
        f"this is not the L1 of the deployment file: block 0 is {told}, not 0x{'00' * 32}"
    )


def test_an_address_that_is_none_is_refused_before_anything_is_deployed(tmp_path: Path) -> None:
    words = ["deploy", "--l1", NOBODY, "--sequencer", "0x12", "--key-file", str(tmp_path / "no.key")]
    assert said(words, 2).startswith("Error: '0x12' is no address\n")


def test_deploying_with_a_wrong_key_file_asks_no_chain(tmp_path: Path) -> None:
    words = ["deploy", "--l1", NOBODY, "--sequencer", ADDRESS, "--key-file", str(tmp_path / "no.key")]
    assert said(words).startswith("Error: the key file ")


def test_an_l1_that_is_not_started_is_named_with_what_starts_one(tmp_path: Path) -> None:
    key = tmp_path / "some.key"
    key.write_text(KEY)
    words = ["deploy", "--l1", NOBODY, "--sequencer", ADDRESS, "--key-file", str(key)]
    assert said(words) == (
        "Error: L1 at 127.0.0.1:1 gave no whole answer in 5 attempts; the last one: ConnectionError\n"
        "Next:  Check --l1, and that L1 runs (`anh devnet` starts one); roles go on by themselves.\n"
    )
