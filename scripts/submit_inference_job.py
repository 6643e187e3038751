"""Orders the answers of a trained network for the digits' test images, with web3.py.

    python -m scripts.submit_inference_job --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 \
        --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user \
        --model 0xROOT --from http://...

The accountant answers from the float network at full speed; the property asks that each answer is close to
the exact one. Root and address of the model are what `scripts.watch` ends with.
"""

import sys
from pathlib import Path

from anh_rollup.cli.job_checks import require_light, scored_properties
from anh_rollup.cli.options import parse_digest, parse_ether
from anh_rollup.client.ordering import PlacedOrder, Report
from anh_rollup.encoding.artifacts import Dataset
from anh_rollup.primitives import Seconds
from anh_rollup.protocol.jobs import Job, JobKind, Property
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy
from scripts import digits
from scripts.chains import Rollup, key_option, rollup_of, rollup_options, run
from scripts.submit_training_job import TIME_TO_CLAIM, order, show

EXAMPLE = """python -m scripts.submit_inference_job --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 \\
    --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user \\
    --model 0x5c50... --from http://127.0.0.1:8650"""


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
        deadline=Seconds(now + TIME_TO_CLAIM),
        uri=folder.resolve().as_uri(),
    )


def submit(
    rollup: Rollup, folder: Path, model: tuple[bytes, str], reward: int, report: Report
) -> PlacedOrder:
    """Orders the job; its position when this returns. `model` is its root and where it is.

    Raises:
        JobTooHeavyError: No accountant would take the job.
        AnhError: The model cannot be had, or a chain refuses.
    """
    store = ArtifactStore(folder, RemotePolicy(private_hosts=True))
    job = inference_job(store, *model, rollup.l1.eth.get_block("latest")["timestamp"])
    require_light(scored_properties(store, job.properties))
    return order(rollup, job, reward, report)


def main() -> None:
    """Orders the job and prints its position."""
    parser = rollup_options("Order the answers of a trained network.", EXAMPLE)
    key_option(parser)
    parser.add_argument(
        "--store", type=Path, required=True, metavar="FOLDER", help="for the job's artifacts; roles read it"
    )
    parser.add_argument(
        "--model", type=parse_digest, required=True, metavar="ROOT", help="root of the trained model"
    )
    parser.add_argument("--from", dest="source", default="", metavar="URI", help="where the model is")
    parser.add_argument(
        "--reward",
        type=parse_ether,
        default="0.25",
        metavar="ETHER",
        help="for the accountant (default 0.25)",
    )
    arguments = parser.parse_args()
    rollup, model = rollup_of(arguments), (arguments.model, arguments.source)
    placed = submit(rollup, arguments.store, model, arguments.reward, lambda line: print(line, flush=True))
    show(placed, arguments)


if __name__ == "__main__":
    sys.exit(run(main))
