"""Lets members who own a network together replace it by a better one, twice.

    python -m scripts.retrain_dao --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \
        --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user

The network tells the cultivar of a wine from 13 measurements; its score is the negated cross entropy over 45
wines that nobody trains on. The contract is `contracts/examples/ModelDao.sol`.
"""

import sys
import time
from pathlib import Path
from typing import Final

from web3.contract import Contract

from anh_rollup.client.ordering import Report
from anh_rollup.client.wording import show_ether
from anh_rollup.primitives import ETHER
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.properties import cross_entropy_loss
from scripts import tables
from scripts.chains import Rollup, rollup_of, run
from scripts.l2_contracts import (
    LOOK_SECONDS,
    TRAINING_GAS,
    TRAINING_SECONDS,
    await_training,
    companion,
    deploy,
    emitted,
    l2_options,
    print_line,
    publish,
    publish_trained,
    refusal,
    send,
    transact,
)
from scripts.submit_training_job import deposit

EXAMPLE = """python -m scripts.retrain_dao --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \\
    --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user"""

#: Hidden units of the network.
HIDDEN: Final = 16

#: Fraction bits of the score: nats of a row.
LOSS_SCALE: Final = 16

#: The mean loss that each proposal promises, in nats.
LOSSES: Final = (0.6, 0.15)

#: What a training pays, and what the treasury starts with, in wei.
REWARD, TREASURY = ETHER // 10, ETHER

#: Members besides the account; two votes are enough.
OTHERS, QUORUM = 2, 2

#: Seconds to vote, and to execute what was accepted.
VOTING, EXECUTION = 20, 3_600


def retrain(rollup: Rollup, folder: Path, report: Report) -> None:
    """Founds a DAO and has it train a first network, then a better one.

    Raises:
        AnhError: A chain refuses.
    """
    deposit(rollup, 3 * TREASURY, report)
    members = [rollup, *(companion(rollup) for _ in range(OTHERS))]
    dao = found(members, ArtifactStore(folder), report)
    report(f"DAO {dao.address} of {len(members)} members, {show_ether(TREASURY)} in its treasury")
    for loss in LOSSES:
        decide(members, dao, threshold_of(loss), folder, report)
    worse = dao.functions.propose(threshold_of(LOSSES[0]), REWARD, "")
    report(f"nothing worse can be proposed any more: {refusal(dao, worse, rollup.address)}")
    ask(dao, report)


def threshold_of(loss: float) -> int:
    """The score of a mean loss in nats."""
    return -round(loss * tables.wines().test.count * 2**LOSS_SCALE)


def found(members: list[Rollup], store: ArtifactStore, report: Report) -> Contract:
    """Keeps what trainings need, publishes the program, and deploys a DAO that owns the network."""
    table = tables.wines()
    network = tables.perceptron(table.features, HIDDEN, table.classes)
    publish(members[0], network, report)
    architecture = tables.put_training(store, network, table)
    score, test = (
        store.put_program(cross_entropy_loss(network, scale=LOSS_SCALE)),
        store.put_dataset(table.test),
    )
    rules = (VOTING, EXECUTION, TRAINING_SECONDS, QUORUM, REWARD)
    addresses = [member.address for member in members]
    return deploy(members[0], "ModelDao", rules, addresses, architecture, score, test, value=TREASURY)


def decide(members: list[Rollup], dao: Contract, threshold: int, folder: Path, report: Report) -> None:
    """Proposes a better model, votes for it, executes the proposal after the vote, and publishes the model.

    Raises:
        NobodyTrainedError: None was in time: the proposal has failed, and the DAO keeps model and reward.
    """
    receipt = transact(members[0], dao.functions.propose(threshold, REWARD, folder.resolve().as_uri()))
    proposed = emitted(dao, "Proposed", receipt)
    proposal = proposed["id"]
    for member in members[:QUORUM]:
        transact(member, dao.functions.vote(proposal, True))
    report(f"proposal {proposal}: a score of at least {threshold:,}; {QUORUM} members vote for it")
    await_time(members[0], proposed["closes"])
    sent = send(members[0], dao.functions.execute(proposal), gas=TRAINING_GAS)
    report(f"training inside of {sent}: it waits for an accountant, and for L1")
    switched = await_training(members[0], sent, dao, "Switched")
    model, score = switched["model"], switched["score"]
    report(f"the DAO switches to 0x{model.hex()}, whose score is {score:,}")
    publish_trained(members[0], folder, model, report)


def await_time(rollup: Rollup, closes: int) -> None:
    """Waits until a vote's end is over by L1's time: an L2 without transactions makes no blocks."""
    while rollup.l1.eth.get_block("latest")["timestamp"] <= closes:
        time.sleep(LOOK_SECONDS)


def ask(dao: Contract, report: Report) -> None:
    """Asks the current model about every wine of the test set."""
    rows, cultivars = tables.wines().test.fields
    answers = [dao.functions.ask(row.tolist()).call() for row in rows]
    right = sum(
        answer.index(max(answer)) == wanted for answer, wanted in zip(answers, cultivars, strict=True)
    )
    report(f"asked on chain, it tells the cultivar of {right} of {len(rows)} wines")


def main() -> None:
    """Plays two votes and two trainings."""
    parser = l2_options("Let a DAO replace its network by a better one.", EXAMPLE)
    arguments = parser.parse_args()
    retrain(rollup_of(arguments), arguments.store, print_line)


if __name__ == "__main__":
    sys.exit(run(main))
