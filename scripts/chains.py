"""What these scripts share: both chains through web3.py, the contracts by their shipped ABI, errors in words.

It needs this package installed: key files, ABIs, the deployment file and the words of errors come from there.
The package's own clients of the chains are not used.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from eth_account.signers.local import LocalAccount
from eth_typing import ChecksumAddress
from web3 import HTTPProvider, Web3
from web3.contract import Contract
from web3.exceptions import BlockNotFound, ContractLogicError, Web3Exception, Web3RPCError
from web3.types import EventData, RPCEndpoint, TxParams, TxReceipt

from anh_rollup.cli.connecting import require_followed
from anh_rollup.cli.follow_up import as_called, interpreter
from anh_rollup.cli.options import parse_endpoint, read_account
from anh_rollup.cli.root import exit_code
from anh_rollup.client.l2 import Followed
from anh_rollup.errors import AnhError
from anh_rollup.l1.abi import load_artifact
from anh_rollup.l1.deployment import Deployment, read_deployment, require_parent
from anh_rollup.l1.reverts import decode_revert
from anh_rollup.l1.transport import revert_data

#: Seconds between two looks at a chain.
LOOK_SECONDS: Final = 1.0


class UnreachableError(AnhError):
    """Nobody answers at an endpoint.

    Attributes:
        url: The endpoint.
    """

    def __init__(self, url: str) -> None:
        super().__init__(
            f"no JSON-RPC endpoint answers at {url}", remedy="Check --l1 and --l2; `anh devnet` starts both."
        )
        self.url = url


class ChainRefusedError(AnhError):
    """A chain refuses a request, or a transaction failed.

    Attributes:
        reason: The node's words.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(f"the chain refuses: {reason}", remedy="Mend what it names, and run this again.")
        self.reason = reason


class OtherChainError(AnhError):
    """An endpoint serves another chain than the deployment file names.

    Attributes:
        url: The endpoint.
        expected: The chain id of the file.
        found: The endpoint's.
    """

    def __init__(self, url: str, expected: int, found: int) -> None:
        super().__init__(
            f"{url} serves chain {found}, the deployment file is about chain {expected}",
            remedy="Check --l1, --l2 and --deployment: they belong together.",
        )
        self.url, self.expected, self.found = url, expected, found


@dataclass(frozen=True, slots=True)
class Rollup:
    """Both chains of a rollup, and an account on them.

    Attributes:
        l1: The L1.
        l2: The L2.
        deployment: Where the contracts are on L1.
        account: Who signs.
    """

    l1: Web3
    l2: Web3
    deployment: Deployment
    account: LocalAccount

    @property
    def address(self) -> ChecksumAddress:
        """The account's address."""
        return Web3.to_checksum_address(self.account.address)

    def contract(self, name: str) -> Contract:
        """A contract on L1: `Inbox`, `Claims`, `Game`, `Bonds`."""
        return contract_at(self.l1, name, self.deployment.addresses[name.lower()])


def contract_at(web3: Web3, name: str, address: str) -> Contract:
    """A web3.py contract from the ABI that the package ships."""
    abi: Any = list(load_artifact(name).entries)
    return web3.eth.contract(address=Web3.to_checksum_address(address), abi=abi)


def connect(url: str, chain_id: int | None = None) -> Web3:
    """A connection over HTTP, to a chain of this id where one is given.

    Raises:
        UnreachableError: Nobody answers.
        OtherChainError: It is another chain.
    """
    web3 = Web3(HTTPProvider(url))
    if not web3.is_connected():
        raise UnreachableError(url)
    if chain_id is not None and web3.eth.chain_id != chain_id:
        raise OtherChainError(url, chain_id, web3.eth.chain_id)
    return web3


def connect_rollup(l1_url: str, l2_url: str, deployment_file: Path, account: LocalAccount) -> Rollup:
    """Connections to both chains of a deployment file, for an account.

    Raises:
        AnhError: See `connect_chains`.
    """
    l1, l2, deployment = connect_chains(l1_url, l2_url, deployment_file)
    return Rollup(l1, l2, deployment, account)


def connect_chains(l1_url: str, l2_url: str, deployment_file: Path) -> tuple[Web3, Web3, Deployment]:
    """Connections to the L1 and the L2 of a deployment file, and what it says.

    Raises:
        OtherRollupError: The L2 follows another rollup: deposits by the file would not reach it.
        AnhError: The file is none, a chain does not answer, or is another one.
    """
    deployment = read_deployment(deployment_file)
    l1, l2 = connect_l1(l1_url, deployment), connect(l2_url, deployment.l2_chain_id)
    require_followed(l2_url, deployment, Followed.from_answer(ask(l2, "anh_syncStatus")))
    return l1, l2, deployment


def connect_l1(url: str, deployment: Deployment) -> Web3:
    """A connection to the L1 of a deployment.

    Raises:
        UnreachableError: Nobody answers.
        OtherChainError: It is another chain.
        OtherL1Error: It is another chain of the same id.
    """
    l1 = connect(url, deployment.l1_chain_id)
    try:
        found = bytes(l1.eth.get_block(deployment.block)["hash"])
    except BlockNotFound:
        found = None
    require_parent(deployment, found)
    return l1


