"""Orders the training of a small convolutional network on scikit-learn's handwritten digits, with web3.py.

    python -m scripts.submit_training_job --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 \
        --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user

An order is an ordinary Ethereum transaction to the DNN system address: any wallet or library can send it.
Put a copy beside this file and replace `digits_job` by what you want to have trained.
"""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any, Final

from web3 import Web3
from web3.types import TxParams

from anh_rollup.cli.job_checks import require_light, scored_properties
from anh_rollup.cli.job_story import told_position
from anh_rollup.cli.options import parse_ether
from anh_rollup.client.ordering import PRICE_MARGIN, PlacedOrder, Report, check_position, wait_for
from anh_rollup.client.wording import show_ether
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.encoding.transactions import decode_signed, encode_record
from anh_rollup.primitives import ChainId, Seconds
from anh_rollup.protocol.jobs import DNN_ADDRESS, NO_ROOT, Job, JobKind, Property, order_calldata
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.training.hints import encode_hints
from scripts import digits
from scripts.chains import Rollup, ask, key_option, rollup_of, rollup_options, run, send

#: Seconds from now to the job's deadline.
TIME_TO_CLAIM: Final = 3_600

#: Least number of right answers of 360: 0.97 would be 349.2.
LEAST_RIGHT: Final = 350

EXAMPLE = """python -m scripts.submit_training_job --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 \\
    --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user"""


def digits_job(store: ArtifactStore, now: int) -> Job:
    """Puts programs, images and a recipe into a store; the job that names them.

    Args:
        store: A folder that accountants and challengers can read.
        now: L1 time.
    """
    images = digits.load()
    architecture = store.put_program(digits.architecture())
    store.put_recipe(architecture, encode_hints(digits.hints(store.put_dataset(images.train))))
    wanted = Property(
        program=store.put_program(digits.score_program()),
        dataset=store.put_dataset(images.test),
        threshold=LEAST_RIGHT,
    )
    folder = store.folder or Path()
    return Job(
        kind=JobKind.TRAINING,
        architecture=architecture,
        model=NO_ROOT,
        properties=(wanted,),
        deadline=Seconds(now + TIME_TO_CLAIM),
        uri=folder.resolve().as_uri(),
    )


def submit(rollup: Rollup, folder: Path, reward: int, report: Report) -> PlacedOrder:
    """Orders the job; its position when this returns. `reward` is in wei.

    Raises:
        JobTooHeavyError: No accountant would take the job.
        AnhError: A chain refuses.
    """
    store = ArtifactStore(folder)
    job = digits_job(store, rollup.l1.eth.get_block("latest")["timestamp"])
    require_light(scored_properties(store, job.properties))
    return order(rollup, job, reward, report)


def order(rollup: Rollup, job: Job, reward: int, report: Report) -> PlacedOrder:
    """Deposits what the L2 balance lacks, signs the order, sends it, and waits for its signed position.

    Raises:
        AnhError: A chain refuses, or the position is not signed by the sequencer that L1 names.
    """
    l2, sender = rollup.l2, rollup.address
    price = l2.eth.gas_price * PRICE_MARGIN
    transaction: TxParams = {
        "type": 2,
        "chainId": l2.eth.chain_id,
        "nonce": l2.eth.get_transaction_count(sender, "pending"),
        "from": sender,
        "to": Web3.to_checksum_address(DNN_ADDRESS),
        "value": Web3.to_wei(reward, "wei"),
        "data": order_calldata(job),
        "maxFeePerGas": Web3.to_wei(price, "wei"),
        "maxPriorityFeePerGas": Web3.to_wei(0, "wei"),
    }
    transaction["gas"] = l2.eth.estimate_gas(transaction)
    deposit(rollup, reward + transaction["gas"] * price, report)
    signable: dict[str, Any] = {**transaction}
    raw = bytes(rollup.account.sign_transaction(signable).raw_transaction)
    sent = l2.eth.send_raw_transaction(raw).to_0x_hex()
    report(f"eth_sendRawTransaction: {sent}")
    position = wait_for("the order's position", lambda: ask(l2, "anh_getPosition", sent))
    check_position(rollup.deployment, position)
    record = keccak256(encode_record(decode_signed(raw, ChainId(l2.eth.chain_id))))
    return PlacedOrder(sent, record, position)


def deposit(rollup: Rollup, needed: int, report: Report) -> None:
    """Deposits what the L2 balance lacks of an amount of wei, and waits until the L2 shows it."""
    held = cleared(rollup)
    if held >= needed:
        return
    report(f"deposit {show_ether(needed - held)} on L1: Inbox.deposit({rollup.address})")
    call = rollup.contract("Inbox").functions.deposit(rollup.address)
    send(rollup.l1, rollup.account, call, needed - held)
    wait_for("the deposit on the L2", lambda: cleared(rollup) >= needed or None)


def cleared(rollup: Rollup) -> int:
    """The account's wei on the L2 that fees and values can be paid with at once."""
    return int(ask(rollup.l2, "anh_getLedgerAccount", rollup.address)["cleared"], 16)


def show(placed: PlacedOrder, arguments: argparse.Namespace) -> None:
    """Prints where an order stands, and the command that follows it on the rollup of these options."""
    for line in told_position({"transaction": placed.hash, **placed.position}):
        print(line)
    places = ["--l1", arguments.l1, "--l2", arguments.l2, "--deployment", str(arguments.deployment)]
    following = shlex.join([sys.executable, "-m", "scripts.watch", placed.hash, *places])
    print(f"follow it with: {following}")


def main() -> None:
    """Orders the job and prints its position."""
    parser = rollup_options("Order the training of a network for handwritten digits.", EXAMPLE)
    key_option(parser)
    parser.add_argument(
        "--store", type=Path, required=True, metavar="FOLDER", help="for the job's artifacts; roles read it"
    )
    parser.add_argument(
        "--reward", type=parse_ether, default="1", metavar="ETHER", help="for the accountant (default 1)"
    )
    arguments = parser.parse_args()
    rollup, reward = rollup_of(arguments), arguments.reward
    show(submit(rollup, arguments.store, reward, lambda line: print(line, flush=True)), arguments)


if __name__ == "__main__":
    sys.exit(run(main))
