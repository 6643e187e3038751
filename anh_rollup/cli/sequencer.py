"""`anh sequencer`: orders transactions, signs their positions, posts batches; executes nothing."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Final

import click
from eth_utils.address import to_checksum_address

from anh_rollup.cli.connecting import open_rollup
from anh_rollup.cli.options import (
    beacon_option,
    count_option,
    deployment_option,
    interval_option,
    key_option,
    l1_option,
    listen_option,
    parse_endpoint,
    parse_listen,
    read_account,
)
from anh_rollup.config import SequencerConfig
from anh_rollup.errors import AnhError
from anh_rollup.l1.blob_store import BlobStore
from anh_rollup.l1.errors import TransientL1Error
from anh_rollup.l1.order_reader import open_archive
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.l1.side_process import SideProcess
from anh_rollup.l1.sidecars import SidecarMaker
from anh_rollup.node import HttpService, PollingService, Service, run_node
from anh_rollup.rpc.faults import Faults
from anh_rollup.rpc.forwarding import Forwarding
from anh_rollup.rpc.server import Capacity, make_app
from anh_rollup.sequencer.chain import FORCED_DEPTH
from anh_rollup.sequencer.journal import Journal
from anh_rollup.sequencer.pool import PoolLimits
from anh_rollup.sequencer.sender_rates import SenderLimits
from anh_rollup.sequencer.service import Parts, Sequencer

FOLLOWER_HELP: Final = "Follower that is asked for what needs execution, so that wallets need one URL only."
POOL, SENDERS = PoolLimits(), SenderLimits()


class WrongKeyError(AnhError):
    """The key is not the one of the deployment's sequencer.

    Attributes:
        found: The key's address.
        expected: The sequencer's.
    """

    def __init__(self, found: str, expected: str) -> None:
        super().__init__(
            f"the key is that of {found}, and the deployment's sequencer is {expected}",
            remedy="Use the sequencer's key file, or the other deployment's file.",
        )
        self.found = found
        self.expected = expected


@click.command(name="sequencer")
@l1_option()
@deployment_option()
@key_option("the sequencer's")
@click.option("--data", type=click.Path(path_type=Path), required=True, help="Folder of the journal.")
@beacon_option()
@listen_option(8560)
@click.option("--follower", "follower_url", type=parse_endpoint, metavar="URL", help=FOLLOWER_HELP)
@interval_option("--block-interval", 0.5, "Seconds between two blocks at least.")
@interval_option("--post-interval", 2.0, "Seconds between two batches at least.")
@count_option("--forced-depth", FORCED_DEPTH, "L1 blocks above a forced transaction.")
@count_option("--most-unposted", None, "Bytes that may wait for L1; default: what the force delay allows.")
@count_option("--pool-size", POOL.most, "Transactions that may wait for lower nonces.")
@count_option("--pool-bytes", POOL.most_bytes, "Bytes of those.")
@count_option("--pool-per-sender", POOL.per_sender, "How far a nonce may be ahead; 0 lets none wait.")
@interval_option("--pool-seconds", POOL.seconds, "How long a transaction waits at most.")
@count_option("--replacement-percent", POOL.bump, "How much more a replacement pays.")
@count_option("--sender-rate", SENDERS.transactions, "Transactions a second of one sender.", 1)
@count_option("--sender-bytes", SENDERS.size, "Bytes of transactions a second of one sender.", 1)
@count_option("--fault-rate", 100, "Errors a second of one network address, then it waits; 0 for any number.")
@click.option("--calldata", is_flag=True, help="Post calldata even where L1 has blobs.")
@click.option("--new-journal", is_flag=True, help="Begin an empty journal on an L2 that has batches.")
@click.option("--no-refunds", is_flag=True, help="Give no rewards back that nobody has earned.")
def sequencer_command(**options: object) -> None:
    """Order L2 transactions and post them to L1.

    \b
    Example:
      anh sequencer --l1 http://127.0.0.1:8545 --deployment deployment.json \\
        --key-file sequencer.key --data ./sequencer --listen 127.0.0.1:8560
    """
    config = SequencerConfig.from_options(options)
    # run_node returns when no loop is at work any more, so nothing writes to a closed journal.
    with closing(open_sequencer(config)) as sequencer:
        run_node(sequencer_services(config, sequencer))


def open_sequencer(config: SequencerConfig) -> Sequencer:
    """A sequencer that has read its journal and L1; `close` it.

    Raises:
        AnhError: The configuration does not fit the chain, or the journal does not fit the deployment.
    """
    account = read_account(config.key_file)
    client, deployment = open_rollup(config.l1_url, config.deployment)
    if to_checksum_address(account.address) != deployment.sequencer:
        raise WrongKeyError(account.address, deployment.sequencer)
    blobs, side = BlobStore(config.data / "blobs"), SideProcess()
    return Sequencer(
        Parts(
            deployment,
            TransactionSender(client, account, sidecars=SidecarMaker(side, blobs).make),
            account,
            Journal(config.data / "journal.sqlite3"),
            forced_depth=config.forced_depth,
            most_unposted=config.most_unposted,
            post_interval=config.post_interval,
            force_calldata=config.calldata,
            new_journal=config.new_journal,
            pool=PoolLimits(
                per_sender=config.pool_per_sender,
                most=config.pool_size,
                most_bytes=config.pool_bytes,
                seconds=config.pool_seconds,
                bump=config.replacement_percent,
            ),
            senders=SenderLimits(config.sender_rate, config.sender_bytes),
            refunds=not config.no_refunds,
            beacon_url=config.beacon_url,
            blobs=blobs,
            archive=open_archive(config.data / "order.sqlite3", deployment),
            side=side,
        )
    )


def sequencer_services(config: SequencerConfig, sequencer: Sequencer) -> list[Service]:
    """A sequencer's services."""
    polling = partial(PollingService, passing=(TransientL1Error,))
    host, port = parse_listen(config.listen)
    capacity = Capacity(faults=Faults(config.fault_rate))
    forwarding = None if config.follower_url is None else Forwarding(config.follower_url)
    app = make_app(sequencer, capacity, forwarding=forwarding)
    return [
        polling("sequencer: follow", sequencer.follow, config.block_interval),
        polling("sequencer: seal", sequencer.seal, config.block_interval),
        polling("sequencer: post", sequencer.post, config.post_interval),
        HttpService("sequencer: json-rpc", app, host, port),
    ]
