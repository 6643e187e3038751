"""What a transaction offers to L1, and how the offer grows: pure rules, no network."""

from dataclasses import dataclass, replace
from typing import Final

from anh_rollup.l1.errors import FeeCapError
from anh_rollup.l1.types import TRANSACTION_GAS_CAP
from anh_rollup.primitives import GWEI, Gas, Wei

#: Gas of one blob (EIP-4844, GAS_PER_BLOB).
BLOB_GAS: Final = 131_072

#: Pools replace a transaction for 10 % more (geth's txpool.pricebump), some for 12.5 %; so: an eighth.
BUMP_NUMERATOR, BUMP_DENOMINATOR = 9, 8

#: Blob transactions are replaced for twice the price (geth's blobpool.pricebump of 100 %).
BLOB_BUMP: Final = 2


@dataclass(frozen=True, slots=True)
class FeePolicy:
    """Limits of what the sender may offer, and when it offers more.

    Attributes:
        cap: Most wei a gas.
        blob_cap: Most wei a blob gas.
        tip: Wei a gas for the block's builder, where the node suggests none; the least otherwise.
        bump_after: Seconds without being mined before the offer grows.
        patience: Seconds after which the caller gets the transaction back as pending.
        gas_margin: Hundredths added to a gas estimate.
        gas_cap: Most gas of a transaction.
    """

    cap: Wei = Wei(500 * GWEI)
    blob_cap: Wei = Wei(500 * GWEI)
    tip: Wei = GWEI
    bump_after: float = 30.0
    patience: float = 300.0
    gas_margin: int = 20
    gas_cap: Gas = TRANSACTION_GAS_CAP


@dataclass(frozen=True, slots=True)
class Market:
    """What L1 asks for now.

    Attributes:
        base_fee: Wei a gas of the latest block; None before London.
        tip: The node's suggestion, or None.
        gas_price: The node's suggestion on chains without a base fee.
        blob_base_fee: Wei a blob gas.
    """

    base_fee: Wei | None
    tip: Wei | None = None
    gas_price: Wei = Wei(0)
    blob_base_fee: Wei = Wei(0)


@dataclass(frozen=True, slots=True)
class Offer:
    """What a transaction offers, in wei a gas.

    Attributes:
        max_fee: Most it pays (the price itself on chains without a base fee).
        tip: For the builder; None on chains without a base fee.
        max_blob_fee: Most it pays a blob gas; 0 without blobs.
    """

    max_fee: Wei
    tip: Wei | None
    max_blob_fee: Wei = Wei(0)

    def cost(self, gas: Gas, blobs: int) -> Wei:
        """The most wei that it can cost."""
        return Wei(gas * self.max_fee + blobs * BLOB_GAS * self.max_blob_fee)


def quote(market: Market, policy: FeePolicy, with_blobs: bool) -> Offer:
    """A first offer: room for the base fee to double, within the policy.

    Raises:
        FeeCapError: Even the next block would cost more than the policy allows.
    """
    blob_fee = _blob_fee(market, policy) if with_blobs else Wei(0)
    if market.base_fee is None:
        return Offer(_within(market.gas_price, market.gas_price, policy.cap), None, blob_fee)
    wanted = max(policy.tip, min(market.tip or 0, policy.cap))
    tip = Wei(min(wanted, max(policy.cap - market.base_fee, 0)))
    return Offer(_within(market.base_fee + min(tip, 1), 2 * market.base_fee + tip, policy.cap), tip, blob_fee)


def bump(offer: Offer, market: Market, policy: FeePolicy) -> Offer | None:
    """An offer that pools accept in place of `offer`, or None where the policy has no room for one."""
    with_blobs = offer.max_blob_fee > 0
    grown = _grown(offer, with_blobs)
    if grown.max_fee > policy.cap or grown.max_blob_fee > policy.blob_cap:
        return None
    try:
        fresh = quote(market, policy, with_blobs)
    except FeeCapError:
        return None
    tip = None if grown.tip is None else max(grown.tip, fresh.tip or Wei(0))
    max_fee = max(grown.max_fee, fresh.max_fee, tip or Wei(0))
    return replace(grown, max_fee=max_fee, tip=tip, max_blob_fee=max(grown.max_blob_fee, fresh.max_blob_fee))


def raise_tip(offer: Offer) -> Offer:
    """An offer with twice the tip, up to all that it pays: for one at the cap that no pool took."""
    return offer if offer.tip is None else replace(offer, tip=Wei(min(2 * offer.tip, offer.max_fee)))


def is_outbid(offer: Offer, market: Market) -> bool:
    """Whether the next block cannot take the transaction, because the base fees rose above its offer."""
    return offer.max_fee < (market.base_fee or 0) or 0 < offer.max_blob_fee < market.blob_base_fee


def _grown(offer: Offer, with_blobs: bool) -> Offer:
    """The least that replaces `offer`."""
    up, down = (BLOB_BUMP, 1) if with_blobs else (BUMP_NUMERATOR, BUMP_DENOMINATOR)
    tip = None if offer.tip is None else _times(offer.tip, up, down)
    return Offer(_times(offer.max_fee, up, down), tip, Wei(offer.max_blob_fee * up))


def _times(price: Wei, numerator: int, denominator: int) -> Wei:
    """A price times a fraction, rounded up."""
    return Wei(-(-price * numerator // denominator))


def _blob_fee(market: Market, policy: FeePolicy) -> Wei:
    least = max(market.blob_base_fee, 1)
    return _within(least, max(2 * least, GWEI), policy.blob_cap)


def _within(least: int, wanted: int, cap: Wei) -> Wei:
    if least > cap:
        raise FeeCapError(Wei(least), cap)
    return Wei(min(wanted, cap))
