"""Orders the training of a small convolutional network on scikit-learn's handwritten digits.

    USER_KEY=0x... python -m scripts.submit_training_job --l1 http://127.0.0.1:8545 \
        --l2 http://127.0.0.1:8560 --deployment deployment.json --store ./user

An order is an ordinary Ethereum transaction to the DNN system address: any wallet or library can send it.
Copy this file and replace `digits_job` by what you want to have trained. The private key is read from the
environment variable USER_KEY.
"""

import argparse
import os
import sys
from pathlib import Path

from eth_account import Account

from anh_rollup.cli.l2 import L2Client
from anh_rollup.cli.options import parse_ether
from anh_rollup.cli.ordering import Customer, PlacedOrder, Report, place_order
from anh_rollup.errors import AnhError
from anh_rollup.l1.client import L1Client
from anh_rollup.l1.deployment import load_deployment
from anh_rollup.protocol.jobs import NO_ROOT, Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.training.hints import encode_hints
from scripts import digits

#: Seconds from now to the job's deadline.
TIME_TO_CLAIM = 3_600

#: Least number of right answers of 360: 0.97 would be 349.2.
LEAST_RIGHT = 350


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
        deadline=now + TIME_TO_CLAIM,
        uri=folder.resolve().as_uri(),
    )


def submit(customer: Customer, folder: Path, reward: int, report: Report) -> PlacedOrder:
    """Orders the job; its position when this returns.

    Raises:
        AnhError: A chain refuses, or does not answer.
    """
    job = digits_job(ArtifactStore(folder), customer.l1.head().time)
    return place_order(customer, job, reward, report)


def connect(l1_url: str, l2_url: str, deployment: Path, key: str) -> Customer:
    """A user with connections to both chains.

    Raises:
        AnhError: A chain does not answer, or the deployment file is not of this chain.
    """
    l1 = L1Client.connect(l1_url)
    return Customer(Account.from_key(key), l1, L2Client(l2_url), load_deployment(deployment, l1))


def parse_arguments(description: str) -> argparse.ArgumentParser:
    """The options that ordering any job takes."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--l1", required=True, help="URL of the L1 node's JSON-RPC")
    parser.add_argument("--l2", required=True, help="URL of the L2's JSON-RPC")
    parser.add_argument("--deployment", type=Path, default=Path("deployment.json"))
    parser.add_argument("--store", type=Path, required=True, help="folder for the job's artifacts")
    parser.add_argument("--reward", default="1", help="ether for the accountant")
    return parser


def main() -> int:
    """Orders the job and prints its position; returns the exit code."""
    arguments = parse_arguments("Order the training of a network for digits.").parse_args()
    key = os.environ.get("USER_KEY")
    if not key:
        print("set USER_KEY to the user's private key", file=sys.stderr)
        return 1
    try:
        customer = connect(arguments.l1, arguments.l2, arguments.deployment, key)
        placed = submit(customer, arguments.store, parse_ether(arguments.reward), print)
    except AnhError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    for name, value in {"transaction": placed.hash, **placed.position}.items():
        print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