def send(web3: Web3, account: LocalAccount, call: Any, value: int = 0) -> TxReceipt:
    """Signs and sends a contract call or a creation; its receipt, once it is mined.

    Args:
        web3: The chain.
        account: Who signs.
        call: `contract.functions.name(...)`, or `contract.constructor(...)`.
        value: Wei to send along.

    Raises:
        ChainRefusedError: The transaction was mined and failed.
    """
    sender = Web3.to_checksum_address(account.address)
    nonce = web3.eth.get_transaction_count(sender, "pending")
    asked: TxParams = {"from": sender, "nonce": nonce, "value": Web3.to_wei(value, "wei")}
    signed = account.sign_transaction(call.build_transaction(asked))
    sent = web3.eth.send_raw_transaction(signed.raw_transaction)
    receipt = web3.eth.wait_for_transaction_receipt(sent)
    if receipt["status"] != 1:
        raise ChainRefusedError(f"transaction {sent.to_0x_hex()} failed")
    return receipt


def ask(web3: Web3, method: str, *parameters: Any) -> Any:
    """The `result` of a method that web3.py does not know, such as `anh_getPosition`."""
    return web3.manager.request_blocking(RPCEndpoint(method), list(parameters))


def decoded(l1: Web3, contract: Contract, first: int, last: int) -> Iterator[EventData]:
    """Every event of a contract in a range of blocks, by its ABI."""
    logs = l1.eth.get_logs({"address": contract.address, "fromBlock": first, "toBlock": last})
    events: Any = contract.events
    by_topic = {each().topic: each for each in events}
    for log in logs:
        yield by_topic[log["topics"][0].to_0x_hex()]().process_log(log)


def example_parser(summary: str, example: str) -> argparse.ArgumentParser:
    """A parser whose help ends with an example, which begins with the script's name: `python -m MODULE`.

    Shown is the interpreter that runs it, as the shell needs it.
    """
    example = example.replace("python", interpreter(), 1)
    return argparse.ArgumentParser(
        prog=" ".join(example.split(" ")[:3]),
        description=summary,
        epilog=f"Example:\n  {example}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )


def rollup_options(summary: str, example: str) -> argparse.ArgumentParser:
    """An `example_parser` with the options that lead to a rollup."""
    parser = example_parser(summary, example)
    l1_option(parser)
    _url_option(parser, "--l2", "ANH_L2", "the L2's JSON-RPC")
    deployment_option(parser)
    return parser


def l1_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--l1`, read from `ANH_L1` where it is not given."""
    _url_option(parser, "--l1", "ANH_L1", "the L1 node's JSON-RPC")


def _url_option(parser: argparse.ArgumentParser, name: str, variable: str, what: str) -> None:
    set_there = os.environ.get(variable) or None
    parser.add_argument(
        name,
        type=parse_endpoint,
        default=set_there,
        required=set_there is None,
        metavar="URL",
        help=f"{what} (environment: {variable})",
    )


def deployment_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--deployment`, read from `ANH_DEPLOYMENT` where it is not given."""
    parser.add_argument(
        "--deployment",
        type=Path,
        default=os.environ.get("ANH_DEPLOYMENT") or "deployment.json",
        metavar="FILE",
        help="the deployment file (environment: ANH_DEPLOYMENT; default deployment.json)",
    )


def key_option(parser: argparse.ArgumentParser) -> None:
    """Adds `--key-file`; a key on the command line would stay in the shell's history."""
    parser.add_argument(
        "--key-file", type=Path, required=True, metavar="FILE", help="one private key, 64 hexadecimal digits"
    )


def rollup_of(arguments: argparse.Namespace) -> Rollup:
    """The rollup of the options above.

    Raises:
        AnhError: See `connect_rollup` and `read_account`.
    """
    account = read_account(arguments.key_file)
    return connect_rollup(arguments.l1, arguments.l2, arguments.deployment, account)


def explain(error: Exception) -> AnhError:
    """What web3.py raised, as one of our errors."""
    if isinstance(error, ContractLogicError):
        return decode_revert(revert_data(error.data), str(error))
    if isinstance(error, Web3RPCError) and error.rpc_response is not None:
        return ChainRefusedError(str(error.rpc_response["error"]["message"]))
    return ChainRefusedError(f"{type(error).__name__}: {error}")


def run(script: Callable[[], None]) -> int:
    """Runs a script; the exit code. Errors are told with what to do next, without a traceback."""
    try:
        script()
    except (AnhError, Web3Exception, OSError) as error:
        known = error if isinstance(error, AnhError) else explain(error)
        print(as_called(f"Error: {known.message}\nNext:  {known.remedy}"), file=sys.stderr)
        return exit_code(known)
    except KeyboardInterrupt:
        return 130
    return 0
