"""Real L1 chains for tests: anvil and Ganache on free ports, and a proxy that misbehaves on request."""

import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from eth_account.signers.local import LocalAccount

from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import Deployment, Rules, deploy
from anh_rollup.l1.fees import FeePolicy
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.transport import Patience, Transport

BINARIES = Path(__file__).resolve().parents[2] / "node_modules" / ".bin"

#: The development mnemonic that anvil and Ganache share.
MNEMONIC = "test test test test test test test test test test test junk"

#: Seconds for a chain process to come up on a busy machine.
START_SECONDS = 60.0

#: Quick enough for tests, patient enough for a busy machine.
QUICK = Patience(timeout=10.0, attempts=4, backoff=0.05)

#: Anvil with the accounts and the limit of a transaction's gas that tests rely on.
ANVIL = [str(BINARIES / "anvil"), "--silent", "--enable-tx-gas-limit", "--mnemonic", MNEMONIC]


@dataclass
class Chain:
    """A running development chain."""

    url: str
    client: L1Client
    accounts: list[LocalAccount]

    def request(self, method: str, *parameters: Any) -> Any:
        return self.client.transport.request(method, *parameters)

    def sender(self, index: int = 0, **policy: Any) -> TransactionSender:
        limits = FeePolicy(**{"bump_after": 3.0, "patience": 30.0, **policy})
        return TransactionSender(self.client, self.accounts[index], limits)

    def mine(self, blocks: int = 1) -> None:
        self.request("anvil_mine", hex(blocks))

    def deploy(self, rules: Rules | None = None) -> Deployment:
        return deploy(self.sender(), self.accounts[1].address, rules or Rules())


def development_accounts(count: int = 10) -> list[LocalAccount]:
    Account.enable_unaudited_hdwallet_features()
    paths = [f"m/44'/60'/0'/0/{index}" for index in range(count)]
    return [Account.from_mnemonic(MNEMONIC, account_path=path) for path in paths]


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def running(command: list[str]) -> Iterator[Chain]:
    port = free_port()
    process = subprocess.Popen(
        [*command, "--port", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    url = f"http://127.0.0.1:{port}"
    try:
        wait_until_up(url, process)
        yield Chain(url, L1Client(Transport(url, QUICK)), development_accounts())
    finally:
        process.terminate()
        process.wait(10)


def wait_until_up(url: str, process: "subprocess.Popen[bytes]") -> None:
    until = time.monotonic() + START_SECONDS
    while True:
        try:
            L1Client.connect(url, patience=Patience(1.0, 1))
        except AnhError:
            if time.monotonic() > until or process.poll() is not None:
                raise
            time.sleep(0.05)
        else:
            return


@pytest.fixture
def start_anvil() -> Iterator[Callable[..., Chain]]:
    """Starts anvil with more options; stops it at the end of the test."""
    opened: list[Any] = []

    def start(*options: str) -> Chain:
        context = running([*ANVIL, *options])
        opened.append(context)
        return context.__enter__()

    yield start
    for context in opened:
        context.__exit__(None, None, None)


@pytest.fixture
def anvil(start_anvil: Callable[..., Chain]) -> Chain:
    """A chain that mines every transaction at once."""
    return start_anvil()


GANACHE = [str(BINARIES / "ganache"), "--quiet", "--wallet.mnemonic", MNEMONIC, "--hardfork"]


@pytest.fixture
def ganache() -> Iterator[Chain]:
    """A chain without blobs: the latest that Ganache has."""
    with running([*GANACHE, "shanghai"]) as chain:
        yield chain


@pytest.fixture
def old_chain() -> Iterator[Chain]:
    """A chain without base fees, as before London; our contracts do not run there."""
    with running([*GANACHE, "berlin"]) as chain:
        yield chain


@dataclass
class Proxy:
    """Forwards to a chain, except for what `faults` says: a list of answers to give first.

    What `always` says is done where the list is empty.
    """

    url: str
    faults: list[str] = field(default_factory=list)
    always: str = ""
    seen: int = 0


@pytest.fixture
def proxy(anvil: Chain) -> Iterator[Proxy]:
    """In front of `anvil`; faults: "429", "half", "garbage", "close", "hang", "swallow" (no answer)."""
    state = Proxy("")

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            state.seen += 1
            body = self.rfile.read(int(self.headers["Content-Length"]))
            fault = state.faults.pop(0) if state.faults else state.always
            while fault == "hang" == state.always:
                time.sleep(0.05)
            if fault in ("", "half", "swallow"):
                answer = requests.post(
                    anvil.url, data=body, headers={"Content-Type": "application/json"}, timeout=10
                )
                self.reply(200, answer.content, fault)
            else:
                self.reply(int(fault) if fault.isdecimal() else 200, b"no json", fault)

        def reply(self, status: int, content: bytes, fault: str) -> None:
            if fault in ("close", "hang", "swallow"):
                self.close_connection = True
                return
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content[: len(content) // 2] if fault == "half" else content)
            self.close_connection = fault == "half"

        def log_message(self, *_: Any) -> None:
            return

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    state.url = f"http://127.0.0.1:{server.server_address[1]}"
    yield state
    server.shutdown()
    server.server_close()
    thread.join(5)
