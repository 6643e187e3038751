"""`anh follower`: rebuilds the L2 from L1 and serves it to wallets; executes what it is asked for."""

import logging
import os
from contextlib import closing
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import click
from rich.console import Console

from anh_rollup.cli.cluster_options import engine_options, joined, with_cluster
from anh_rollup.cli.connecting import open_rollup, require_followed
from anh_rollup.cli.display import progress
from anh_rollup.cli.on_demand import make_evaluator
from anh_rollup.cli.options import (
    UsageError,
    beacon_option,
    blob_store_option,
    deployment_option,
    interval_option,
    l1_option,
    l2_option,
    listen_option,
    parse_endpoint,
    parse_listen,
)
from anh_rollup.client.l2 import L2Client, L2UnreachableError
from anh_rollup.cluster.closures import ClusterPool
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.config import FollowerConfig
from anh_rollup.follower.chain import is_given
from anh_rollup.follower.memory import FollowerMemory
from anh_rollup.follower.sequencer_client import SequencerClient
from anh_rollup.follower.service import Follower, Parts
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import open_store
from anh_rollup.l1.deployment import Deployment
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.ledger_view import LedgerView
from anh_rollup.l1.ledger_watch import LedgerWatch
from anh_rollup.l1.order_reader import OrderReader, genesis_of, open_archive, rules_of
from anh_rollup.l1.transport import Patience
from anh_rollup.node import AtStop, HttpService, PollingService, Service, run_node
from anh_rollup.rpc.origins import ANY
from anh_rollup.rpc.server import make_app
from anh_rollup.rpc.service import WorldService
from anh_rollup.world.inference import Inference
from anh_rollup.world.worker_pool import HERE, Engines, WorkerPool
from anh_rollup.world.world import World

LOG = logging.getLogger(__name__)


class OriginOptionError(UsageError):
    """A word that should be a web page's origin.

    Attributes:
        word: The word.
    """

    def __init__(self, word: str) -> None:
        super().__init__(
            f"{word[:80]!r} is no origin of a web page",
            remedy="Give scheme and host in small letters, and the port if it has one: https://example.org.",
        )
        self.word = word


def origin_word(word: str) -> str:
    """`word`, where it is an origin as browsers send it: the type of `--allow-origin`.

    Raises:
        UsageError: It is something else.
    """
    parts = urlsplit(parse_endpoint(word))
    if word != f"{parts.scheme}://{parts.netloc}" or word != word.lower() or "@" in word:
        raise OriginOptionError(word)
    return word


@click.command(name="follower")
@l1_option()
@beacon_option()
@blob_store_option()
@deployment_option()
@l2_option(required=False)
@listen_option(8570)
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the L2's state.")
@interval_option("--interval", 2.0, "Seconds between two looks at L1.")
@interval_option("--l2-interval", 0.5, "Seconds between two looks at the sequencer.")
@engine_options(
    "what is independent is executed",
    "Processes that execute beside this one, default: cores - 1, at least 1; with ray: most tasks at a time.",
    least_workers=0,
)
@click.option(
    "--allow-origin",
    multiple=True,
    type=origin_word,
    metavar="ORIGIN",
    help="Web page that may ask; without it every page may.",
)
def follower_command(**options: object) -> None:
    """Rebuild the L2 from L1 and serve it to wallets.

    Newer blocks come from the sequencer at --l2, which also gets the transactions; without it L1 is all.

    \b
    Example:
      anh follower --l1 http://127.0.0.1:8545 --deployment deployment.json \\
        --l2 http://127.0.0.1:8560 --data ./follower --listen 127.0.0.1:8570
    """
    config = FollowerConfig.from_options(with_cluster(options, has_local_workers=True))
    # run_node returns when no loop is at work any more, so nothing writes to closed files.
    with (
        joined(config.cluster, config.workers) as cluster,
        closing(open_follower(config, Console(stderr=True), cluster)) as follower,
    ):
        run_node(follower_services(config, follower))


def open_follower(
    config: FollowerConfig, console: Console, cluster: Cluster | None = None
) -> Follower[World]:
    """A follower that has read L1 and its data folder; `close` it.

    Args:
        config: Its settings.
        console: Where progress is shown.
        cluster: What executes beside this process; None leaves it to processes of this machine.

    Raises:
        AnhError: L1 cannot be read, the data folder is another chain's, or --l2 is another rollup's.
    """
    client, deployment = open_rollup(config.l1_url, config.deployment)
    sequencer = None if config.l2_url is None else _sequencer(config.l2_url, deployment)
    memory = FollowerMemory(config.data / "follower.sqlite3")
    world = World(
        config.data / "world.sqlite3",
        genesis_of(deployment),
        rules_of(deployment),
        _engines(config, cluster),
        inference=Inference(make_evaluator),
    )
    archive = open_archive(config.data / "order.sqlite3", deployment)
    if not is_given(archive.marks(), memory, world):
        archive = archive.renewed()
    data = BatchDataReader(client, config.beacon_url, open_store(config.blobs))
    reader = OrderReader(deployment, client, data, archive=archive)
    with progress(console) as shown:
        task = shown.add_task("reading L1", total=None)

        def report(done: int, total: int) -> None:
            shown.update(task, description="taking in blocks", completed=done, total=total)

        follower = Follower(Parts(deployment, client, reader, world, memory, sequencer), report)
    head, cursor = follower.chain.head.header, reader.cursor
    LOG.info("L1 is read up to block %d, the L2 is known up to block %d", cursor.number, head.number)
    return follower


def follower_services(config: FollowerConfig, follower: Follower[World]) -> list[Service]:
    """A follower's services."""
    polling = partial(PollingService, passing=(TransientL1Error,))
    host, port = parse_listen(config.listen)
    watch = _watch(config)
    service = WorldService(follower, follower.world, ledger=lambda: watch.latest)
    app = make_app(follower, service=service, origins=config.allowed_origins or (ANY,))
    services: list[Service] = [
        polling("follower: L1", follower.follow_l1, config.interval),
        polling("follower: ledger claims", watch.look, config.interval),
        HttpService("follower: json-rpc", app, host, port),
        AtStop("follower: executions", follower.world.close),
    ]
    if config.l2_url is not None:
        services.append(polling("follower: sequencer", follower.follow_sequencer, config.l2_interval))
    return services


def _watch(config: FollowerConfig) -> LedgerWatch:
    """What looks at ledger claims, with a connection of its own: folding may take a while at the start."""
    client, deployment = open_rollup(config.l1_url, config.deployment)
    return LedgerWatch(
        LedgerView(deployment, client, BatchDataReader(client, config.beacon_url, open_store(config.blobs)))
    )


def _engines(config: FollowerConfig, cluster: Cluster | None = None) -> Engines:
    """What the world executes with; processes are started when there is enough for them."""
    if cluster is not None:
        return Engines(pool=ClusterPool(cluster))
    workers = max(1, usable_cores() - 1) if config.workers is None else config.workers
    return Engines(pool=WorkerPool(workers)) if workers else HERE


def usable_cores() -> int:
    """Cores that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)  # Linux alone has it
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _sequencer(url: str, deployment: Deployment) -> SequencerClient:
    """The sequencer, which may be away: then L1 is followed.

    Raises:
        OtherRollupError: It serves another rollup.
    """
    try:
        require_followed(url, deployment, L2Client(url, Patience(5.0, 1)).followed())
    except L2UnreachableError as error:
        LOG.warning("%s; L1 is followed meanwhile", error.message)
    return SequencerClient(url)
