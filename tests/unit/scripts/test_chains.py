"""What web3.py raises is told in words with what to do next."""

from pathlib import Path
from typing import Any

import pytest
from eth_account import Account
from eth_utils.crypto import keccak
from web3 import Web3
from web3.exceptions import BlockNotFound, ContractCustomError, TimeExhausted, Web3Exception, Web3RPCError

from anh_rollup.cli.connecting import OtherRollupError
from anh_rollup.cli.options import UsageError
from anh_rollup.errors import AnhError
from anh_rollup.l1.deployment import Deployment, Rules, predict_addresses
from anh_rollup.l1.errors import OtherL1Error
from scripts import chains
from scripts.chains import ChainRefusedError, UnreachableError, connect, explain, run

KEY = "0x" + "11" * 32


def failing(error: Exception) -> Any:
    def script() -> None:
        raise error

    return script


@pytest.mark.parametrize(
    ("raised", "told"),
    [
        (
            ContractCustomError("reverted", data="0x" + keccak(text="NothingWrong()")[:4].hex()),
            "the L1 contract refused: NothingWrong()",
        ),
        (
            Web3RPCError("long", rpc_response={"error": {"code": -32000, "message": "nonce too low"}}),
            "the chain refuses: nonce too low",
        ),
        (TimeExhausted("no receipt"), "the chain refuses: TimeExhausted: no receipt"),
        (Web3Exception("odd"), "the chain refuses: Web3Exception: odd"),
    ],
)  # fmt: skip
def test_errors_of_web3_become_ours(raised: Exception, told: str) -> None:
    known = explain(raised)
    assert isinstance(known, AnhError)
    assert known.message == told
    assert known.remedy != ""


def test_a_script_that_fails_says_what_to_do_next(capsys: pytest.CaptureFixture[str]) -> None:
    assert run(failing(ChainRefusedError("no"))) == 1
    assert capsys.readouterr().err == (
        "Error: the chain refuses: no\nNext:  Mend what it names, and run this again.\n"
    )


