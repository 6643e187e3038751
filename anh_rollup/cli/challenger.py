"""`anh challenger`: computes every claim again, about results and the ledger, and refutes the false ones."""

import time
from functools import partial
from pathlib import Path

import click

from anh_rollup.challenger.examine import Examiner
from anh_rollup.challenger.service import Challenger
from anh_rollup.challenger.strategy import Budget
from anh_rollup.cli.cluster_options import joined, with_cluster
from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.display import Display
from anh_rollup.cli.ledger_player import ledger_service
from anh_rollup.cli.on_demand import make_evaluator
from anh_rollup.cli.options import (
    beacon_option,
    blob_store_option,
    count_option,
    deployment_option,
    key_option,
    l1_option,
    read_account,
)
from anh_rollup.cli.role_options import fetching_options, round_options, work_options
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.config import ChallengerConfig
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import open_store
from anh_rollup.l1.disputes import DisputeChain, Freshness
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.strategy import Policy
from anh_rollup.node import AtStop, PollingService, Service, run_node
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.remote import RemotePolicy


@click.command(name="challenger")
@l1_option()
@deployment_option()
@key_option("the challenger's")
@click.option("--store", type=click.Path(path_type=Path), required=True, help="Folder for fetched artifacts.")
@beacon_option()
@blob_store_option()
@count_option("--budget", Budget().most_bonds, "Most wei in bonds and fees at any time.")
@count_option("--most-demand-fees", None, "Most wei in demand fees for a claim; default: the prize for it.")
@count_option("--most-lost-fees", None, "Most wei in fees that no prize makes up for; default: four prizes.")
@work_options("claims")
@fetching_options()
@round_options()
def challenger_command(**options: object) -> None:
    """Watch claims and refute the false ones.

    \b
    Example:
      anh challenger --l1 http://127.0.0.1:8545 --deployment deployment.json \\
        --key-file challenger.key --store ./checked --most-lag 60
    """
    config = ChallengerConfig.from_options(with_cluster(options))
    with joined(config.cluster, config.workers) as cluster:
        run_node(challenger_services(config, cluster))


def challenger_services(config: ChallengerConfig, cluster: Cluster | None = None) -> list[Service]:
    """Wires a challenger's services.

    Args:
        config: Its settings.
        cluster: What evaluates samples beside this process, if anything does; it is closed at the end.

    Raises:
        AnhError: The configuration does not fit the chain.
    """
    account = read_account(config.key_file)
    client, deployment = open_rollup(config.l1_url, config.deployment)
    sender = TransactionSender(client, account)
    policy = RemotePolicy(file_roots=config.allowed_folders, private_hosts=config.private_hosts)
    data, freshness = (
        BatchDataReader(client, config.beacon_url, open_store(config.blobs)),
        Freshness(config.most_lag, time.time),
    )
    order = OrderReader(deployment, client, data)
    store = ArtifactStore(config.store, policy, most_cache=config.most_cache)
    challenger = Challenger(
        chain=DisputeChain(deployment, sender, freshness),
        examiner=Examiner(
            store, make_evaluator(cluster, Display()), order, deployment.l2_chain_id, config.most_work
        ),
        budget=Budget(
            most_bonds=config.budget,
            most_demand_fees=config.most_demand_fees,
            most_lost_fees=config.most_lost_fees,
        ),
    )
    polling = partial(PollingService, interval=config.interval, passing=(TransientL1Error,))
    checking = Policy(challenges=True, most_bonds=config.budget)
    played = LedgerDisputes(deployment, sender, freshness), InboxReader(deployment, client, data)
    return [
        polling("challenger: play", challenger.play),
        polling("challenger: examine", challenger.examine, close=challenger.close),
        ledger_service("challenger", *played, checking, config.interval),
        *([] if cluster is None else [AtStop("challenger: cluster", cluster.close)]),
    ]
