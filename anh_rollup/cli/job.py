"""`anh job`: order training or inference, and see what became of it."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from anh_rollup.cli.connecting import open_l2, open_rollup
from anh_rollup.cli.follow_up import command, command_here, look_closer
from anh_rollup.cli.job_lapse import lapse_of
from anh_rollup.cli.job_refund import refund_of
from anh_rollup.cli.job_story import (
    job_state,
    told_deadline,
    told_place,
    told_position,
    told_results,
    told_silence,
)
from anh_rollup.cli.job_wish import KINDS, JobWish, make_job, parse_property
from anh_rollup.cli.l1_view import L1View
from anh_rollup.cli.options import (
    FiniteRange,
    beacon_option,
    deployment_option,
    key_option,
    l1_option,
    l2_option,
    parse_digest,
    parse_ether,
    read_account,
    store_option,
    visible,
)
from anh_rollup.cli.unposted import unposted_job
from anh_rollup.client.called_jobs import called_jobs
from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import Customer, place_order
from anh_rollup.client.wording import short, show_ether
from anh_rollup.encoding.hashing import keccak256
from anh_rollup.errors import AnhError
from anh_rollup.l1.batch_data import BatchDataReader
from anh_rollup.l1.deployment import bind
from anh_rollup.l1.docket import ClaimRecord
from anh_rollup.l1.order_reader import OrderReader
from anh_rollup.l1.sender import TransactionSender
from anh_rollup.protocol.jobs import NO_ROOT
from anh_rollup.protocol.orders import OrderedJob
from anh_rollup.storage.artifacts import ArtifactStore


class NotOrderedError(AnhError):
    """A transaction that is not (yet) a job in the order on L1.

    Attributes:
        transaction: Its hash.
    """

    def __init__(self, transaction: bytes) -> None:
        super().__init__(
            f"no batch on L1 holds a job 0x{transaction.hex()}",
            remedy="Wait for its batch (--l2 shows its position), or look for it in `anh job list`.",
        )
        self.transaction = transaction


@click.group(name="job")
def job_group() -> None:
    """Order training or inference, and follow it.

    \b
    Example:
      anh job list --l1 http://127.0.0.1:8545 --deployment deployment.json
    """


@job_group.command(name="submit")
@l1_option()
@l2_option()
@deployment_option()
@key_option("the user's")
@store_option()
@click.option("--kind", type=click.Choice(list(KINDS)), default="training", show_default=True)
@click.option(
    "--architecture",
    type=parse_digest,
    metavar="ROOT",
    required=True,
    help="Root of the program to train or answer.",
)
@click.option(
    "--model",
    type=parse_digest,
    metavar="ROOT",
    default=NO_ROOT.hex(),
    help="Root of the model (inference only).",
)
@click.option(
    "--property", "properties", type=parse_property, multiple=True, required=True,
    metavar="PROGRAM:DATASET:LEAST",
    help="What the result must have; up to four.",
)  # fmt: skip
@click.option("--reward", type=parse_ether, metavar="ETHER", required=True, help="Ether for the accountant.")
@click.option(
    "--hours", type=FiniteRange(0.01, 8760), default=1.0, show_default=True, help="To the deadline."
)
@click.option("--uri", default="", help="Where others find the artifacts; default file:// of the store.")
def submit_command(
    l1_url: str,
    l2_url: str,
    deployment_path: Path,
    key_file: Path,
    store_url: str,
    **wanted: Any,
) -> None:
    """Order a job: deposit on L1 where it is needed, sign, send, show the position.

    Every artifact that the job names must be in the store; `anh model put` puts models there.

    \b
    Example:
      anh job submit --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8560 --key-file user.key \\
        --store ./artifacts --architecture 0x12.. --property 0x34..:0x56..:350 --reward 1
    """
    console = Console()
    wish = JobWish(**wanted)
    account = read_account(key_file)
    l1, deployment = open_rollup(l1_url, deployment_path)
    customer = Customer(account, l1, open_l2(l2_url, deployment), deployment)
    job = make_job(wish, ArtifactStore(store_url), l1.head().time)
    placed = place_order(
        customer, job, wish.reward, lambda line: console.print(visible(line), soft_wrap=True)
    )
    console.print(visible(f"ordered: {placed.hash}"), soft_wrap=True)
    for line in told_position(placed.position):
        console.print(visible(line), soft_wrap=True)
    for line in told_place(job.uri):
        console.print(visible(line), soft_wrap=True)
    following = follow_up(placed.hash, l1_url, l2_url, deployment_path)
    console.print(visible(f"follow it with: {following}"), soft_wrap=True)


def follow_up(transaction: str, l1_url: str, l2_url: str, deployment_path: Path) -> str:
    """The command that shows what becomes of an order, for a shell."""
    places = ["--l1", l1_url, "--l2", l2_url, "--deployment", str(deployment_path)]
    return command("job", "status", transaction, *places)


@job_group.command(name="status")
@click.argument("transaction", type=parse_digest)
@l1_option()
@deployment_option()
@beacon_option()
@l2_option(required=False)
def status_command(
    transaction: bytes, l1_url: str, deployment_path: Path, beacon_url: str | None, l2_url: str | None
) -> None:
    """Show a job: its position, its batch, its deadline, every claim about it.

    TRANSACTION is the hash that the L2 gave, or the record's hash that claims name. With --l2 the L2 is asked
    for its position, and for a job that still waits for its batch. A final claim comes with the
    command that shows its result.

    \b
    Example:
      anh job status 0x5c50.. --l1 http://127.0.0.1:8545 --deployment deployment.json
    """
    console = Console()
    view, reader = connect(l1_url, deployment_path, beacon_url)
    l2 = None if l2_url is None else open_l2(l2_url, view.deployment)
    hashes = hashes_by_record(reader)
    try:
        ordered = find_job(reader, transaction, hashes)
    except NotOrderedError:
        if l2 is None or (unposted := unposted_job(l2, transaction)) is None:
            raise
        show_position(console, l2, transaction)
        console.print(unposted)
        return
    if l2 is not None:
        show_position(console, l2, transaction)
    show_job(console, view, reader, ordered, hashes)


def show_position(console: Console, l2: L2Client, transaction: bytes) -> None:
    """Prints where the sequencer has put a transaction."""
    position = l2.position("0x" + transaction.hex())
    for line in ["position: none yet"] if position is None else told_position(position):
        console.print(visible(line), soft_wrap=True)


def show_job(
    console: Console,
    view: L1View,
    reader: OrderReader,
    ordered: OrderedJob,
    hashes: Mapping[bytes, bytes],
) -> None:
    """Prints a job in the order on L1: its place and state, its deadline, the claims about it, its result."""
    now, claims = view.client.head().time, view.docket.claims_of(ordered.transaction)
    settlement = view.deployment.rules.settlement
    state = states([ordered], view, reader, now)[ordered.transaction]
    console.print(job_table([ordered], view, reader, hashes, now))
    console.print(told_deadline(ordered.job, state, settlement), soft_wrap=True)
    if claims:
        console.print(claims_table(claims))
    for line in told_silence(ordered.job, claims, state):
        console.print(line, soft_wrap=True)
    look_closer(console, ("claim", "show"), [each.identifier for each in claims])
    for line in told_results(claims):
        console.print(visible(line), soft_wrap=True)


@job_group.command(name="list")
@l1_option()
@deployment_option()
@beacon_option()
@click.option("--all", "everything", is_flag=True, help="Also those whose reward is paid out or returned.")
def list_command(l1_url: str, deployment_path: Path, beacon_url: str | None, everything: bool) -> None:
    """List the jobs that wait for a final claim, as L1 has them.

    \b
    Example:
      anh job list --l1 http://127.0.0.1:8545 --deployment deployment.json --all
    """
    view, reader = connect(l1_url, deployment_path, beacon_url)
    jobs = reader.all_jobs() if everything else reader.unsettled_jobs()
    console, hashes = Console(), hashes_by_record(reader)
    if not jobs:
        hint = "" if everything else " wait for a final claim; --all shows the settled ones, too"
        console.print(f"no jobs{hint}", soft_wrap=True)
        console.print("an order shows up here once its batch is on L1", soft_wrap=True)
        seen = command_here("job", "status", "HASH", "--l2", "URL")
        console.print(f"before that see it with: {seen}", soft_wrap=True, highlight=False)
        return
    console.print(job_table(jobs, view, reader, hashes, view.client.head().time))
    look_closer(console, ("job", "status"), [hashes.get(each.transaction, each.transaction) for each in jobs])


@job_group.command(name="refund")
@click.argument("transaction", type=parse_digest)
@l1_option()
@deployment_option()
@key_option("anybody's")
@beacon_option()
def refund_command(
    transaction: bytes, l1_url: str, deployment_path: Path, key_file: Path, beacon_url: str | None
) -> None:
    """Give the reward of a job that nobody did back to who ordered it.

    TRANSACTION is the hash that the L2 gave, or the record's hash. Anybody may do it and pays L1's gas, once
    no claim can become final any more: `anh job status` says from when on. The sequencer does it by itself
    where the reward is worth the gas.

    \b
    Example:
      anh job refund 0x5c50.. --l1 http://127.0.0.1:8545 --deployment deployment.json --key-file user.key
    """
    account = read_account(key_file)
    view, reader = connect(l1_url, deployment_path, beacon_url)
    ordered = find_job(reader, transaction, hashes_by_record(reader))
    TransactionSender(view.client, account).send(refund_of(view, reader, ordered))
    back = f"{show_ether(ordered.reward)} go back to who ordered the job, with the next L2 block"
    Console().print(back, soft_wrap=True)


@job_group.command(name="lapse")
@click.argument("terms", type=parse_digest)
@l1_option()
@l2_option()
@deployment_option()
@key_option("anybody's")
def lapse_command(terms: bytes, l1_url: str, l2_url: str, deployment_path: Path, key_file: Path) -> None:
    """End a training that a contract has called for and that nobody has done.

    TERMS is the `terms` of `anh_getWaiting` at a follower, which --l2 has to be. Anybody may do it and pays
    L1's gas, once no claim can become final any more (`lapsesAt`). The call reverts with NotTrained, and what
    waits for it goes on. Accountants with --follower do it by themselves.

    \b
    Example:
      anh job lapse 0x5c50.. --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \\
        --deployment deployment.json --key-file user.key
    """
    account = read_account(key_file)
    client, deployment = open_rollup(l1_url, deployment_path)
    waiting = called_jobs(open_l2(l2_url, deployment))
    claims, settlement = bind(deployment, client).claims, deployment.rules.settlement
    request = lapse_of(waiting, terms, claims, client.head().time, settlement)
    TransactionSender(client, account).send(request)
    Console().print("ended: what waits for it goes on", soft_wrap=True)


def connect(l1_url: str, deployment_path: Path, beacon_url: str | None) -> tuple[L1View, OrderReader]:
    """The disputes and the order of a rollup, read up to now.

    Raises:
        AnhError: L1 cannot be read, or the deployment file is not of this chain.
    """
    client, deployment = open_rollup(l1_url, deployment_path)
    view = L1View(client, deployment)
    reader = OrderReader(deployment, client, BatchDataReader(client, beacon_url))
    view.refresh()
    reader.refresh()
    return view, reader


def find_job(reader: OrderReader, transaction: bytes, hashes: Mapping[bytes, bytes]) -> OrderedJob:
    """A job by its transaction's hash, or by its record's; see `hashes_by_record`.

    Raises:
        NotOrderedError: There is none on L1.
    """
    for each in reader.all_jobs():
        if transaction in (each.transaction, hashes.get(each.transaction)):
            return each
    raise NotOrderedError(transaction)


def hashes_by_record(reader: OrderReader) -> dict[bytes, bytes]:
    """Transaction hashes by keccak of the record."""
    return {
        keccak256(record): transaction.hash
        for block in reader.order.blocks
        for record, transaction in block.transactions
        if transaction is not None
    }


def states(jobs: Sequence[OrderedJob], view: L1View, reader: OrderReader, now: int) -> dict[bytes, str]:
    """What jobs have come to as of an L1 time, in a word each, by their records' hashes."""
    waiting = {each.transaction for each in reader.unsettled_jobs()}
    settlement = view.deployment.rules.settlement
    return {
        each.transaction: job_state(
            view.docket.claims_of(each.transaction),
            is_settled=each.transaction not in waiting,
            is_late=now > each.job.deadline,
            is_over=now >= each.ends_at(settlement),
        )
        for each in jobs
    }


