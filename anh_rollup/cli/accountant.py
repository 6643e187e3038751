"""`anh accountant`: does jobs, claims their results, defends the claims, and serves its artifacts."""

import time
from functools import partial
from pathlib import Path
from typing import Final

import click

from anh_rollup.accountant.called import Ask, CalledJobs
from anh_rollup.accountant.called_lapses import CalledLapser
from anh_rollup.accountant.conduct import HONEST
from anh_rollup.accountant.drafts import Drafts
from anh_rollup.accountant.drills import DRILLS, find_drill
from anh_rollup.accountant.service import Accountant
from anh_rollup.accountant.strategy import Conditions
from anh_rollup.accountant.work import Worker
from anh_rollup.cli.cluster_options import joined, with_cluster
from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.display import Display
from anh_rollup.cli.ledger_player import ledger_service
from anh_rollup.cli.on_demand import make_answerer, make_evaluator, make_trainer
from anh_rollup.cli.options import (
    FreePortError,
    beacon_option,
    blob_store_option,
    count_option,
    deployment_option,
    key_option,
    l1_option,
    listen_option,
    parse_endpoint,
    parse_listen,
    read_account,
)
from anh_rollup.cli.role_options import fetching_options, round_options, work_options
from anh_rollup.client.called_jobs import called_jobs
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.wording import show_ether
from anh_rollup.cluster.cluster import Cluster
from anh_rollup.config import AccountantConfig
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.blob_store import open_store
from anh_rollup.l1.disputes import DisputeChain, Freshness
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.inbox_reader import InboxReader
from anh_rollup.l1.ledger_disputes import LedgerDisputes
from anh_rollup.l1.ledger_view import LEDGER_DEPTH
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.ledger_player.strategy import Policy
from anh_rollup.node import AtStop, HttpService, PollingService, Service, run_node
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.storage.http_server import make_app
from anh_rollup.storage.remote import RemotePolicy
from anh_rollup.training.engines import AnsweringEngine

#: What an accountant works for where nothing else is given.
USUAL: Final = Conditions()


@click.command(name="accountant")
@l1_option()
@deployment_option()
@key_option("the accountant's")
@click.option("--store", type=click.Path(path_type=Path), required=True, help="Folder of the artifact store.")
@listen_option(8650, "Where to serve the store.")
@click.option(
    "--public-url",
    type=parse_endpoint,
    metavar="URL",
    help="How others reach the store; default http://<listen>.",
)
@beacon_option()
@blob_store_option()
@count_option("--least-reward", USUAL.least_reward, "Smallest reward to work for, in wei.")
@count_option("--least-time", USUAL.least_time, "Least seconds to a job's deadline.")
@count_option(
    "--reserved-games",
    USUAL.reserved_games,
    "Games over each own claim whose gas stays in the account, or no bond is paid.",
)
@work_options("jobs")
@fetching_options()
@round_options()
@count_option(
    "--ledger-claims",
    None,
    "Claim the ledger, with a bond, whenever so many seconds have passed since the last claim.",
)
@count_option("--ledger-depth", LEDGER_DEPTH, "L1 blocks above a batch before the ledger is claimed.")
@click.option(
    "--follower",
    "follower_url",
    type=parse_endpoint,
    metavar="URL",
    default=None,
    help="A follower's JSON-RPC: do what contracts wait for there, too.",
)
@click.option(
    "--answers-with",
    type=click.Choice([each.value for each in AnsweringEngine]),
    default="auto",
    show_default=True,
    help="What answers.",
)
@click.option(
    "--unchecked-answers",
    "checks_answers",
    is_flag=True,
    flag_value=False,
    default=True,
    help="Claim answers without evaluating them: one that is too far off costs the bond.",
)
@click.option("--drill", type=click.Choice(list(DRILLS)), default=None, help="Lie in one way (tests only).")
def accountant_command(**options: object) -> None:
    """Do jobs for their rewards and defend the claims.

    \b
    Example:
      anh accountant --l1 http://127.0.0.1:8545 --deployment deployment.json \\
        --key-file accountant.key --store ./artifacts --listen 127.0.0.1:8650
    """
    config = AccountantConfig.from_options(with_cluster(options))
    if options["public_url"] is None and parse_listen(config.listen)[1] == 0:
        raise FreePortError
    with joined(config.cluster, config.workers) as cluster:
        run_node(accountant_services(config, cluster))


def introduce(address: str, url: str, balance: int) -> None:
    """Prints who works, where its artifacts are served, and its wei on L1; warns where there are none."""
    click.echo(f"account {address} with {show_ether(balance)} on L1")
    click.echo(f"artifacts are served at {url}")
    if balance == 0:
        click.echo("warning: without ether there is no bond and no claim; send some to the account on L1")


def accountant_services(config: AccountantConfig, cluster: Cluster | None = None) -> list[Service]:
    """Wires an accountant's services.

    Args:
        config: Its settings.
        cluster: What evaluates samples beside this process, if anything does; it is closed at the end.

    Raises:
        AnhError: The configuration does not fit the chain.
    """
    account = read_account(config.key_file)
    client, deployment = open_rollup(config.l1_url, config.deployment)
    policy = RemotePolicy(file_roots=config.allowed_folders, private_hosts=config.private_hosts)
    store = ArtifactStore(config.store, policy, most_cache=config.most_cache)
    conduct = HONEST if config.drill is None else find_drill(config.drill)
    data, sender = (
        BatchDataReader(client, config.beacon_url, open_store(config.blobs)),
        TransactionSender(client, account),
    )
    freshness = Freshness(config.most_lag, time.time)
    order = OrderReader(deployment, client, data)
    called = CalledJobs(order, _asking(config.follower_url))
    display = Display()
    conditions = Conditions(config.least_reward, config.least_time, reserved_games=config.reserved_games)
    accountant = Accountant(
        chain=DisputeChain(deployment, sender, freshness),
        account=account,
        order=called,
        worker=Worker(
            store,
            make_evaluator(cluster, display),
            make_trainer(store, conduct, display, conditions.claim_time, time.time),
            make_answerer(config.answers_with, store, display),
            config.most_work,
            config.checks_answers,
        ),
        drafts=Drafts(config.store),
        conditions=conditions,
        uri=config.public_url,
        conduct=conduct,
    )
    lapser = CalledLapser(
        called.called, accountant.chain.contracts.claims, sender, deployment.rules.settlement
    )
    introduce(str(account.address), config.public_url, client.balance(str(account.address)))
    polling = partial(PollingService, interval=config.interval, passing=(TransientL1Error,))
    claiming = Policy(config.ledger_claims, config.ledger_depth, reserved_games=config.reserved_games)
    played = LedgerDisputes(deployment, sender, freshness), InboxReader(deployment, client, data)
    ledger = ledger_service("accountant", *played, claiming, config.interval)
    host, port = parse_listen(config.listen)
    return [
        polling("accountant: defend", accountant.defend, close=accountant.close),
        polling("accountant: work", accountant.work),
        *([] if config.ledger_claims is None else [ledger]),
        *([] if config.follower_url is None else [polling("accountant: called jobs", called.poll)]),
        *([] if config.follower_url is None else [polling("accountant: lapses", lapser.step)]),
        *([] if cluster is None else [AtStop("accountant: cluster", cluster.close)]),
        HttpService("accountant: artifacts", make_app(config.store), host, port),
    ]


def _asking(follower_url: str | None) -> Ask:
    """How called jobs are asked for; without a follower there are none."""
    return tuple if follower_url is None else partial(called_jobs, L2Client(follower_url))
