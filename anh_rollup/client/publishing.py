"""Putting programs and models into the order, so that contracts can ask them."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import Final

from eth_account.signers.local import LocalAccount
from eth_utils.address import to_checksum_address

from anh_rollup.client.l2 import L2Client
from anh_rollup.client.ordering import PRICE_MARGIN, sign, wait_for
from anh_rollup.client.wording import show_ether
from anh_rollup.errors import AnhError
from anh_rollup.protocol.jobs import DNN_ADDRESS
from anh_rollup.protocol.publishing import PublishingStep
from anh_rollup.world.strict import STRICT_MARKER

ACCESS_LIST: Final = ({"address": to_checksum_address(STRICT_MARKER), "storageKeys": []},)
"""What makes a publication strict: nobody's execution has to wait for it."""

MOST_WAITING: Final = 8
"""Transactions that are sent before their places are waited for: half of what the pool keeps of a sender."""

Progress = Callable[[int], None]
"""Told how many transactions are in the order."""


class PublishingFundsError(AnhError):
    """An account that cannot pay for what it wants to publish; nothing is sent.

    Attributes:
        address: The account.
        needed: Cleared wei that it needs.
        held: Cleared wei that it has.
    """

    def __init__(self, address: str, needed: int, held: int) -> None:
        super().__init__(
            f"{address} cannot pay for it: publishing needs up to {show_ether(needed, 6)} of cleared money on"
            f" the L2, and it has {show_ether(held, 6)}",
            remedy="Bring ether in with `anh deposit`, and publish again.",
        )
        self.address, self.needed, self.held = address, needed, held


def unpublished(
    is_published: Callable[[bytes], bool], steps: Sequence[PublishingStep]
) -> list[PublishingStep]:
    """The steps that are not in the order yet; none where the artifact is published, however it was cut.

    Args:
        is_published: Whether a follower knows a part's hash, or a root, as published.
        steps: All that publish the artifact.
    """
    if is_published(steps[-1].hash):
        return []
    return [*(each for each in steps[:-1] if not is_published(each.hash)), steps[-1]]


def publish(l2: L2Client, account: LocalAccount, steps: Sequence[PublishingStep], told: Progress) -> None:
    """Sends steps in order; when this returns, the follower knows the last one's publication.

    Args:
        l2: A follower with a sequencer behind it.
        account: Who signs and pays.
        steps: What is not in the order yet.
        told: Told how many are in the order.

    Raises:
        PublishingFundsError: The account has too little cleared money.
        AnhError: The L2 refuses, or does not order in time.
    """
    _require_funds(l2, account, steps)
    for first in range(0, len(steps), MOST_WAITING):
        told(first)
        for sent in [l2.send_raw(_signed(l2, account, each)) for each in steps[first : first + MOST_WAITING]]:
            wait_for("the place of a publication in the order", partial(l2.position, sent))
    told(len(steps))
    wait_for("the publication", lambda: l2.is_published(steps[-1].hash) or None)


def _require_funds(l2: L2Client, account: LocalAccount, steps: Sequence[PublishingStep]) -> None:
    address = str(account.address)
    needed = sum(each.gas for each in steps) * l2.gas_price() * PRICE_MARGIN
    held = l2.cleared(address)
    if held < needed:
        raise PublishingFundsError(address, needed, held)


def _signed(l2: L2Client, account: LocalAccount, step: PublishingStep) -> bytes:
    return sign(
        account,
        l2.gas_price() * PRICE_MARGIN,
        chainId=l2.chain_id(),
        nonce=l2.nonce(str(account.address)),
        to=DNN_ADDRESS,
        value=0,
        data=step.calldata,
        gas=step.gas,
        accessList=ACCESS_LIST,
    )