def job_table(
    jobs: Sequence[OrderedJob], view: L1View, reader: OrderReader, hashes: Mapping[bytes, bytes], now: int
) -> Table:
    """Jobs, one a row, as of an L1 time; see `hashes_by_record`."""
    found = states(jobs, view, reader, now)
    table = Table(title="jobs")
    for heading in ("transaction", "kind", "place", "reward", "thresholds", "state"):
        table.add_column(heading, overflow="fold")
    for each in jobs:
        table.add_row(
            short(hashes.get(each.transaction, each.transaction)),
            each.job.kind.name.lower(),
            f"batch {each.batch}, {each.index}",
            show_ether(each.reward),
            ", ".join(str(wanted.threshold) for wanted in each.job.properties),
            found[each.transaction],
        )
    return table


def claims_table(claims: Sequence[ClaimRecord]) -> Table:
    """Claims, one a row, whole in 80 columns; `claim show` has all of the claimant's address."""
    table = Table(title="claims")
    for heading in ("claim", "claimant", "scores", "result", "state"):
        table.add_column(heading, overflow="fold")
    for each in claims:
        scores = ", ".join(f"{head.sum} of {head.count}" for head in each.claim.scores)
        table.add_row(
            short(each.identifier),
            each.claim.claimant[:10],
            scores,
            short(each.claim.result),
            each.state.name.lower(),
        )
    return table
