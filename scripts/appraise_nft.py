"""Sells NFTs at prices that a network gives them: handwritten digits, each token's pixels on chain.

    python -m scripts.appraise_nft --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \
        --deployment devnet/deployment.json --key-file devnet/keys/user.key

The network is trained on this machine; anybody can check how good it is, because the contract names it by its
root, and its bytes are published. The rest happens in `contracts/examples/Drawings.sol` and `Appraiser.sol`.
"""

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from rich.console import Console
from rich.table import Table
from web3.contract import Contract

from anh_rollup.client.ordering import Report
from anh_rollup.client.wording import show_ether
from anh_rollup.encoding.artifacts import Model
from anh_rollup.primitives import ETHER
from anh_rollup.training.trainer import train
from scripts import digits
from scripts.chains import Rollup, key_option, rollup_of, rollup_options, run
from scripts.l2_contracts import (
    companion,
    deploy,
    emitted,
    print_line,
    publish,
    send,
    transact,
    wait,
)
from scripts.merkle_list import MerkleList
from scripts.submit_training_job import LEAST_RIGHT, deposit

EXAMPLE = """python -m scripts.appraise_nft --l1 http://127.0.0.1:8545 --l2 http://127.0.0.1:8570 \\
    --deployment devnet/deployment.json --key-file devnet/keys/user.key"""

#: Drawings that are minted, and sold.
TOKENS: Final = 4

#: What the backer offers, in wei, and the hundredths of a percent of a price that it pays.
OFFER, PART = 2 * ETHER, 8_000

#: Wei for a clear drawing of each digit: 0.01 ether for a 0, 0.1 ether for a 9.
PRICES: Final = [(digit + 1) * ETHER // 100 for digit in range(digits.CLASSES)]

#: Lead of the network's first choice over its second that earns the whole price: 4, in the output's units.
CLEAR: Final = 4 << digits.ACTIVATION_SCALE

#: An entry of the catalogue: token, owner, pixels.
ENTRY: Final = ("uint256", "address", "bytes")


@dataclass(frozen=True, slots=True)
class Sale:
    """What came of one drawing.

    Attributes:
        token: Its number.
        drawn: The digit that somebody meant to write.
        read: The digit that the network reads.
        price: Its price in wei.
        paid: What the backer paid.
        gas: What the sale took.
    """

    token: int
    drawn: int
    read: int
    price: int
    paid: int
    gas: int


def train_network() -> Model:
    """Trains the digits' network."""
    images = digits.load()
    hints = digits.hints(images.train.root)
    trained = train(
        digits.architecture(),
        images.train,
        hints,
        lambda found: digits.right(tuple(found), images.test) >= LEAST_RIGHT,
    )
    return Model(trained.parameters)


def appraise(rollup: Rollup, report: Report) -> list[Sale]:
    """Mints drawings, lets a backer offer for them, and sells them at the network's prices.

    Raises:
        AnhError: A chain refuses.
    """
    report("training the network on this machine")
    architecture, model = digits.architecture(), train_network()
    deposit(rollup, 2 * OFFER, report)
    for each in (architecture, model):
        publish(rollup, each, report)
    drawings = put_drawings(rollup)
    network = (architecture.root, model.root)
    appraiser = deploy(rollup, "Appraiser", drawings.address, network, CLEAR, PRICES)
    report(f"collection {drawings.address}\nappraiser  {appraiser.address}")
    backer = companion(rollup, OFFER)
    transact(backer, appraiser.functions.offer(PART), OFFER)
    report(f"backer     {backer.address} offers {show_ether(OFFER)}")
    transact(rollup, drawings.functions.setApprovalForAll(appraiser.address, True))
    sales = [sell(rollup, appraiser, token, backer.address) for token in range(TOKENS)]
    transact(rollup, appraiser.functions.withdraw(rollup.address))
    return sales


def put_drawings(rollup: Rollup) -> Contract:
    """Deploys a collection of test images that belong to the account, and mints them all."""
    images = digits.load().test.fields[0]
    entries = [(token, rollup.address, bytes(images[token].ravel().tolist())) for token in range(TOKENS)]
    catalogue = MerkleList(ENTRY, entries)
    drawings = deploy(rollup, "Drawings", catalogue.root)
    minting = [drawings.functions.mint(*entry, catalogue.proof(entry[0])) for entry in entries]
    for sent in [send(rollup, call) for call in minting]:
        wait(rollup, sent)
    return drawings


def sell(rollup: Rollup, appraiser: Contract, token: int, backer: str) -> Sale:
    """Sells one drawing to a backer for no less than its part of today's price."""
    read, price = appraiser.functions.appraise(token).call()
    receipt = transact(rollup, appraiser.functions.sell(token, backer, price * PART // 10_000))
    paid = emitted(appraiser, "Sold", receipt)["paid"]
    drawn = int(digits.load().test.fields[1][token])
    return Sale(token, drawn, read, price, paid, receipt["gasUsed"])


def show(sales: Sequence[Sale], console: Console) -> None:
    """Prints what was sold."""
    table = Table("token", "drawn", "network reads", "price", "paid", "gas of the sale")
    for sale in sales:
        money = (show_ether(sale.price), show_ether(sale.paid))
        table.add_row(str(sale.token), str(sale.drawn), str(sale.read), *money, f"{sale.gas:,}")
    console.print(table)


def main() -> None:
    """Sells drawings and prints for how much."""
    parser = rollup_options("Sell NFTs at prices that a network gives them.", EXAMPLE)
    key_option(parser)
    arguments, console = parser.parse_args(), Console()
    show(appraise(rollup_of(arguments), print_line), console)


if __name__ == "__main__":
    sys.exit(run(main))