@pytest.mark.parametrize("raised", [ConnectionRefusedError("gone"), Web3Exception("odd")])
def test_foreign_errors_end_without_a_traceback(
    raised: Exception, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(failing(raised)) == 1
    assert capsys.readouterr().err.count("\n") == 2


def test_a_defect_is_not_swallowed() -> None:
    with pytest.raises(ZeroDivisionError):
        run(failing(ZeroDivisionError()))


def test_a_script_that_ends_well_returns_0() -> None:
    assert run(lambda: None) == 0


def test_ctrl_c_is_no_error() -> None:
    assert run(failing(KeyboardInterrupt())) == 130  # type: ignore[arg-type]


def test_an_endpoint_where_nobody_answers_is_named() -> None:
    with pytest.raises(UnreachableError) as refused:
        connect("http://127.0.0.1:1")
    assert refused.value.message == "no JSON-RPC endpoint answers at http://127.0.0.1:1"


def test_another_chain_than_the_deployments_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Eth:
        chain_id = 5

    class Stub:
        eth = Eth()

        def is_connected(self) -> bool:
            return True

    monkeypatch.setattr(chains, "Web3", lambda _provider: Stub())
    with pytest.raises(chains.OtherChainError) as refused:
        connect("http://127.0.0.1:8545", 7)
    assert (refused.value.expected, refused.value.found) == (7, 5)


def test_contracts_come_from_the_shipped_abi() -> None:
    inbox = chains.contract_at(Web3(), "Inbox", Account.from_key(KEY).address)
    call = inbox.encode_abi("deposit", [Account.from_key(KEY).address])
    assert call[2:10] == keccak(text="deposit(address)")[:4].hex()


def test_a_missing_deployment_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(AnhError, match="No such file"):
        chains.connect_rollup(
            "http://127.0.0.1:1", "http://127.0.0.1:1", tmp_path / "d.json", Account.create()
        )


def test_an_l2_of_another_rollup_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    addresses = predict_addresses(Account.from_key(KEY).address, 0)
    deployment = Deployment(1, 2, addresses["inbox"], 0, bytes(32), addresses, Rules())
    start = {"number": "0x0", "hash": "0x" + "00" * 32}
    told = {"inbox": addresses["claims"], "l1Start": start}
    monkeypatch.setattr(chains, "read_deployment", lambda _path: deployment)
    monkeypatch.setattr(chains, "connect", lambda *_: Web3())
    monkeypatch.setattr(chains, "connect_l1", lambda *_: Web3())
    monkeypatch.setattr(chains, "ask", lambda _web3, _method: told)
    ends = ("http://127.0.0.1:1", "http://127.0.0.1:2", Path("d.json"), Account.from_key(KEY))
    with pytest.raises(OtherRollupError) as refused:
        chains.connect_rollup(*ends)
    assert (refused.value.host, refused.value.found) == ("127.0.0.1:2", addresses["claims"])
    told["inbox"] = addresses["inbox"]
    assert chains.connect_rollup(*ends).deployment == deployment
    start["hash"] = "0x" + "ab" * 32
    with pytest.raises(OtherRollupError) as of_another_devnet:
        chains.connect_rollup(*ends)
    assert of_another_devnet.value.found == start["hash"]


@pytest.mark.parametrize("found", [b"\xab" * 32, None], ids=["another block", "no block"])
def test_the_l1_of_another_devnet_is_refused(found: bytes | None, monkeypatch: pytest.MonkeyPatch) -> None:
    class Eth:
        held: bytes | None = bytes(32)

        def get_block(self, number: int) -> dict[str, bytes]:
            if self.held is None:
                raise BlockNotFound(f"no block {number}")
            return {"hash": self.held}

    class Stub:
        eth = Eth()

    addresses = predict_addresses(Account.from_key(KEY).address, 0)
    deployment = Deployment(1, 2, addresses["inbox"], 0, bytes(32), addresses, Rules())
    monkeypatch.setattr(chains, "connect", lambda *_: Stub())
    assert chains.connect_l1("http://127.0.0.1:1", deployment) is not None
    Stub.eth.held = found
    with pytest.raises(OtherL1Error) as refused:
        chains.connect_l1("http://127.0.0.1:1", deployment)
    assert (refused.value.expected, refused.value.found) == (bytes(32), found)


VARIABLES = ("ANH_L1", "ANH_L2", "ANH_DEPLOYMENT")


@pytest.fixture
def no_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in VARIABLES:
        monkeypatch.delenv(name, raising=False)


def rollup_words(*words: str) -> tuple[str, str, Path]:
    given = chains.rollup_options("Do it.", "python -m scripts.it").parse_args(words)
    return given.l1, given.l2, given.deployment


@pytest.mark.usefixtures("no_variables")
def test_options_stand_before_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    words = ("--l1", "http://a:1", "--l2", "http://b:2")
    assert rollup_words(*words) == ("http://a:1", "http://b:2", Path("deployment.json"))
    for name, value in zip(VARIABLES, ("http://c:3", "http://d:4", "there.json"), strict=True):
        monkeypatch.setenv(name, value)
    assert rollup_words() == ("http://c:3", "http://d:4", Path("there.json"))
    assert rollup_words(*words, "--deployment", "here.json") == (
        "http://a:1", "http://b:2", Path("here.json"),
    )  # fmt: skip


@pytest.mark.usefixtures("no_variables")
@pytest.mark.parametrize("value", [None, ""])
def test_a_chain_that_nothing_names_is_asked_for(
    value: str | None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    if value is not None:
        monkeypatch.setenv("ANH_L2", value)
    with pytest.raises(SystemExit) as ended:
        rollup_words("--l1", "http://a:1")
    assert ended.value.code == 2
    assert capsys.readouterr().err.endswith(
        "python -m scripts.it: error: the following arguments are required: --l2\n"
    )


@pytest.mark.usefixtures("no_variables")
def test_a_variable_that_is_no_url_is_refused_like_the_option(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ANH_L1", "nowhere")
    with pytest.raises(UsageError):
        rollup_words("--l2", "http://b:2")
