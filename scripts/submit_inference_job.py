"""Orders the answers of a trained network for the digits' test images.

    USER_KEY=0x... python -m scripts.submit_inference_job --l1 http://127.0.0.1:8545 \
        --l2 http://127.0.0.1:8560 --deployment deployment.json \
        --store ./user --model 0xROOT --from http://...

The accountant answers from the float network at full speed; the property asks that each answer is close to
the exact one. The private key is read from the environment variable USER_KEY.
"""

import os
import sys
from pathlib import Path

from anh_rollup.cli.options import parse_digest, parse_ether
from anh_rollup.cli.ordering import Customer, PlacedOrder, Report, place_order
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.errors import AnhError
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from scripts import digits
from scripts.submit_training_job import TIME_TO_CLAIM, connect, parse_arguments


def inference_job(store: ArtifactStore, model: bytes, source: str, now: int) -> Job:
    """Puts programs, images and the model into a store; the job that names them.

    Args:
        store: A folder that accountants and challengers can read.
        model: Root of the trained model.
        source: Where the model is, if the store lacks it: the URI of the claim that it comes from.
        now: L1 time.
    """
    images = Dataset(digits.load().test.fields[:1])
    store.get_model(model, source)
    wanted = Property(
        program=store.put_program(digits.closeness_program()),
        dataset=store.put_dataset(images),
        threshold=images.count,
    )
    folder = store.folder or Path()
    return Job(
        kind=JobKind.INFERENCE,
        architecture=store.put_program(digits.architecture()),
        model=model,
        properties=(wanted,),
        deadline=now + TIME_TO_CLAIM,
        uri=folder.resolve().as_uri(),
    )


def submit(
    customer: Customer, folder: Path, model: tuple[bytes, str], reward: int, report: Report
) -> PlacedOrder:
    """Orders the job; its position when this returns. `model` is its root and where it is.

    Raises:
        AnhError: The model cannot be had, or a chain refuses.
    """
    store = ArtifactStore(folder, RemotePolicy(private_hosts=True))
    job = inference_job(store, *model, customer.l1.head().time)
    return place_order(customer, job, reward, report)


def main() -> int:
    """Orders the job and prints its position; returns the exit code."""
    parser = parse_arguments("Order the answers of a trained network.")
    parser.add_argument("--model", required=True, help="root of the trained model")
    parser.add_argument("--from", dest="source", default="", help="where the model is: the claim's URI")
    arguments = parser.parse_args()
    key = os.environ.get("USER_KEY")
    if not key:
        print("set USER_KEY to the user's private key", file=sys.stderr)
        return 1
    try:
        customer = connect(arguments.l1, arguments.l2, arguments.deployment, key)
        model = (parse_digest(arguments.model), arguments.source)
        placed = submit(customer, arguments.store, model, parse_ether(arguments.reward), print)
    except AnhError as error:
        print(f"{error.message}\n{error.remedy}", file=sys.stderr)
        return 1
    for name, value in {"transaction": placed.hash, **placed.position}.items():
        print(f"{name}: {value}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
