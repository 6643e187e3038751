"""Lends without collateral to whom a network trusts; the network is trained inside of a transaction.

    python -m scripts.lend --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \
        --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user

scikit-learn ships no credit records, so its 569 medical ones stand for what a credit bureau knows: 30
measurements of each person, and whether all ended well. The contract is `contracts/examples/LendingPool.sol`.
"""

import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

from eth_account import Account
from web3.contract import Contract

from anh_rollup.client.ordering import Report
from anh_rollup.client.wording import show_ether
from anh_rollup.primitives import ETHER
from anh_rollup.storage.artifacts import ArtifactStore
from anh_rollup.tensor.properties import accuracy
from scripts import tables
from scripts.chains import Rollup, rollup_of, run
from scripts.l2_contracts import (
    FEES,
    TRAINING_GAS,
    await_training,
    deploy,
    emitted,
    l2_options,
    pay,
    print_line,
    publish,
    publish_trained,
    refusal,
    send,
    training_deadline,
    transact,
)
from scripts.merkle_list import MerkleList
from scripts.submit_training_job import deposit

EXAMPLE = """python -m scripts.lend --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \\
    --deployment devnet/deployment.json --key-file devnet/keys/user.key --store devnet/user"""

#: Hidden units of the network.
HIDDEN: Final = 16

#: People who want a loan, both classes among them: enough for one who is trusted, and one who is not.
APPLICANTS: Final = 12

#: Least number of right answers of 143 on the test set.
LEAST_RIGHT: Final = 130

#: What the accountant gets, what the lender deposits, and what is borrowed, in wei.
REWARD, DEPOSIT, LOAN = ETHER // 10, 2 * ETHER, ETHER

#: Wei of which a borrower pays interest and what time rounds up.
SPARE: Final = ETHER // 100

#: Most wei of a loan, yearly rate, seconds of a loan and of the grace, least score, least reward.
RULES: Final = (LOAN, ETHER // 5, 30 * 86_400, 7 * 86_400, 1 << tables.ACTIVATION_SCALE, REWARD)

#: An entry of the bureau's list: borrower, features.
ENTRY: Final = ("address", "int32[]")


@dataclass(frozen=True, slots=True)
class Applicant:
    """Somebody whom the bureau knows.

    Attributes:
        rollup: The chains, with the applicant's account.
        features: What the bureau knows.
        proof: That it does.
    """

    rollup: Rollup
    features: list[int]
    proof: list[bytes]

    def borrowing(self, pool: Contract) -> Any:
        """The call that borrows."""
        return pool.functions.borrow(LOAN, self.features, self.proof)


def lend(rollup: Rollup, folder: Path, report: Report) -> None:
    """Opens a pool, has its network trained, lends to the best of some applicants, and is paid back.

    Raises:
        AnhError: A chain refuses.
    """
    deposit(rollup, 3 * DEPOSIT, report)
    listed, bureau = applicants(rollup)
    pool = open_pool(rollup, ArtifactStore(folder), bureau, report)
    report(f"pool {pool.address}")
    train(rollup, pool, folder, report)
    transact(rollup, pool.functions.deposit(), DEPOSIT)
    report(f"lender {rollup.address} deposits {show_ether(DEPOSIT)}")
    scores = [int(pool.functions.scoreOf(who.features).call()) for who in listed]
    best, worst = scores.index(max(scores)), scores.index(min(scores))
    for name, place in (("best", best), ("worst", worst)):
        report(f"the {name} applicant's score is {scores[place] / 2**tables.ACTIVATION_SCALE:+.2f}")
    good, bad = listed[best], listed[worst]
    pay(rollup, good.rollup.address, SPARE + FEES)
    report(f"the worst one gets nothing: {refusal(pool, bad.borrowing(pool), bad.rollup.address)}")
    borrowed = transact(good.rollup, good.borrowing(pool))
    report(f"the best one borrows {show_ether(LOAN)} for {borrowed['gasUsed']:,} gas")
    repay(good, pool, report)


def applicants(rollup: Rollup) -> tuple[list[Applicant], bytes]:
    """New accounts without money, and the root of the bureau's list of them."""
    rows, _ = tables.records().test.fields
    known = [(replace(rollup, account=Account.create()), row.tolist()) for row in rows[:APPLICANTS]]
    listed = MerkleList(ENTRY, [(who.address, features) for who, features in known])
    return [Applicant(*each, listed.proof(place)) for place, each in enumerate(known)], listed.root


def open_pool(rollup: Rollup, store: ArtifactStore, bureau: bytes, report: Report) -> Contract:
    """Keeps what the training needs, publishes the program, and deploys a pool that asks for it."""
    table = tables.records()
    network = tables.perceptron(table.features, HIDDEN, table.classes)
    publish(rollup, network, report)
    architecture = tables.put_training(store, network, table)
    wanted = (store.put_program(accuracy(network)), store.put_dataset(table.test), LEAST_RIGHT)
    return deploy(rollup, "LendingPool", RULES, architecture, wanted, bureau)


def train(rollup: Rollup, pool: Contract, folder: Path, report: Report) -> None:
    """Has the pool's network trained, and publishes it; the training waits until a claim is final on L1.

    Raises:
        NobodyTrainedError: None was in time: the pool is as it was.
    """
    wanted = pool.functions.train(training_deadline(rollup), folder.resolve().as_uri())
    sent = send(rollup, wanted, REWARD, TRAINING_GAS)
    report(f"training inside of {sent}: it waits for an accountant, and for L1")
    trained = await_training(rollup, sent, pool, "Trained")
    model, (score,) = trained["model"], trained["scores"]
    report(f"trained: model 0x{model.hex()}, right on {score} of {tables.records().test.count} test rows")
    publish_trained(rollup, folder, model, report)


def repay(borrower: Applicant, pool: Contract, report: Report) -> None:
    """Pays a loan back with its interest; what is sent beyond comes back."""
    paid = transact(borrower.rollup, pool.functions.repay(borrower.rollup.address), LOAN + SPARE)
    interest, left = emitted(pool, "Repaid", paid)["interest"], pool.functions.lent().call()
    report(f"and pays it back with {interest:,} wei of interest; {left} wei are lent now")


def main() -> None:
    """Plays a loan from the network's training to its repayment."""
    parser = l2_options("Lend to whom a network trusts.", EXAMPLE)
    arguments = parser.parse_args()
    lend(rollup_of(arguments), arguments.store, print_line)


if __name__ == "__main__":
    sys.exit(run(main))
